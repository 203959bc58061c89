"""Experiments and their tags."""

import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from modelyard.core.access.check import OwnFields, ask, decide, grants_on, holds, require, require_platform, visible
from modelyard.core.access.grants import ResourceType, new_grant
from modelyard.core.access.permissions import DENIALS, Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.errors import DomainError, ErrorKind, conflict, invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import DEFAULT_EXPERIMENT, Experiment, ExperimentTag, Lifecycle, Run
from modelyard.core.tracking.limits import EXPERIMENT_TAG_MAX, check_length, check_name, shortened
from modelyard.core.tracking.pairs import write_pairs

OWN: OwnFields = (ResourceType.EXPERIMENT, ("id",))
"""How grants on single experiments are found for a list of them."""

_NAMED = "Could not find experiment: the experiment with name"
_INTEGER = re.compile(r"\s*[-+]?\d+\s*")


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """An experiment with its tags by key."""

    experiment: Experiment
    tags: Mapping[str, str]


def tracking_workspace(tx: Tx) -> int:
    """The workspace of experiments and registered models whose maker named none."""
    first = tx.get(Experiment, DEFAULT_EXPERIMENT)
    if first is None:
        raise DomainError(ErrorKind.INTERNAL, "the default experiment is missing; restart the server to make it again")
    return first.workspace_id


def create_experiment(
    tx: Tx, actor: Actor, name: str, artifact_location: str | None, tags: Mapping[str, str]
) -> Experiment:
    """Make an experiment; who makes it manages it."""
    require_platform(actor, Permission.EXPERIMENT_CREATE)
    check_name("name", name)
    workspace_id = tracking_workspace(tx)
    refuse_denied_kind(tx, actor, workspace_id, ResourceType.EXPERIMENT, "*")
    _refuse_taken(tx, workspace_id, name)
    number = str(10**17 + secrets.randbelow(9 * 10**17))
    location = check_location(artifact_location) or f"mlflow-artifacts:/{number}"
    now = milliseconds(tx.now)
    made = tx.insert(Experiment(number, workspace_id, name, location, Lifecycle.ACTIVE, now, now, actor.user_id))
    write_pairs(tx, ExperimentTag, number, tags.items(), "tag", EXPERIMENT_TAG_MAX)
    tx.insert(new_grant(actor.user_id, ResourceType.EXPERIMENT, number, Role.MANAGE, tx.now))
    return made


def get_experiment(tx: Tx, actor: Actor, experiment_id: str) -> ExperimentView:
    """One experiment, deleted or not."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_READ, experiment_id)
    return views(tx, [found])[0]


def experiment_named(tx: Tx, actor: Actor, name: str) -> ExperimentView:
    """The experiment of this name."""
    found = tx.first(Experiment, workspace_id=tracking_workspace(tx), name=name)
    if found is None:
        ask(actor, Permission.EXPERIMENT_READ)
        raise not_found(_NAMED, f"'{shortened(name)}'")
    own, shown = own_experiment(found.id), f"'{shortened(name)}'"
    require(tx, actor, Permission.EXPERIMENT_READ, found.workspace_id, _NAMED, shown, own)
    return views(tx, [found])[0]


def search_experiments(  # what is looked for, in which order, which part of it
    tx: Tx,
    actor: Actor,
    conditions: Iterable[Condition],
    orders: tuple[Order, ...],
    lifecycles: Collection[str],
    part: Part,
) -> list[ExperimentView]:
    """The experiments that fit and that the actor may see; access is decided inside the query."""
    found = tx.search(
        Experiment,
        tuple(conditions),
        orders,
        part,
        lifecycle=sorted(lifecycles),
        **visible(actor, Permission.EXPERIMENT_READ, OWN),
    )
    return views(tx, found)


def rename_experiment(tx: Tx, actor: Actor, experiment_id: str, name: str) -> None:
    """Give an experiment another name."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_EDIT, experiment_id)
    refuse_deleted(found)
    if check_name("new_name", name) != found.name:
        _refuse_taken(tx, found.workspace_id, name)
    now = milliseconds(tx.now)
    tx.update(Experiment, found.id, lambda e: replace(e, name=name, last_update_time=now))


def delete_experiment(tx: Tx, actor: Actor, experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted; they can be restored."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_MANAGE, experiment_id)
    if found.lifecycle != Lifecycle.ACTIVE:
        raise not_found("active experiment", found.id)
    if found.id == DEFAULT_EXPERIMENT:
        raise invalid("The default experiment cannot be deleted: clients use it when they name none")
    _move(tx, found, Lifecycle.DELETED, milliseconds(tx.now))
    record(tx, actor, Action.EXPERIMENT_DELETE, "experiment", found.id, name=found.name)


def restore_experiment(tx: Tx, actor: Actor, experiment_id: str) -> None:
    """Bring a deleted experiment back, with its runs."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_MANAGE, experiment_id)
    if found.lifecycle != Lifecycle.DELETED:
        raise not_found("deleted experiment", found.id)
    _move(tx, found, Lifecycle.ACTIVE, None)
    record(tx, actor, Action.EXPERIMENT_RESTORE, "experiment", found.id, name=found.name)


def set_experiment_tag(tx: Tx, actor: Actor, experiment_id: str, key: str, value: str) -> None:
    """Put a tag on an experiment, in place of one with this key."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_EDIT, experiment_id)
    refuse_deleted(found)
    write_pairs(tx, ExperimentTag, found.id, [(key, value)], "tag", EXPERIMENT_TAG_MAX)


def delete_experiment_tag(tx: Tx, actor: Actor, experiment_id: str, key: str) -> None:
    """Take a tag off an experiment."""
    found = require_experiment(tx, actor, Permission.EXPERIMENT_EDIT, experiment_id)
    refuse_deleted(found)
    if not tx.delete(ExperimentTag, experiment_id=found.id, key=key):
        raise not_found(f"No tag with name: {shortened(key)} in experiment with id", found.id)


def require_experiment(tx: Tx, actor: Actor, permission: Permission, experiment_id: str) -> Experiment:
    """The experiment, when the actor holds the permission on it."""
    found = tx.get(Experiment, experiment_id)
    if found is None:
        ask(actor, permission)
        if not _INTEGER.fullmatch(experiment_id):
            raise invalid(f"Invalid experiment ID {shortened(experiment_id)!r}: it must be an integer")
        raise not_found("Experiment with id", shortened(experiment_id))
    _require(tx, actor, permission, found, experiment_id)
    return found


def own_experiment(experiment_id: str) -> tuple[ResourceType, str]:
    """Where grants on one experiment, and on what is in it, are kept."""
    return ResourceType.EXPERIMENT, experiment_id


def readable_among(tx: Tx, actor: Actor, experiment_ids: Collection[str]) -> list[str]:
    """Those of the experiments that the actor may see."""
    if not experiment_ids:
        ask(actor, Permission.EXPERIMENT_READ)
        return []
    ids = sorted(set(experiment_ids))
    where = visible(actor, Permission.EXPERIMENT_READ, OWN)
    return [found for batch in batches(ids) for (found,) in tx.values(Experiment, ("id",), id=batch, **where)]


def refuse_denied_kind(tx: Tx, actor: Actor, workspace_id: int, kind: ResourceType, pattern: str) -> None:
    """``FORBIDDEN`` for someone to whom all things of this kind are denied: they may not make one either."""
    if holds(actor, Permission.USERS_MANAGE):
        return
    own = (kind, pattern)
    decision = decide(grants_on(tx, actor, workspace_id, own), Permission.EXPERIMENT_READ, own)
    if decision.grant is not None and decision.grant.role in DENIALS:
        raise DomainError(ErrorKind.FORBIDDEN, f"{actor.username} is denied every {kind.replace('_', ' ')}")


def check_location(location: str | None) -> str:
    """Where artifacts go, when somebody chooses: a store of their own, never a path of this machine."""
    if not location:
        return ""
    scheme, separator, _ = location.partition(":")
    if not separator or scheme.lower() not in ("mlflow-artifacts", "s3", "gs", "wasbs", "abfss", "hdfs", "dbfs"):
        raise invalid(
            f"artifact_location {shortened(location)!r} is not allowed: leave it out to keep artifacts on this server, "
            "or name a store that clients reach themselves, such as s3://bucket/path"
        )
    if any(mark in location for mark in ("#", "?", "..", "\\", "%")) or not location.isprintable():
        raise invalid(f"artifact_location {shortened(location)!r} must not hold '..', '#', '?', '%' or backslashes")
    return check_length("artifact_location", location, 1024)


def views(tx: Tx, found: list[Experiment]) -> list[ExperimentView]:
    """The experiments with their tags."""
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    ids = [experiment.id for experiment in found]
    for some in batches(ids):
        rows = tx.values(ExperimentTag, ("experiment_id", "key", "value"), experiment_id=some)
        for experiment_id, key, value in rows:
            tags[experiment_id][key] = value
    return [ExperimentView(experiment, tags.get(experiment.id, {})) for experiment in found]


def _require(tx: Tx, actor: Actor, permission: Permission, found: Experiment, asked: str) -> None:
    own = own_experiment(found.id)
    require(tx, actor, permission, found.workspace_id, "Experiment with id", shortened(asked), own)


def _refuse_taken(tx: Tx, workspace_id: int, name: str) -> None:
    found = tx.first(Experiment, workspace_id=workspace_id, name=name)
    if found is not None:
        state = " It is deleted: restore it, or choose another name." if found.lifecycle == Lifecycle.DELETED else ""
        raise conflict(f"Experiment '{shortened(name)}' already exists.{state}")


def refuse_deleted(experiment: Experiment) -> None:
    """``INVALID`` for what is to change in an experiment that is deleted."""
    if experiment.lifecycle != Lifecycle.ACTIVE:
        raise invalid(
            f"The experiment {experiment.id} must be in the 'active' state. Current state is {experiment.lifecycle}."
        )


def _move(tx: Tx, experiment: Experiment, to: Lifecycle, deleted_time: int | None) -> None:
    now = milliseconds(tx.now)
    tx.update(Experiment, experiment.id, lambda e: replace(e, lifecycle=to, last_update_time=now))
    tx.change(Run, {"lifecycle": str(to), "deleted_time": deleted_time}, experiment_id=experiment.id)
