"""What a log is read from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from modelyard.core.monitoring.inference_log import Cursor, LoggedRequest, PageRequest, RequestQuery
from modelyard.core.serving.tensors import Array
from modelyard.segments.index import Frame

Columns = dict[str, Array | list[Any]]
Counts = dict[str, list[int]]
"""For each target: [requests, rows, first time, last time]; times in ms since 1970."""
Asked = PageRequest | RequestQuery


class Source(Protocol):
    """Part of a log: some rows of some partitions, no row of a partition earlier than the one before it."""

    @property
    def parts(self) -> Mapping[str, Sequence[int]]:
        """The rows of each partition that may be here, as [first, end)."""

    @property
    def times(self) -> tuple[int, int]:
        """When the first and the last of the rows are from, in ms since 1970."""

    @property
    def size(self) -> int:
        """How many bytes it takes on the disk."""

    def frames(self, cursor: Cursor, asked: Asked) -> Iterator[Frame]:
        """The frames that the cursor leaves, in order; those that are not asked for may be left out."""

    def columns(self, pieces: Sequence["Piece"], request: PageRequest) -> Iterator[Columns]:
        """What a page shows of these rows, part by part, in this order."""

    def requests(self, pieces: Sequence["Piece"]) -> Iterator[LoggedRequest]:
        """The requests, in this order."""

    def tally(self, query: RequestQuery) -> Counts:
        """How many there are of the requests that the query is about."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one frame: [low, high) within the frame."""

    source: Source
    frame: Frame
    low: int
    high: int
