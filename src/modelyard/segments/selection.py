"""Which rows of all sources a page gives: the frames of all merged by time."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from modelyard.core.monitoring.inference_log import Cursor, PageRequest, PageStatus, RequestQuery, Tally
from modelyard.segments.index import Frame
from modelyard.segments.source import Asked, Counts, Piece, Source


def extents(sources: Sequence[Source]) -> dict[str, tuple[int, int]]:
    """The numbers of the first row of each partition and of the row after the last."""
    found: dict[str, tuple[int, int]] = {}
    for source in sources:
        for partition, (first, end) in source.parts.items():
            low, high = found.get(partition, (first, end))
            found[partition] = min(low, first), max(high, end)
    return found


def select(sources: Sequence[Source], request: PageRequest) -> tuple[list[Piece], PageStatus, Cursor]:
    """(what to read, why it ends, where to go on): frames of all partitions merged by time."""
    cursor = _start(sources, request)
    pieces: list[Piece] = []
    rows = size = 0
    layout: tuple[Any, ...] | None = None
    for source, frame in _merged(sources, cursor, request):
        low, high = rest(frame, cursor[frame.partition], newest_first=request.newest_first)
        if not within(frame.time_ms, request):
            cursor[frame.partition] = low + frame.first if request.newest_first else high + frame.first
            continue
        if rows == request.size:
            return pieces, PageStatus.RECORD_LIMITED, cursor
        if layout is not None and frame.schema.layout() != layout:
            return pieces, PageStatus.SCHEMA_CHANGE, cursor
        if pieces and size + frame.length > request.max_bytes:
            return pieces, PageStatus.BYTE_LIMITED, cursor
        layout = frame.schema.layout()
        left, take = high - low, min(high - low, request.size - rows)
        if request.newest_first:
            low = high - take
        else:
            high = low + take
        pieces.append(Piece(source, frame, low, high))
        rows, size = rows + take, size + frame.length
        cursor[frame.partition] = frame.first + (low if request.newest_first else high)
        if take < left:
            return pieces, PageStatus.RECORD_LIMITED, cursor
    return pieces, PageStatus.ALL, cursor


def choose(sources: Sequence[Source], query: RequestQuery) -> tuple[list[Piece], bool, Cursor]:
    """(the requests to read, whether there are more, where to go on)."""
    cursor = _start(sources, query)
    pieces: list[Piece] = []
    size = 0
    for source, frame in _merged(sources, cursor, query):
        low, high = rest(frame, cursor[frame.partition], newest_first=query.newest_first)
        if matches(frame, query):
            if len(pieces) == query.limit or (pieces and size + frame.length > query.max_bytes):
                return pieces, True, cursor
            pieces.append(Piece(source, frame, low, high))
            size += frame.length
        cursor[frame.partition] = frame.first + (low if query.newest_first else high)
    return pieces, False, cursor


def _start(sources: Sequence[Source], asked: Asked) -> Cursor:
    """Oldest first, a cursor holds the next row of each partition; newest first, how many rows are left of it."""
    known = extents(sources)
    if asked.newest_first:
        given = asked.cursor or {partition: end for partition, (_, end) in known.items()}
    else:
        given = asked.cursor or {}
    return {name: min(max(given.get(name, 0), 0), end) for name, (_, end) in known.items()}


def _merged(sources: Sequence[Source], cursor: Cursor, asked: Asked) -> Iterator[tuple[Source, Frame]]:
    """The frames of all sources that the cursor leaves; a source is opened when its time has come."""
    sign, best_of = (-1, max) if asked.newest_first else (1, min)
    wanted = [source for source in sources if overlaps(source, asked) and _left(source, cursor, asked)]
    waiting = [(sign * source.times[asked.newest_first], number) for number, source in enumerate(wanted)]
    heapq.heapify(waiting)
    live: list[_Stream] = []
    while waiting or live:
        best = best_of(live, key=_order) if live else None
        if best is None or (waiting and waiting[0][0] <= sign * best.head.time_ms):
            opened = _Stream(wanted[heapq.heappop(waiting)[1]], cursor, asked)
            if opened.advance():
                live.append(opened)
        else:
            yield best.source, best.head
            if not best.advance():
                live.remove(best)


class _Stream:
    """The frames of one source, and the one that is next."""

    head: Frame

    def __init__(self, source: Source, cursor: Cursor, asked: Asked) -> None:
        self.source = source
        self._frames = source.frames(cursor, asked)

    def advance(self) -> bool:
        """Go to the next frame; False when there is none."""
        following = next(self._frames, None)
        if following is None:
            return False
        self.head = following
        return True


def _order(stream: _Stream) -> tuple[int, str, int]:
    return stream.head.time_ms, stream.head.partition, stream.head.first


def _left(source: Source, cursor: Cursor, asked: Asked) -> bool:
    """Whether the cursor leaves rows of the source."""
    if asked.newest_first:
        return any(first < cursor[partition] for partition, (first, _) in source.parts.items())
    return any(end > cursor[partition] for partition, (_, end) in source.parts.items())


def overlaps(source: Source, asked: Asked) -> bool:
    """Whether rows of the source may lie within the times asked for."""
    first, last = source.times
    early = asked.start is not None and last < asked.start.timestamp() * 1000
    return not early and (asked.end is None or first <= asked.end.timestamp() * 1000)


def rest(frame: Frame, at: int, *, newest_first: bool) -> tuple[int, int]:
    """The rows of the frame that the cursor leaves, as [low, high) within it."""
    if newest_first:
        return 0, min(at - frame.first, frame.rows)
    return max(at - frame.first, 0), frame.rows


def within(time_ms: int, asked: Asked) -> bool:
    """Whether the time, in ms since 1970, is asked for."""
    start, end = asked.start, asked.end
    return (start is None or time_ms >= start.timestamp() * 1000) and (end is None or time_ms <= end.timestamp() * 1000)


def matches(frame: Frame, query: RequestQuery) -> bool:
    """Whether the request is one of those asked for, wherever the query starts."""
    if query.target is not None and frame.target != query.target:
        return False
    if query.request_id is not None and query.request_id not in (frame.request_id, frame.place):
        return False
    return within(frame.time_ms, query)


def count(frames: Iterable[Frame]) -> Counts:
    """The requests of each target counted."""
    counts: Counts = {}
    for frame in frames:
        one = [1, frame.rows, frame.time_ms, frame.time_ms]
        counts[frame.target] = added(counts.get(frame.target), one)
    return counts


def added(one: list[int] | None, other: list[int]) -> list[int]:
    """Two counts of a target as one."""
    if one is None:
        return other
    return [one[0] + other[0], one[1] + other[1], min(one[2], other[2]), max(one[3], other[3])]


def tallies(sources: Sequence[Source], query: RequestQuery) -> list[Tally]:
    """The requests of each target in all sources."""
    counts: Counts = {}
    for source in sources:
        if overlaps(source, query):
            for target, some in source.tally(query).items():
                counts[target] = added(counts.get(target), some)
    return [Tally(t, n, rows, moment(first), moment(last)) for t, (n, rows, first, last) in sorted(counts.items())]


def moment(time_ms: int) -> datetime:
    """The time in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)
