"""Reads the segments of all processes as one log, ordered by time.

What was learnt of a file is remembered (where its frames are), so a page costs what its rows cost and a look at what
was added since.
"""

import heapq
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from modelyard.core.monitoring.inference_log import (
    Cursor,
    LogRows,
    Page,
    PageRequest,
    PageStatus,
    Partition,
    Stream,
    anomalies,
)
from modelyard.core.serving.tensors import Array
from modelyard.segments.frames import (
    HEAD,
    MAGIC,
    ROWS,
    ROWS_KIND,
    SCHEMA_KIND,
    SegmentSchema,
    folder_name,
    read_rows,
    read_schema,
)

_BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where rows lie: ``first`` is the number of the first of them in the partition."""

    partition: str
    first: int
    rows: int
    time_ms: int
    at: int
    length: int
    schema: SegmentSchema


@dataclass(slots=True)
class _Index:
    """What is known of one file: its frames as far as it has been read."""

    read: int = len(MAGIC)
    rows: int = 0
    schema: SegmentSchema | None = None
    frames: list[_Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some rows of one frame: [low, high) within the frame."""

    frame: _Frame
    low: int
    high: int


class SegmentReader:
    """See ``core.monitoring.inference_log.LogReader``. Blocking: call it on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._indexes: dict[str, dict[str, _Index]] = defaultdict(dict)
        self._lock = threading.Lock()

    def partitions(self, pipeline_id: int) -> dict[str, Partition]:
        indexes = self._refresh(folder_name(pipeline_id, Stream.REQUESTS))
        return {name: Partition(0, index.rows, index.read) for name, index in indexes.items()}

    def page(self, pipeline_id: int, request: PageRequest, stream: Stream = Stream.REQUESTS) -> Page:
        name = folder_name(pipeline_id, stream)
        pieces, status, cursor = _select(self._refresh(name), request)
        rows = self._materialize(name, pieces, newest_first=request.newest_first)
        return Page(rows, status, cursor if status is not PageStatus.ALL else {})

    def _refresh(self, name: str) -> dict[str, _Index]:
        """The indexes of all partitions, with a snapshot of how far each goes now."""
        folder = self._folder / name
        with self._lock:
            known = self._indexes[name]
            for path in sorted(folder.glob("*.seg")):
                index = known.setdefault(path.stem, _Index())
                if path.stat().st_size > index.read:  # a sealed file has no zeros at its end
                    _extend(path, index)
            return {
                name: _Index(index.read, index.rows, index.schema, index.frames[:]) for name, index in known.items()
            }

    def _materialize(self, name: str, pieces: list[_Piece], *, newest_first: bool) -> LogRows:
        if not pieces:
            return LogRows(0, {})
        folder = self._folder / name
        with ExitStack() as stack:
            names = {piece.frame.partition for piece in pieces}
            files = {name: stack.enter_context((folder / f"{name}.seg").open("rb")) for name in names}
            parts = [_read(files[piece.frame.partition], piece, newest_first) for piece in pieces]
        return LogRows(sum(piece.high - piece.low for piece in pieces), _concatenated(parts))


def _extend(path: Path, index: _Index) -> None:
    """Read the frames that were added."""
    with path.open("rb") as file:
        file.seek(index.read)
        for payload in _whole_frames(file):
            _take(path.stem, index, payload, index.read + HEAD.size)
            index.read += HEAD.size + len(payload)


def _whole_frames(file: BinaryIO) -> Iterator[memoryview]:
    """The payloads from here on, up to the zeros at the end or a frame that is not whole."""
    data, at = b"", 0
    while True:
        needed = HEAD.size
        if len(data) - at >= needed:
            length, checksum = HEAD.unpack_from(data, at)
            if not length:
                return
            needed += length
            if len(data) - at >= needed:
                payload = memoryview(data)[at + HEAD.size : at + needed]
                if zlib.crc32(payload) != checksum:
                    return
                yield payload
                at += needed
                continue
        more = file.read(max(_BLOCK_BYTES, needed))
        if not more:
            return
        data, at = data[at:] + more, 0


def _take(partition: str, index: _Index, payload: memoryview, at: int) -> None:
    if payload[0] == SCHEMA_KIND:
        index.schema = read_schema(payload)
    elif payload[0] == ROWS_KIND and index.schema is not None:
        _, rows, time_ms = ROWS.unpack_from(payload)
        index.frames.append(_Frame(partition, index.rows, rows, time_ms, at, len(payload), index.schema))
        index.rows += rows


def _select(indexes: dict[str, _Index], request: PageRequest) -> tuple[list[_Piece], PageStatus, Cursor]:
    """(what to read, why it ends, where to go on): frames of all partitions merged by time."""
    cursor = _start(indexes, request)
    pieces: list[_Piece] = []
    rows = size = 0
    layout: tuple[Any, ...] | None = None
    for frame in _merged(indexes, cursor, newest_first=request.newest_first):
        low, high = _rest(frame, cursor[frame.partition], newest_first=request.newest_first)
        if not _within(frame.time_ms, request.start, request.end):
            cursor[frame.partition] = low + frame.first if request.newest_first else high + frame.first
            continue
        if rows == request.size:
            return pieces, PageStatus.RECORD_LIMITED, cursor
        if layout is not None and frame.schema.layout() != layout:
            return pieces, PageStatus.SCHEMA_CHANGE, cursor
        if pieces and size + frame.length > request.max_bytes:
            return pieces, PageStatus.BYTE_LIMITED, cursor
        layout = frame.schema.layout()
        rest, take = high - low, min(high - low, request.size - rows)
        if request.newest_first:
            low = high - take
        else:
            high = low + take
        pieces.append(_Piece(frame, low, high))
        rows, size = rows + take, size + frame.length
        cursor[frame.partition] = frame.first + (low if request.newest_first else high)
        if take < rest:
            return pieces, PageStatus.RECORD_LIMITED, cursor
    return pieces, PageStatus.ALL, cursor


def _start(indexes: dict[str, _Index], request: PageRequest) -> Cursor:
    """Oldest first, a cursor holds the next row of each partition; newest first, how many rows are left of it."""
    if request.newest_first:
        given = request.cursor or {name: index.rows for name, index in indexes.items()}
        return {name: min(max(given.get(name, 0), 0), index.rows) for name, index in indexes.items()}
    given = request.cursor or {}
    return {name: min(max(given.get(name, 0), 0), index.rows) for name, index in indexes.items()}


def _merged(indexes: dict[str, _Index], cursor: Cursor, *, newest_first: bool) -> Iterator[_Frame]:
    streams = [_frames(index, cursor[name], newest_first=newest_first) for name, index in indexes.items()]
    return heapq.merge(*streams, key=lambda f: (f.time_ms, f.partition, f.first), reverse=newest_first)


def _frames(index: _Index, at: int, *, newest_first: bool) -> Iterator[_Frame]:
    firsts = _Firsts(index.frames)
    if newest_first:
        return (index.frames[i] for i in range(firsts.before(at) - 1, -1, -1))
    return (index.frames[i] for i in range(max(firsts.before(at + 1) - 1, 0), len(index.frames)) if _end(index, i) > at)


class _Firsts:
    """Finds frames by row number."""

    def __init__(self, frames: list[_Frame]) -> None:
        self._frames = frames

    def before(self, row: int) -> int:
        """How many frames begin before the row."""
        low, high = 0, len(self._frames)
        while low < high:
            middle = (low + high) // 2
            if self._frames[middle].first < row:
                low = middle + 1
            else:
                high = middle
        return low


def _end(index: _Index, at: int) -> int:
    return index.frames[at].first + index.frames[at].rows


def _rest(frame: _Frame, at: int, *, newest_first: bool) -> tuple[int, int]:
    """The rows of the frame that the cursor leaves, as [low, high) within it."""
    if newest_first:
        return 0, min(at - frame.first, frame.rows)
    return max(at - frame.first, 0), frame.rows


def _within(time_ms: int, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or time_ms >= start.timestamp() * 1000) and (end is None or time_ms <= end.timestamp() * 1000)


def _read(file: BinaryIO, piece: _Piece, newest_first: bool) -> dict[str, Array | list[Any]]:
    frame = piece.frame
    file.seek(frame.at)
    payload = read_rows(frame.schema, file.read(frame.length))
    step = -1 if newest_first else 1
    rows = piece.high - piece.low
    columns: dict[str, Array | list[Any]] = {"time": np.full(rows, frame.time_ms, dtype=np.int64)}
    for name, values in payload.columns.items():
        columns[name] = values[piece.low : piece.high][::step]
    checks = {name: columns.pop(name) for name in payload.columns if name.startswith("anomaly.")}
    columns |= anomalies(checks, rows)
    columns["metadata.dropped"] = [[] for _ in range(rows)]
    columns["metadata.elapsed"] = [list(payload.elapsed) for _ in range(rows)]
    for name, value in frame.schema.constants.items():
        columns[name] = [value] * rows
    return columns


def _concatenated(parts: list[dict[str, Array | list[Any]]]) -> dict[str, Array | list[Any]]:
    together: dict[str, Array | list[Any]] = {}
    for name, first in parts[0].items():
        if isinstance(first, np.ndarray):
            together[name] = np.concatenate([part[name] for part in parts])
        else:
            together[name] = [value for part in parts for value in part[name]]
    return together
