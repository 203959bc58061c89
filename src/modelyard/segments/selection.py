"""Which rows of all partitions a page gives: the frames of all merged by time."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelyard.core.monitoring.inference_log import Cursor, PageRequest, PageStatus, RequestQuery, Tally
from modelyard.segments.index import Frame, Index


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one frame: [low, high) within the frame."""

    frame: Frame
    low: int
    high: int


def select(indexes: dict[str, Index], request: PageRequest) -> tuple[list[Piece], PageStatus, Cursor]:
    """(what to read, why it ends, where to go on): frames of all partitions merged by time."""
    cursor = _start(indexes, request)
    pieces: list[Piece] = []
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
        pieces.append(Piece(frame, low, high))
        rows, size = rows + take, size + frame.length
        cursor[frame.partition] = frame.first + (low if request.newest_first else high)
        if take < rest:
            return pieces, PageStatus.RECORD_LIMITED, cursor
    return pieces, PageStatus.ALL, cursor


def _start(indexes: dict[str, Index], request: PageRequest | RequestQuery) -> Cursor:
    """Oldest first, a cursor holds the next row of each partition; newest first, how many rows are left of it."""
    if request.newest_first:
        given = request.cursor or {name: index.rows for name, index in indexes.items()}
        return {name: min(max(given.get(name, 0), 0), index.rows) for name, index in indexes.items()}
    given = request.cursor or {}
    return {name: min(max(given.get(name, 0), 0), index.rows) for name, index in indexes.items()}


def _merged(indexes: dict[str, Index], cursor: Cursor, *, newest_first: bool) -> Iterator[Frame]:
    streams = [_frames(index, cursor[name], newest_first=newest_first) for name, index in indexes.items()]
    return heapq.merge(*streams, key=lambda f: (f.time_ms, f.partition, f.first), reverse=newest_first)


def _frames(index: Index, at: int, *, newest_first: bool) -> Iterator[Frame]:
    firsts = _Firsts(index.frames)
    if newest_first:
        return (index.frames[i] for i in range(firsts.before(at) - 1, -1, -1))
    return (index.frames[i] for i in range(max(firsts.before(at + 1) - 1, 0), len(index.frames)) if _end(index, i) > at)


class _Firsts:
    """Finds frames by row number."""

    def __init__(self, frames: list[Frame]) -> None:
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


def _end(index: Index, at: int) -> int:
    return index.frames[at].first + index.frames[at].rows


def _rest(frame: Frame, at: int, *, newest_first: bool) -> tuple[int, int]:
    """The rows of the frame that the cursor leaves, as [low, high) within it."""
    if newest_first:
        return 0, min(at - frame.first, frame.rows)
    return max(at - frame.first, 0), frame.rows


def _within(time_ms: int, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or time_ms >= start.timestamp() * 1000) and (end is None or time_ms <= end.timestamp() * 1000)


def choose(indexes: dict[str, Index], query: RequestQuery) -> tuple[list[Piece], bool, Cursor]:
    """(the requests to read, whether there are more, where to go on)."""
    cursor = _start(indexes, query)
    pieces: list[Piece] = []
    size = 0
    for frame in _merged(indexes, cursor, newest_first=query.newest_first):
        low, high = _rest(frame, cursor[frame.partition], newest_first=query.newest_first)
        if matches(frame, query):
            if len(pieces) == query.limit or (pieces and size + frame.length > query.max_bytes):
                return pieces, True, cursor
            pieces.append(Piece(frame, low, high))
            size += frame.length
        cursor[frame.partition] = frame.first + (low if query.newest_first else high)
    return pieces, False, cursor


def matches(frame: Frame, query: RequestQuery) -> bool:
    """Whether the request is one of those asked for, wherever the query starts."""
    if query.target is not None and frame.target != query.target:
        return False
    if query.request_id is not None and query.request_id not in (frame.request_id, frame.place):
        return False
    return _within(frame.time_ms, query.start, query.end)


def tally(frames: Iterable[Frame]) -> list[Tally]:
    """The requests of each target counted."""
    counts: dict[str, tuple[int, int, int, int]] = {}
    for frame in frames:
        requests, rows, first, last = counts.get(frame.target, (0, 0, frame.time_ms, frame.time_ms))
        first, last = min(first, frame.time_ms), max(last, frame.time_ms)
        counts[frame.target] = requests + 1, rows + frame.rows, first, last
    return [Tally(t, n, rows, moment(first), moment(last)) for t, (n, rows, first, last) in sorted(counts.items())]


def moment(time_ms: int) -> datetime:
    """The time in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)
