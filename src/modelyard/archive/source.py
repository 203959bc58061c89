"""An archived file as a source of the log."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelyard.archive.files import tallies
from modelyard.archive.formats import FIRST, GROUPS_KEY, PARTITION, PLACES, REQUEST_ID, ROW, TARGET, read_file_schema
from modelyard.archive.showing import columns_of, request_of
from modelyard.core.monitoring.entities import LogFile
from modelyard.core.monitoring.inference_log import Cursor, LoggedRequest, PageRequest, RequestQuery
from modelyard.segments.index import Frame
from modelyard.segments.selection import added
from modelyard.segments.source import Asked, Columns, Counts, Piece

_AT_ONCE = 1024
"""Frames that are made at once, as most often only the first few are wanted."""


class ArchivedFile:
    """The rows of one Parquet file, of which nothing is read before it is asked for."""

    def __init__(self, folder: Path, entry: LogFile) -> None:
        self._path = folder / entry.path
        self._entry = entry
        self.parts = entry.parts
        self.size = entry.size
        self.times = (min(n[2] for n in entry.tallies.values()), max(n[3] for n in entry.tallies.values()))
        self._held: tuple[int, pa.Table] | None = None

    def frames(self, cursor: Cursor, asked: Asked) -> Iterator[Frame]:
        for group in self._groups[::-1] if asked.newest_first else self._groups:
            if group.wanted(cursor, asked):
                yield from self._frames(group, cursor, asked)

    def columns(self, pieces: Sequence[Piece], request: PageRequest) -> Iterator[Columns]:
        for group, some in self._by_group(pieces):
            step = -1 if request.newest_first else 1
            rows = [np.arange(p.low, p.high)[::step] + p.frame.at - group.at for p in some]
            table = self._table(group).take(pa.array(np.concatenate(rows)))
            yield columns_of(table, self._schema, noted=request.noted)

    def requests(self, pieces: Sequence[Piece]) -> Iterator[LoggedRequest]:
        for group, some in self._by_group(pieces):
            table = self._table(group)
            for piece in some:
                rows = table.slice(piece.frame.at - group.at, piece.frame.rows)
                yield request_of(rows, self._schema, piece)

    def tally(self, query: RequestQuery) -> Counts:
        if query.start is None and query.end is None and query.request_id is None:
            known = self._entry.tallies
            return {target: known[target] for target in known if query.target in (None, target)}
        counts: Counts = {}
        for group in self._groups:
            if group.within(query):
                places = self._places(group)
                kept = places.filter(pa.array(_asked_for(places, query)))
                for target, some in tallies(kept).items():
                    counts[target] = added(counts.get(target), some)
        return counts

    @cached_property
    def _file(self) -> pq.ParquetFile:
        return pq.ParquetFile(self._path)

    @cached_property
    def _schema(self) -> Any:
        return read_file_schema(self._file.schema_arrow)

    @cached_property
    def _groups(self) -> list["_Group"]:
        metadata = self._file.metadata
        parts = json.loads(metadata.metadata[GROUPS_KEY])
        at, groups = 0, []
        for number in range(metadata.num_row_groups):
            told = metadata.row_group(number)
            time = told.column(0).statistics
            size = told.total_byte_size // max(told.num_rows, 1)
            groups.append(_Group(number, at, told.num_rows, time.min_raw, time.max_raw, parts[number], size))
            at += told.num_rows
        return groups

    def _by_group(self, pieces: Sequence[Piece]) -> Iterator[tuple["_Group", list[Piece]]]:
        ends = [group.at + group.rows for group in self._groups]
        runs = groupby(pieces, key=lambda piece: int(np.searchsorted(ends, piece.frame.at, side="right")))
        return ((self._groups[number], list(run)) for number, run in runs)

    def _table(self, group: "_Group") -> pa.Table:
        if self._held is None or self._held[0] != group.number:
            self._held = group.number, self._file.read_row_group(group.number, use_threads=False).combine_chunks()
        return self._held[1]

    def _places(self, group: "_Group") -> pa.Table:
        return self._file.read_row_group(group.number, list(PLACES), use_threads=False).combine_chunks()

    def _frames(self, group: "_Group", cursor: Cursor, asked: Asked) -> Iterator[Frame]:
        places = self._places(group)
        begins = np.flatnonzero(pc.equal(places[ROW], places[FIRST]).to_numpy())
        counts = np.diff(begins, append=places.num_rows)
        frames = places.take(pa.array(begins))
        kept = _asked_for(frames, asked) & _left(frames, counts, cursor, newest_first=asked.newest_first)
        chosen = np.flatnonzero(kept)[:: -1 if asked.newest_first else 1]
        schema = self._schema.as_segment()
        for low in range(0, len(chosen), _AT_ONCE):
            some = chosen[low : low + _AT_ONCE]
            for row, begin, rows in zip(_told(frames, some), begins[some], counts[some], strict=True):
                partition, first, time_ms, request_id, target = row
                at, length = group.at + int(begin), int(rows) * group.row_bytes
                yield Frame(partition, first, int(rows), time_ms, at, length, schema, request_id, target)


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group: ``at`` is the number of its first row in the file, times are ms since 1970."""

    number: int
    at: int
    rows: int
    first_ms: int
    last_ms: int
    parts: dict[str, list[int]]
    row_bytes: int

    def wanted(self, cursor: Cursor, asked: Asked) -> bool:
        """Whether there may be rows in it that are asked for."""
        if asked.newest_first:
            left = any(first < cursor[partition] for partition, (first, _) in self.parts.items())
        else:
            left = any(end > cursor[partition] for partition, (_, end) in self.parts.items())
        return left and self.within(asked)

    def within(self, asked: Asked) -> bool:
        """Whether its times overlap those asked for."""
        early = asked.start is not None and self.last_ms < asked.start.timestamp() * 1000
        return not early and (asked.end is None or self.first_ms <= asked.end.timestamp() * 1000)


def _asked_for(places: pa.Table, asked: Asked) -> Any:
    """Which rows are asked for, wherever the cursor is."""
    times = places["time"].cast(pa.int64()).to_numpy()
    kept = np.ones(len(times), dtype=bool)
    if asked.start is not None:
        kept &= times >= asked.start.timestamp() * 1000
    if asked.end is not None:
        kept &= times <= asked.end.timestamp() * 1000
    if isinstance(asked, RequestQuery) and asked.target is not None:
        kept &= pc.equal(places[TARGET], asked.target).to_numpy()
    if isinstance(asked, RequestQuery) and asked.request_id is not None:
        kept &= pc.equal(places[REQUEST_ID], asked.request_id).to_numpy() | _at_place(places, asked.request_id)
    return kept


def _at_place(places: pa.Table, request_id: str) -> Any:
    partition, _, first = request_id.rpartition(":")
    if not first.isascii() or not first.isdigit() or len(first) > 18:
        return np.zeros(places.num_rows, dtype=bool)
    here: Any = pc.and_(pc.equal(places[PARTITION], partition), pc.equal(places[FIRST], int(first)))
    return here.to_numpy()


def _left(frames: pa.Table, counts: Any, cursor: Cursor, *, newest_first: bool) -> Any:
    """Which frames the cursor leaves rows of."""
    partitions = frames[PARTITION].combine_chunks().dictionary_encode()
    limits = np.array([cursor[name] for name in partitions.dictionary.to_pylist()], dtype=np.int64)
    limit = limits[partitions.indices.to_numpy()] if len(limits) else np.zeros(0, dtype=np.int64)
    firsts = frames[FIRST].to_numpy()
    return firsts < limit if newest_first else firsts + counts > limit


def _told(frames: pa.Table, chosen: Any) -> Iterator[tuple[Any, ...]]:
    some = frames.take(pa.array(chosen))
    columns = (some[PARTITION], some[FIRST], some["time"].cast(pa.int64()), some[REQUEST_ID], some[TARGET])
    return zip(*(column.to_pylist() for column in columns), strict=True)
