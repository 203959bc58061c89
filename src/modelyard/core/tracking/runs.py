"""Runs: made, read, changed, deleted, searched."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import Lifecycle, Run, RunStatus, RunTag
from modelyard.core.tracking.experiments import own_experiment, readable_among, refuse_deleted, require_experiment
from modelyard.core.tracking.limits import check_integer, check_length, shortened
from modelyard.core.tracking.recording import NAME_TAG, write_tags
from modelyard.core.tracking.run_views import RunView, run_views

_RUN_NAME_MAX = 1000
_EXPERIMENTS_MAX = 50_000
_ADJECTIVES = "able brave calm clever eager fair gentle glad keen kind lively merry nimble proud quick rare sunny wise"
_ANIMALS = "badger crane deer eagle falcon fox gull hare heron lark lynx marten otter owl robin seal stork swift wren"


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run says about itself when it begins; ``start_time`` in milliseconds since 1970."""

    experiment_id: str
    user_name: str = ""
    name: str = ""
    start_time: int | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunChange:
    """What of a run can be changed; None leaves it as it is."""

    status: str | None = None
    end_time: int | None = None
    name: str | None = None


def create_run(tx: Tx, actor: Actor, new: NewRun) -> RunView:
    """Begin a run."""
    experiment = require_experiment(tx, actor, Permission.EXPERIMENT_EDIT, new.experiment_id)
    refuse_deleted(experiment)
    tags = dict(new.tags)
    if new.name and tags.get(NAME_TAG, new.name) != new.name:
        raise invalid(f"Both 'run_name' and the tag '{NAME_TAG}' are given and differ: give one of them")
    name = check_length("run_name", new.name or tags.get(NAME_TAG) or _made_up_name(), _RUN_NAME_MAX)
    run_id = secrets.token_hex(16)
    run = tx.insert(
        Run(
            run_id,
            experiment.id,
            experiment.workspace_id,
            name,
            new.user_name,
            RunStatus.RUNNING,
            milliseconds(tx.now) if new.start_time is None else check_integer("start_time", new.start_time),
            None,
            Lifecycle.ACTIVE,
            f"{experiment.artifact_location.rstrip('/')}/{run_id}/artifacts",
            None,
        )
    )
    write_tags(tx, run, {**tags, NAME_TAG: name})
    return RunView(run, [], {}, {**tags, NAME_TAG: name})


def get_run(tx: Tx, actor: Actor, run_id: str) -> RunView:
    """One run with everything it logged, metrics by their latest value."""
    return run_views(tx, [require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)])[0]


def change_run(tx: Tx, actor: Actor, run_id: str, change: RunChange) -> Run:
    """Note how a run goes on."""
    run = require_active(require_run(tx, actor, Permission.EXPERIMENT_EDIT, run_id))
    if change.status is not None and change.status not in RunStatus.__members__:
        raise invalid(f"Invalid status {shortened(change.status)!r}: use one of {', '.join(RunStatus)}")
    if change.end_time is not None:
        check_integer("end_time", change.end_time)
    if change.name:
        write_tags(tx, run, {NAME_TAG: check_length("run_name", change.name, _RUN_NAME_MAX)})
    return tx.update(
        Run,
        run.id,
        lambda r: replace(
            r,
            status=change.status or r.status,
            end_time=r.end_time if change.end_time is None else change.end_time,
            name=change.name or r.name,
        ),
    )


def delete_run(tx: Tx, actor: Actor, run_id: str) -> None:
    """Mark a run as deleted; it can be restored."""
    run = require_run(tx, actor, Permission.EXPERIMENT_MANAGE, run_id)
    now = milliseconds(tx.now)
    tx.update(Run, run.id, lambda r: replace(r, lifecycle=Lifecycle.DELETED, deleted_time=now))
    if run.lifecycle != Lifecycle.DELETED:
        record(tx, actor, Action.RUN_DELETE, "run", run.id, name=run.name, experiment_id=run.experiment_id)


def restore_run(tx: Tx, actor: Actor, run_id: str) -> None:
    """Bring a deleted run back."""
    run = require_run(tx, actor, Permission.EXPERIMENT_MANAGE, run_id)
    tx.update(Run, run.id, lambda r: replace(r, lifecycle=Lifecycle.ACTIVE, deleted_time=None))
    if run.lifecycle != Lifecycle.ACTIVE:
        record(tx, actor, Action.RUN_RESTORE, "run", run.id, name=run.name, experiment_id=run.experiment_id)


def search_runs(  # where, what, in which order, which part of it
    tx: Tx,
    actor: Actor,
    experiment_ids: Collection[str],
    conditions: Iterable[Condition],
    orders: tuple[Order, ...],
    lifecycles: Collection[str],
    part: Part,
) -> list[RunView]:
    """The runs that fit, in those of the experiments that the actor may see."""
    if len(experiment_ids) > _EXPERIMENTS_MAX:
        raise invalid(f"at most {_EXPERIMENTS_MAX} experiments can be searched at once")
    among = readable_among(tx, actor, experiment_ids)
    if not among:
        return []
    found = tx.search(
        Run,
        tuple(conditions),
        orders,
        part,
        experiment_id=among,
        lifecycle=sorted(lifecycles),
    )
    return run_views(tx, found)


def require_run(tx: Tx, actor: Actor, permission: Permission, run_id: str) -> Run:
    """The run, when the actor holds the permission on its experiment."""
    run = tx.get(Run, run_id)
    if run is None:
        ask(actor, permission)
        raise not_found("Run with id", f"'{shortened(run_id)}'")
    shown = f"'{shortened(run_id)}'"
    require(tx, actor, permission, run.workspace_id, "Run with id", shown, own_experiment(run.experiment_id))
    return run


def require_active(run: Run) -> Run:
    """The run, unless it is deleted."""
    if run.lifecycle != Lifecycle.ACTIVE:
        raise invalid(f"The run {run.id} must be in the 'active' state. Current state is {run.lifecycle}.")
    return run


def renamed_by_tag(tx: Tx, run: Run, tags: Mapping[str, str]) -> None:
    """A run's name and its tag of that name are one: writing the tag renames the run."""
    if NAME_TAG in tags and tags[NAME_TAG] != run.name:
        tx.update(Run, run.id, lambda r: replace(r, name=tags[NAME_TAG]))


def delete_tag(tx: Tx, actor: Actor, run_id: str, key: str) -> None:
    """Take a tag off a run."""
    run = require_active(require_run(tx, actor, Permission.EXPERIMENT_EDIT, run_id))
    if not tx.delete(RunTag, run_id=run.id, key=key):
        raise not_found(f"No tag with name: {shortened(key)} in run with id", run.id)


def _made_up_name() -> str:
    adjective, animal = secrets.choice(_ADJECTIVES.split()), secrets.choice(_ANIMALS.split())
    return f"{adjective}-{animal}-{secrets.randbelow(1000)}"
