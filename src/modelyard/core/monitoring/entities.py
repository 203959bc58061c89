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
