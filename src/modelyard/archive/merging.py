"""Merges files of one day and schema, so that there are few of them however often segments end."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelyard.archive.files import GROUP_BYTES, GROUP_ROWS, FileWriter, WrittenFile
from modelyard.archive.formats import PARTITION, ROW, read_file_schema
from modelyard.core.monitoring.entities import LogFile

_FAN_IN = 8
_SMALLEST_BYTES = 256 * 1024
_LARGEST_BYTES = 128 * 1024 * 1024
"""A file of this size is merged no more."""


def mergeable(files: Sequence[LogFile], today: str) -> Iterator[list[LogFile]]:
    """What is to be made one file: eight of about one size; of a day that is over, also fewer."""
    groups: dict[tuple[str, str, int], list[LogFile]] = defaultdict(list)
    for file in files:
        if file.size < _LARGEST_BYTES // 2:
            tier = _tier(file.size) if file.day >= today else 0
            groups[file.day, file.schema, tier].append(file)
    for (day, _, _), group in groups.items():
        group.sort(key=lambda file: (file.size, file.id))
        for at in range(0, len(group), _FAN_IN):
            some = group[at : at + _FAN_IN]
            if len(some) == _FAN_IN or (day < today and len(some) > 1):
                yield some


def merge(files: Sequence[LogFile], folder: Path, place: str) -> WrittenFile:
    """Write the rows of all files to one."""
    with ExitStack() as stack:
        opened = [stack.enter_context(pq.ParquetFile(folder / file.path)) for file in files]
        writer = FileWriter(folder, place, files[0].day, read_file_schema(opened[0].schema_arrow))
        stack.callback(writer.discard)
        waiting: list[pa.Table] = []
        for table in _in_order([_groups(file) for file in opened]):
            waiting.append(table)
            if _full(waiting):
                writer.write(pa.concat_tables(waiting).combine_chunks())
                waiting = []
        if waiting:
            writer.write(pa.concat_tables(waiting).combine_chunks())
        return writer.finish()


def _full(tables: Sequence[pa.Table]) -> bool:
    rows, size = sum(t.num_rows for t in tables), sum(t.nbytes for t in tables)
    return bool(rows >= GROUP_ROWS or size >= GROUP_BYTES)


def _tier(size: int) -> int:
    """Files of one tier differ by less than the number that are merged at once."""
    tier = 0
    while size > _SMALLEST_BYTES:
        size, tier = size // _FAN_IN, tier + 1
    return tier


def _groups(file: pq.ParquetFile) -> Iterator[pa.Table]:
    return (file.read_row_group(number) for number in range(file.num_row_groups))


def _in_order(inputs: list[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """The rows of inputs that are sorted themselves, sorted by time, partition and row."""
    held: dict[int, pa.Table] = {
        number: table for number, each in enumerate(inputs) if (table := next(each, None)) is not None
    }
    while held:
        bound = min(_end(table) for table in held.values())
        for number, table in held.items():
            held[number] = _beyond(bound, table, inputs[number])
        yield _sorted([table.slice(0, _until(table, bound)) for table in held.values()])
        rest = {number: table.slice(_until(table, bound)) for number, table in held.items()}
        held = {n: table for n, kept in rest.items() if (table := _left(kept, inputs[n])) is not None}


def _beyond(bound: int, table: pa.Table, more: Iterator[pa.Table]) -> pa.Table:
    """The table with what follows it, so that nothing that is still to come is of the time ``bound``."""
    while _end(table) == bound and (following := next(more, None)) is not None:
        table = pa.concat_tables([table, following])
    return table


def _left(table: pa.Table, more: Iterator[pa.Table]) -> pa.Table | None:
    return table if table.num_rows else next(more, None)


def _end(table: pa.Table) -> int:
    return int(table["time"][-1].value)


def _until(table: pa.Table, bound: int) -> int:
    """How many rows are not later than the bound, in ms."""
    return int(pc.sum(pc.less_equal(table["time"].cast(pa.int64()), bound)).as_py() or 0)


def _sorted(tables: list[pa.Table]) -> pa.Table:
    together = pa.concat_tables(tables)
    return together.sort_by([("time", "ascending"), (PARTITION, "ascending"), (ROW, "ascending")])
