"""What rollouts store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RolloutGuard:
    """What a new revision of a pipeline's deployment must hold to, at most one a pipeline.

    ``bake_seconds`` is how long it is on trial once it serves, ``load_seconds`` how long it may take until then.
    ``min_requests`` must have come before they are judged. The limits, None where there is none: ``max_error_rate`` and
    ``max_failed_checks`` (rows that fail a validation) are shares in [0, 1], ``max_p99_ms`` milliseconds of the 99th
    percentile, ``max_latency_ratio`` how many times the median of the revision before.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    enabled: bool
    bake_seconds: int
    load_seconds: int
    min_requests: int
    max_error_rate: float | None
    max_p99_ms: float | None
    max_latency_ratio: float | None
    max_failed_checks: float | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Rollout:
    """A deployment went from one revision to another; ``state`` is one of ``RolloutState``, ``reason`` says why.

    ``models``, ``plan`` and ``engine_config`` are what ``from_revision`` served, as ``Deployment`` has them: what to
    return to. ``back_revision`` is the revision that does. ``serving_at`` is when all workers served ``to_revision``.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    deployment_id: int
    from_revision: int
    to_revision: int
    from_version_id: int
    to_version_id: int
    models: list[dict[str, Any]]
    plan: dict[str, Any]
    engine_config: dict[str, Any]
    state: str
    reason: str
    back_revision: int | None
    started_at: datetime
    serving_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """What all workers counted of one revision, see ``Counts``. There are rows only for what is to be counted."""

    id: int
    deployment_id: int
    revision: int
    requests: int
    failures: int
    rows: int
    failed_rows: int
    latency: dict[str, int]
