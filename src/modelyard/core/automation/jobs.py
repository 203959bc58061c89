"""Jobs as people see them: asked for, looked at, taken back.

A job reads data and writes data in the name of the workspace, and is not seen doing it: who asks for one must be able
to change the pipeline. Who may see the pipeline sees its jobs.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.states import UNFINISHED, JobState
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.identity.access_tokens import revoke_lent
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import number_in
from modelyard.core.kernel.search import Order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import get_pipeline, pipeline_at

_WAITING = 100


class Place(NamedTuple):
    """A deployment as URLs name it: the slug of its workspace and the name of its pipeline."""

    workspace: str
    pipeline: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.pipeline}"


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, and how many there are in all."""

    jobs: list[Job]
    total: int


def place_named(tx: Tx, actor: Actor, workspace: str, pipeline: str, permission: Permission) -> Place:
    """The place of which the workspace is given by its slug or, where none has this one, by its number."""
    number = number_in(workspace)
    if number is None or tx.first(Workspace, slug=workspace) is not None:
        return Place(workspace, pipeline)
    return Place(get_pipeline(tx, actor, number, pipeline, permission).workspace.slug, pipeline)


def create_job(tx: Tx, actor: Actor, place: Place, kind: JobKind, definition: dict[str, Any]) -> Job:
    """Have it done as soon as there is a runner; ``FAILED_PRECONDITION`` when too many wait already."""
    pipeline = pipeline_at(tx, actor, *place, Permission.PIPELINE_EDIT)
    waiting = tx.values(Job, ("id",), pipeline_id=pipeline.id, state=list(UNFINISHED))
    if len(waiting) >= _WAITING:
        raise failed_precondition(f"{_WAITING} jobs of {place} are not finished yet; wait for them or delete some")
    uid = new_uuid()
    job = tx.insert(_new(tx, actor, pipeline, kind, uid, definition))
    _record(tx, actor, Action.JOB_CREATE, job)
    return job


def list_jobs(tx: Tx, actor: Actor, place: Place, kind: JobKind, part: Part) -> JobPage:
    """A page of the jobs of one kind, newest first."""
    pipeline = pipeline_at(tx, actor, *place, Permission.PIPELINE_READ)
    total = len(tx.values(Job, ("id",), pipeline_id=pipeline.id, kind=kind))
    newest = (Order("attribute", "id", descending=True),)
    return JobPage(tx.search(Job, (), newest, part, pipeline_id=pipeline.id, kind=kind), total)


def get_job(tx: Tx, actor: Actor, place: Place, kind: JobKind, name: str) -> Job:
    """One job by its name."""
    pipeline = pipeline_at(tx, actor, *place, Permission.PIPELINE_READ)
    return _named(tx, pipeline, kind, name)


def logged_job(tx: Tx, actor: Actor, place: Place, kind: JobKind, name: str) -> Job:
    """One job whose result shows rows of the log, for who may read that."""
    pipeline = pipeline_at(tx, actor, *place, Permission.LOGS_READ)
    return _named(tx, pipeline, kind, name)


def delete_job(tx: Tx, actor: Actor, place: Place, kind: JobKind, name: str) -> Job:
    """Forget a job; one that runs stops within a few seconds and leaves no output."""
    pipeline = pipeline_at(tx, actor, *place, Permission.PIPELINE_EDIT)
    job = _named(tx, pipeline, kind, name)
    tx.delete(Job, id=job.id)
    revoke_lent(tx, job.token_id)
    _record(tx, actor, Action.JOB_DELETE, job)
    return job


def _named(tx: Tx, pipeline: Pipeline, kind: JobKind, name: str) -> Job:
    job = tx.first(Job, pipeline_id=pipeline.id, kind=kind, name=name)
    if job is None:
        raise not_found(f"{kind} job", name)
    return job


def _new(tx: Tx, actor: Actor, pipeline: Pipeline, kind: JobKind, uid: str, definition: dict[str, Any]) -> Job:
    return Job(
        id=0,
        uid=uid,
        workspace_id=pipeline.workspace_id,
        pipeline_id=pipeline.id,
        kind=kind,
        name=f"{kind}-{uid[:8]}",
        definition=definition,
        state=JobState.PENDING,
        error=None,
        done=0,
        failed=0,
        result=None,
        attempts=0,
        runner=None,
        heartbeat_at=None,
        token_id=None,
        created_by=actor.user_id,
        created_at=tx.now,
        started_at=None,
        finished_at=None,
    )


def _record(tx: Tx, actor: Actor, action: Action, job: Job) -> None:
    place: dict[str, Any] = {"workspace_id": job.workspace_id, "pipeline_id": job.pipeline_id}
    record(tx, actor, action, "job", job.id, **place, kind=job.kind, name=job.name)
