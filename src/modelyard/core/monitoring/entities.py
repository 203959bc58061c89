"""What monitoring stores."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DetectorKind(StrEnum):
    """What a detector looks for."""

    DRIFT = "drift"
    """Requests that come from another distribution than the reference."""
    OUTLIER = "outlier"
    """Single rows that are unlike the reference."""
    METRICS = "metrics"
    """How right the answers were, by what feedback said."""


class DetectorState(StrEnum):
    """``WAITING`` for reference data or feedback, ``RUNNING`` when it judges what comes."""

    WAITING = "Waiting"
    RUNNING = "Running"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Detector:
    """Watches over what a pipeline logs; ``config`` is kept as it was sent.

    ``window`` is the number of rows that it judges at once, and those of a reference that is taken from the log.
    ``by_feature`` judges each feature by itself.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    kind: str
    name: str
    config: dict[str, Any]
    window: int
    by_feature: bool
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DetectorProgress:
    """How far a detector has come: ``cursor`` is its place in the log, or the last feedback.

    ``reference`` is what it compares with (see ``reference.Reference``), None until there is enough of it. ``firing``
    tells what its newest result said, ``since`` when it last began to say so.
    """

    detector_id: int
    cursor: dict[str, int]
    reference: dict[str, Any] | None
    state: str
    reason: str
    firing: bool
    since: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """What a detector found in some rows that follow one another; ``details`` are JSON, by kind."""

    id: int
    detector_id: int
    firing: bool
    rows: int
    details: dict[str, Any]
    first_at: datetime
    last_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """A message that waits to be delivered; ``attempts`` failed so far, the next is not before ``next_at``."""

    id: int
    body: dict[str, Any]
    attempts: int
    error: str | None
    next_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LogFile:
    """A Parquet file of the inference log: rows of one pipeline, stream, day and schema, sorted by time.

    ``path`` is relative to the folder of the archive, ``size`` in bytes, ``parts`` the rows it holds of each partition
    as [first, end): all of that partition before the greatest ``end`` are archived, here or in other files. ``tallies``
    are, for each target, [requests, rows, first time, last time] with times in ms since 1970.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    stream: str
    path: str
    sha: str
    schema: str
    day: str
    size: int
    rows: int
    first_at: datetime
    last_at: datetime
    parts: dict[str, list[int]]
    tallies: dict[str, list[int]]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LogRetention:
    """What is kept of a workspace's archived log: so many days, so many bytes; None is no limit."""

    id: int
    workspace_id: int
    days: int | None
    max_bytes: int | None
    updated_at: datetime
