"""Rollouts of deployments: what new revisions must hold to, what became of them, and rolling back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from modelyard.client.pipelines import Pipeline
from modelyard.client.times import parse_time
from modelyard.client.transport import Transport, reading


@dataclass(frozen=True)
class Guard:
    """What new revisions must hold to; None is no limit. Shares are in [0, 1].

    A revision is on trial for ``bake_seconds`` once it serves, which it must within ``load_seconds``; it is judged when
    ``min_requests`` have come. ``max_latency_ratio`` is against the median of the revision before.
    """

    enabled: bool = True
    bake_seconds: int = 300
    load_seconds: int = 300
    min_requests: int = 20
    max_error_rate: float | None = 0.05
    max_p99_ms: float | None = None
    max_latency_ratio: float | None = None
    max_failed_checks: float | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read it as the API gives it."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Rollout:
    """From one revision to another; ``state`` is BAKING, KEPT, ROLLED_BACK (as ``back_revision``) or SUPERSEDED."""

    from_revision: int
    to_revision: int
    state: str
    reason: str
    back_revision: int | None
    started_at: datetime | None
    serving_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read it as the API gives it."""
        times = (parse_time(row[name]) if row[name] else None for name in ("started_at", "serving_at", "ended_at"))
        back = row["back_revision"]
        return cls(row["from_revision"], row["to_revision"], row["state"], row["reason"], back, *times)


class Rollouts:
    """The part of a client that guards deployments and rolls them back."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def guard(self, pipeline: Pipeline) -> Guard:
        """The guard; one that is off where nobody set one."""
        return _guard(self._transport.send("GET", _path(pipeline, "rollout-guard")).json())

    def set_guard(self, pipeline: Pipeline, guard: Guard) -> Guard:
        """Guard it so from now on."""
        return _guard(self._transport.send("PUT", _path(pipeline, "rollout-guard"), json=asdict(guard)).json())

    def remove_guard(self, pipeline: Pipeline) -> None:
        """Guard it no longer; a revision on trial is kept."""
        self._transport.send("DELETE", _path(pipeline, "rollout-guard"))

    def list(self, pipeline: Pipeline) -> tuple[Rollout, ...]:
        """The newest first."""
        answer = self._transport.send("GET", _path(pipeline, "rollouts"))
        with reading("rollouts"):
            return tuple(Rollout.of(row) for row in answer.json()["items"])

    def roll_back(self, pipeline: Pipeline) -> Rollout:
        """Have served again what was served before the current revision. Raises ConflictError when nothing was."""
        answer = self._transport.call(_path(pipeline, "rollback"), {})
        with reading("rollback"):
            return Rollout.of(answer)


def _guard(row: dict[str, Any]) -> Guard:
    with reading("rollout-guard"):
        return Guard.of(row)


def _path(pipeline: Pipeline, what: str) -> str:
    return f"/api/v1/deployments/{pipeline.workspace_id}/{pipeline.name}/{what}"
