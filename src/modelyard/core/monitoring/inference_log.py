"""The inference log's port.

The contract: a row that was answered is in the log before its answer leaves; it survives the death of every process;
readers in any process see it at once. Rows are kept in partitions, each written by one process, each numbering its
rows from 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array, Column

Cursor = dict[str, int]


class Stream(StrEnum):
    """What is logged apart from one another, for each pipeline."""

    REQUESTS = "requests"
    """What clients asked and were answered."""
    SHADOW = "shadow"
    """What shadows made of copies of it, which no client saw."""


class PageStatus(StrEnum):
    """Why a page ended (names of Wallaroo's log store)."""

    ALL = "All"
    RECORD_LIMITED = "RecordLimited"
    BYTE_LIMITED = "ByteLimited"
    SCHEMA_CHANGE = "SchemaChange"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows: newest first or oldest first, from a cursor on, at most so many rows and bytes, within times."""

    newest_first: bool = False
    size: int = 1000
    max_bytes: int = 64 * 1024 * 1024
    cursor: Cursor | None = None
    start: datetime | None = None
    end: datetime | None = None
    noted: bool = False
    """Whether the columns ``metadata.request_id``, ``metadata.target`` and ``metadata.routing`` are wanted, too."""


@dataclass(frozen=True, slots=True)
class RequestQuery:
    """Which requests: newest or oldest first, from a cursor on, at most so many and about so many bytes of them."""

    newest_first: bool = False
    limit: int = 100
    max_bytes: int = 64 * 1024 * 1024
    cursor: Cursor | None = None
    start: datetime | None = None
    end: datetime | None = None
    request_id: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """The rows of one request, as they were answered together.

    ``request_id`` is the one that was sent or given; where there is none, the place of its rows: ``partition:first``.
    ``target`` answered it; ``routing`` is as in ``Result``. ``columns`` by name: ``in.…`` and ``out.…``.
    """

    request_id: str
    time: datetime
    target: str
    routing: Mapping[str, int | list[int]] | None
    partition: str
    first: int
    rows: int
    columns: Mapping[str, Array | list[object]]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """Some requests, whether there are more, and where to go on in either case."""

    requests: list[LoggedRequest]
    more: bool
    next: Cursor


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests one target answered, of how many rows, and when the first and the last of them."""

    target: str
    requests: int
    rows: int
    first: datetime
    last: datetime


def anomalies(columns: Mapping[str, Any], rows: int) -> dict[str, Array]:
    """The columns ``anomaly.…``, one a validation, true for a row that failed it, and how many failed in each row."""
    checks = {name: np.asarray(failed) for name, failed in columns.items() if name.startswith("anomaly.")}
    count = sum(checks.values(), np.zeros(rows, dtype=np.uint32))
    return {"anomaly.count": np.asarray(count, dtype=np.uint32), **checks}


@dataclass(frozen=True, slots=True)
class LogRows:
    """Rows of one schema; ``columns`` by name.

    ``time``, ``in.…``, ``out.…``, ``out_<node>.…`` for what others answered beside it, ``anomaly.…``, ``metadata.…``.
    """

    rows: int
    columns: Mapping[str, Array | list[object]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, why there are no more of them, and where to go on (empty when there is nothing more)."""

    rows: LogRows
    status: PageStatus
    next: Cursor


@dataclass(frozen=True, slots=True)
class Partition:
    """The numbers of the first row and of the row after the last, and the size in bytes."""

    start: int
    end: int
    size: int


class LogWriter(Protocol):
    """Appends; one for each process."""

    def append(
        self,
        route: Route,
        time_ms: int,
        result: Result,
        extra: Mapping[str, Column],
        stream: Stream = Stream.REQUESTS,
    ) -> int:
        """Log the answered rows; ``extra`` are columns of the request that no model took. Returns their size in bytes.

        Raises ``UNAVAILABLE`` when they cannot be written; nothing of them is in the log then.
        """


class LogReader(Protocol):
    """Reads what all processes appended."""

    def page(self, pipeline_id: int, request: PageRequest, stream: Stream = Stream.REQUESTS) -> Page:
        """The rows of one pipeline that the request asks for."""

    def requests(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> RequestPage:
        """The same, request by request, of whatever schema."""

    def tallies(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> list[Tally]:
        """How many there are of the requests that the query is about, wherever it starts and whatever its limit."""

    def partitions(self, pipeline_id: int) -> dict[str, Partition]:
        """All partitions of one pipeline."""
