"""Reads the segments of all processes as one log, ordered by time.

What was learnt of a file is remembered (where its frames are), so a page costs what its rows cost and a look at what
was added since.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from modelyard.core.monitoring.inference_log import (
    LogRows,
    Page,
    PageRequest,
    PageStatus,
    Partition,
    RequestPage,
    RequestQuery,
    Stream,
    Tally,
)
from modelyard.core.serving.tensors import Array
from modelyard.segments.frames import folder_name, place_of
from modelyard.segments.index import Index, extend
from modelyard.segments.segment import Segment
from modelyard.segments.selection import choose, extents, select, tallies
from modelyard.segments.source import Piece, Source

T = TypeVar("T")

_ATTEMPTS = 5


class SegmentReader:
    """See ``core.monitoring.inference_log.LogReader``. Blocking: call it on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._indexes: dict[str, dict[Path, Index]] = defaultdict(dict)
        self._lock = threading.Lock()

    def sources(self, pipeline_id: int, stream: Stream) -> Sequence[Source]:
        """What the log is read from now: each row is in one of them."""
        return self.segments(pipeline_id, stream)

    def partitions(self, pipeline_id: int) -> dict[str, Partition]:
        sources = self._steadily(lambda: self.sources(pipeline_id, Stream.REQUESTS))
        known = extents(sources)
        return {name: Partition(*rows, sum(_share(source, name) for source in sources)) for name, rows in known.items()}

    def page(self, pipeline_id: int, request: PageRequest, stream: Stream = Stream.REQUESTS) -> Page:
        def ask() -> Page:
            pieces, status, cursor = select(self.sources(pipeline_id, stream), request)
            parts = [part for source, some in _runs(pieces) for part in source.columns(some, request)]
            rows = LogRows(sum(piece.high - piece.low for piece in pieces), _concatenated(parts) if parts else {})
            return Page(rows, status, cursor if status is not PageStatus.ALL else {})

        return self._steadily(ask)

    def requests(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> RequestPage:
        def ask() -> RequestPage:
            pieces, more, cursor = choose(self.sources(pipeline_id, stream), query)
            found = [request for source, some in _runs(pieces) for request in source.requests(some)]
            return RequestPage(found, more, cursor)

        return self._steadily(ask)

    def tallies(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> list[Tally]:
        return self._steadily(lambda: tallies(self.sources(pipeline_id, stream), query))

    def segments(self, pipeline_id: int, stream: Stream) -> list[Segment]:
        """The segments that hold rows, as far as they go now."""
        with self._lock:
            known = self._grown(folder_name(pipeline_id, stream))
            return [Segment(path, index.read, index.frames[:]) for path, index in known.items() if index.frames]

    def _grown(self, name: str) -> dict[Path, Index]:
        """The indexes of all segments, brought up to now; for those who hold the lock."""
        before, known = self._indexes[name], dict[Path, Index]()
        for path in sorted((self._folder / name).glob("*.seg")):
            index = known[path] = before.get(path) or Index(rows=place_of(path)[1])
            if path.stat().st_size > index.read:  # a sealed file has no zeros at its end
                extend(path, index)
        self._indexes[name] = known
        return known

    def _steadily(self, ask: Callable[[], T]) -> T:
        """Ask anew when files went meanwhile: what they held is elsewhere then."""
        for _ in range(_ATTEMPTS):
            try:
                return ask()
            except FileNotFoundError:  # it is what the loop is for
                continue
        return ask()


def _runs(pieces: Sequence[Piece]) -> Iterator[tuple[Source, list[Piece]]]:
    """Pieces that follow one another in one source."""
    return ((some[0].source, some) for _, run in groupby(pieces, key=lambda p: id(p.source)) for some in [list(run)])


def _share(source: Source, partition: str) -> int:
    """How many of a source's bytes are those of a partition, by the rows it has."""
    rows = {name: end - first for name, (first, end) in source.parts.items()}
    return source.size * rows.get(partition, 0) // max(sum(rows.values()), 1)


def _concatenated(parts: list[dict[str, Array | list[Any]]]) -> dict[str, Array | list[Any]]:
    together: dict[str, Array | list[Any]] = {}
    for name, first in parts[0].items():
        if isinstance(first, np.ndarray):
            together[name] = np.concatenate([part[name] for part in parts])
        else:
            together[name] = [value for part in parts for value in part[name]]
    return together
