"""What new revisions of a pipeline's deployment must hold to. Without a guard nothing is rolled back by itself."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.serving.entities import Deployment, Pipeline
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.rollout.counting import count_revision
from modelyard.core.serving.rollout.entities import RevisionCount, RolloutGuard
from modelyard.core.serving.rollout.rollouts import end_trials
from modelyard.core.serving.rollout.states import RolloutState

_MOST_SECONDS = 7 * 24 * 3600
_MOST_REQUESTS = 10**9
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Terms:
    """A guard as somebody sets it; see ``RolloutGuard``."""

    enabled: bool = True
    bake_seconds: int = 300
    load_seconds: int = 300
    min_requests: int = 20
    max_error_rate: float | None = 0.05
    max_p99_ms: float | None = None
    max_latency_ratio: float | None = None
    max_failed_checks: float | None = None


OFF = Terms(enabled=False)
"""What holds where nobody set a guard."""


def get_guard(tx: Tx, actor: Actor, slug: str, name: str) -> RolloutGuard:
    """The guard of a pipeline; one that is off, with the number 0, where nobody set one."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_READ)
    return tx.first(RolloutGuard, pipeline_id=pipeline.id) or _guard(tx, 0, pipeline, OFF)


def set_guard(tx: Tx, actor: Actor, slug: str, name: str, terms: Terms) -> RolloutGuard:
    """Guard what is deployed of the pipeline from now on; a revision on trial is held against the new terms."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    _check(terms)
    known = tx.first(RolloutGuard, pipeline_id=pipeline.id)
    wanted = _guard(tx, known.id if known else 0, pipeline, terms)
    made = tx.update(RolloutGuard, known.id, lambda _: wanted) if known else tx.insert(wanted)
    if terms.enabled:
        _watch(tx, pipeline)
    else:
        _look_away(tx, pipeline, "the guard was switched off")
    record(tx, actor, Action.ROLLOUT_GUARD, "pipeline", pipeline.id, **_told(pipeline), **asdict(terms))
    return made


def remove_guard(tx: Tx, actor: Actor, slug: str, name: str) -> None:
    """Guard it no longer; a revision on trial is kept."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    if tx.delete(RolloutGuard, pipeline_id=pipeline.id):
        _look_away(tx, pipeline, "the guard was removed")
        record(tx, actor, Action.ROLLOUT_GUARD, "pipeline", pipeline.id, **_told(pipeline), enabled=None)


def _watch(tx: Tx, pipeline: Pipeline) -> None:
    for deployment in tx.find(Deployment, pipeline_id=pipeline.id):
        count_revision(tx, deployment.id, deployment.revision)
    tx.touch(Topic.ROUTES)


def _look_away(tx: Tx, pipeline: Pipeline, reason: str) -> None:
    for deployment in tx.find(Deployment, pipeline_id=pipeline.id):
        end_trials(tx, deployment.id, RolloutState.KEPT, reason)
        tx.delete(RevisionCount, deployment_id=deployment.id)
    tx.touch(Topic.ROUTES)


def _guard(tx: Tx, key: int, pipeline: Pipeline, terms: Terms) -> RolloutGuard:
    return RolloutGuard(key, pipeline.workspace_id, pipeline.id, **asdict(terms), updated_at=tx.now)


def _told(pipeline: Pipeline) -> dict[str, Any]:
    return {"workspace_id": pipeline.workspace_id, "name": pipeline.name}


def _check(terms: Terms) -> None:
    _require("bake_seconds", terms.bake_seconds, 1, _MOST_SECONDS)
    _require("load_seconds", terms.load_seconds, 1, _MOST_SECONDS)
    _require("min_requests", terms.min_requests, 1, _MOST_REQUESTS)
    _require("max_error_rate", terms.max_error_rate, 0, 1)
    _require("max_p99_ms", terms.max_p99_ms, 0.001, _MOST)
    _require("max_latency_ratio", terms.max_latency_ratio, 1, _MOST)
    _require("max_failed_checks", terms.max_failed_checks, 0, 1)


def _require(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not (math.isfinite(value) and least <= value <= most):
        raise invalid(f"{name} must be from {least:g} to {most:g}; it was {value}")
