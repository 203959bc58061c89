"""Replays: logged inputs answered by another version of the pipeline, beside what was answered then.

Nobody is asked who serves: the version is loaded by whoever runs the job, and nothing of it is logged as a request.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.jobs import Place, create_job
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.catalogue.runtimes import ModelRuntime, RuntimeKind
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import newest_version, planned_models
from modelyard.core.serving.entities import Pipeline, PipelineVersion
from modelyard.core.serving.graph.plan import Plan
from modelyard.core.serving.pipelines import pipeline_at, require_pipeline
from modelyard.core.serving.starting import Start, start_of

MOST_ROWS = 1_000_000
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class ReplayDefinition:
    """Which rows, oldest first and ``limit`` of them at most, answered by which version (its uuid).

    Numbers are the same when they differ by no more than ``tolerance`` times the larger of 1 and the logged one.
    """

    version: str
    start: datetime | None
    end: datetime | None
    limit: int
    tolerance: float

    def to_json(self) -> dict[str, Any]:
        """As JSON types; ``from_json`` reads it back."""
        times = {name: time and time.isoformat() for name, time in (("start", self.start), ("end", self.end))}
        return {"version": self.version, **times, "limit": self.limit, "tolerance": self.tolerance}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "ReplayDefinition":
        """The definition that ``to_json`` wrote."""
        start, end = (raw[name] and datetime.fromisoformat(raw[name]) for name in ("start", "end"))
        return cls(raw["version"], start, end, raw["limit"], raw["tolerance"])


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """What a client asks for: without a ``version`` the newest."""

    version: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 10_000
    tolerance: float = _TOLERANCE


@dataclass(frozen=True, slots=True)
class ReplayModel:
    """A model of the version: the file to load, its name, and the fields of the request that it takes.

    ``start`` is what its process is started with, where it runs in one.
    """

    name: str
    sha: str
    tensor_fields: tuple[str, ...] | None
    start: Start | None


@dataclass(frozen=True, slots=True)
class ReplayWork:
    """A replay with all that its runner must know."""

    definition: ReplayDefinition
    pipeline_id: int
    plan: Plan
    models: tuple[ReplayModel, ...]


def create_replay(tx: Tx, actor: Actor, place: Place, asked: ReplayAsked) -> Job:
    """Have it done as soon as there is a runner, for who may read the log, infer and change the pipeline."""
    pipeline_at(tx, actor, *place, Permission.PIPELINE_EDIT)
    pipeline_at(tx, actor, *place, Permission.PIPELINE_INFER)
    pipeline = pipeline_at(tx, actor, *place, Permission.LOGS_READ)
    _check(asked)
    version = _version(tx, pipeline, asked.version)
    _models(tx, actor, pipeline, version)
    definition = ReplayDefinition(version.version, asked.start, asked.end, asked.limit, asked.tolerance)
    return create_job(tx, actor, place, JobKind.REPLAY, definition.to_json())


def prepare_replay(tx: Tx, job: Job) -> ReplayWork:
    """What the job needs, asked with the rights that its owner has now."""
    owner = load_actor(tx, job.created_by, None)
    pipeline = tx.get(Pipeline, job.pipeline_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    for permission in (Permission.PIPELINE_EDIT, Permission.PIPELINE_INFER, Permission.LOGS_READ):
        require_pipeline(tx, owner, permission, pipeline, "deployment", pipeline.name)
    definition = ReplayDefinition.from_json(job.definition)
    plan, models = _models(tx, owner, pipeline, _version(tx, pipeline, definition.version))
    return ReplayWork(definition, pipeline.id, plan, models)


def _check(asked: ReplayAsked) -> None:
    if not 1 <= asked.limit <= MOST_ROWS:
        raise invalid(f"limit must be from 1 to {MOST_ROWS}, not {asked.limit}")
    if not 0 <= asked.tolerance < 1:
        raise invalid(f"tolerance must be from 0 to less than 1, not {asked.tolerance}")
    if any(time is not None and time.tzinfo is None for time in (asked.start, asked.end)):
        raise invalid("times need an offset, as in 2026-03-01T12:00:00Z")


def _version(tx: Tx, pipeline: Pipeline, uuid: str | None) -> PipelineVersion:
    if uuid is None:
        found = newest_version(tx, pipeline.id)
    else:
        found = tx.first(PipelineVersion, pipeline_id=pipeline.id, version=uuid)
    if found is None:
        raise not_found(f"version of pipeline {pipeline.name}", uuid or "")
    return found


def _models(tx: Tx, actor: Actor, pipeline: Pipeline, version: PipelineVersion) -> tuple[Plan, tuple[ReplayModel, ...]]:
    plan, chosen = planned_models(tx, actor, pipeline, version)
    return plan, tuple(_model(tx, model, config) for model, config in chosen)


def _model(tx: Tx, model: ModelVersion, config: ModelConfig) -> ReplayModel:
    runtime = tx.first(ModelRuntime, model_version_id=model.id)
    fields = tuple(config.tensor_fields) if config.tensor_fields else None
    apart = runtime is not None and runtime.kind == RuntimeKind.PROCESS
    start = start_of(tx, model, runtime) if runtime is not None and apart else None
    return ReplayModel(model.name, runtime.sha if runtime is not None and runtime.sha else model.sha, fields, start)
