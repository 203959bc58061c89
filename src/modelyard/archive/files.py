"""Writes one Parquet file of the archive."""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelyard.archive.formats import FIRST, GROUPS_KEY, NAMES, PARTITION, REQUEST_ID, ROW, TARGET, FileSchema
from modelyard.core.kernel.ids import new_uuid
from modelyard.segments.selection import added

GROUP_ROWS = 64 * 1024
GROUP_BYTES = 8 * 1024 * 1024
"""A row group is full with so many rows or bytes of them."""
TEMPORARY = "tmp"
"""The folder of files that are not finished."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that is in its place and safe on the disk; see ``LogFile``. Times are ms since 1970."""

    path: str
    sha: str
    schema: str
    day: str
    size: int
    rows: int
    first_ms: int
    last_ms: int
    parts: dict[str, list[int]]
    tallies: dict[str, list[int]]


class FileWriter:
    """Writes tables of one schema, sorted by time, to a file that gets its name when it is whole.

    ``folder`` is that of the archive, ``place`` the file's folder within it.
    """

    def __init__(self, folder: Path, place: str, day: str, schema: FileSchema) -> None:
        self._folder, self._place, self._day, self._schema = folder, place, day, schema
        (folder / TEMPORARY).mkdir(parents=True, exist_ok=True)
        self._temporary = folder / TEMPORARY / new_uuid()
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self._times: list[int] = []
        self._parts: dict[str, list[int]] = {}
        self._tallies: dict[str, list[int]] = {}
        self._groups: list[dict[str, list[int]]] = []

    def write(self, table: pa.Table) -> None:
        """Append a row group."""
        if self._writer is None:
            self._writer = _parquet(self._temporary, self._schema.arrow, table.num_rows)
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._rows += table.num_rows
        self._note(table)

    def finish(self) -> WrittenFile:
        """Make it safe and give it its name."""
        assert self._writer is not None  # noqa: S101  # a file has rows
        self._writer.add_key_value_metadata({GROUPS_KEY: json.dumps(self._groups).encode()})
        self._writer.close()
        with self._temporary.open("rb") as file:
            os.fsync(file.fileno())
            sha = hashlib.file_digest(file, "sha256").hexdigest()
        size = self._temporary.stat().st_size
        target = self._folder / self._place / f"day={self._day}" / f"{self._name()}-{sha[:16]}.parquet"
        make_folders(target.parent, self._folder)
        self._temporary.rename(target)
        sync_folder(target.parent)
        path = str(target.relative_to(self._folder))
        first, last = min(self._times), max(self._times)
        told = (sha, self._schema.digest, self._day, size, self._rows, first, last, self._parts, self._tallies)
        return WrittenFile(path, *told)

    def discard(self) -> None:
        """Remove what is not finished."""
        if self._temporary.exists():
            if self._writer is not None:
                with suppress(OSError):  # the disk may be full
                    self._writer.close()
            self._temporary.unlink()

    def _name(self) -> str:
        if len(self._parts) > 1:
            return f"merged-{self._rows}"
        [(partition, (first, end))] = self._parts.items()
        return f"{partition}-{first}-{end}"

    def _note(self, table: pa.Table) -> None:
        places = table.select(["time", PARTITION, ROW, FIRST, TARGET])
        group = {}
        for row in places.group_by(PARTITION).aggregate([(ROW, "min"), (ROW, "max")]).to_pylist():
            low, high = row[f"{ROW}_min"], row[f"{ROW}_max"] + 1
            group[row[PARTITION]] = [low, high]
            known = self._parts.get(row[PARTITION], [low, high])
            self._parts[row[PARTITION]] = [min(known[0], low), max(known[1], high)]
        self._groups.append(group)
        for target, counts in tallies(places).items():
            self._tallies[target] = added(self._tallies.get(target), counts)
            self._times += counts[2:]


def tallies(places: pa.Table) -> dict[str, list[int]]:
    """For each target of the rows: [requests, rows, first time, last time]."""
    begins = pc.equal(places[ROW], places[FIRST]).cast(pa.int64())
    plain = pa.table({TARGET: places[TARGET], "begins": begins, "time": places["time"].cast(pa.int64())})
    grouped = plain.group_by(TARGET).aggregate(
        [("begins", "sum"), ("begins", "count"), ("time", "min"), ("time", "max")]
    )
    names = ("begins_sum", "begins_count", "time_min", "time_max")
    return {row[TARGET]: [row[name] for name in names] for row in grouped.to_pylist()}


def day_of(time_ms: int) -> str:
    """The day in UTC, as YYYY-MM-DD."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d")


def make_folders(folder: Path, top: Path) -> None:
    """Make the folder and those above it, and make them safe up to ``top``."""
    missing = [each for each in (folder, *folder.parents) if each.is_relative_to(top) and not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make safe what was named or removed in a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parquet(path: Path, schema: pa.Schema, rows: int) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=[name for name in NAMES if name in schema.names],
        bloom_filter_options={REQUEST_ID: {"ndv": rows, "fpp": 0.01}},
        write_page_index=True,
    )
