"""Logged models: what runs made, before or without being registered."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import (
    Lifecycle,
    LoggedModel,
    LoggedModelMetric,
    LoggedModelParam,
    LoggedModelStatus,
    LoggedModelTag,
    RegisteredVersion,
)
from modelyard.core.tracking.experiments import own_experiment, readable_among, refuse_deleted, require_experiment
from modelyard.core.tracking.limits import MODEL_TAG_MAX, check_length, shortened
from modelyard.core.tracking.pairs import write_pairs
from modelyard.core.tracking.runs import require_run


@dataclass(frozen=True, slots=True)
class NewLoggedModel:
    """What is said of a model that is about to be logged."""

    experiment_id: str
    name: str = ""
    model_type: str | None = None
    source_run_id: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedModelView:
    """A logged model with what hangs on it, and the names and numbers it is registered under."""

    model: LoggedModel
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[LoggedModelMetric]
    registrations: Sequence[tuple[str, int]]


def create_logged_model(tx: Tx, actor: Actor, new: NewLoggedModel) -> LoggedModelView:
    """Announce a model; its files follow."""
    experiment = require_experiment(tx, actor, Permission.EXPERIMENT_EDIT, new.experiment_id)
    refuse_deleted(experiment)
    if new.source_run_id:
        require_run(tx, actor, Permission.EXPERIMENT_READ, new.source_run_id)
    if any(mark in new.name for mark in "/:.%\"'"):
        raise invalid(f"Invalid model name {shortened(new.name)!r}: it must not hold any of / : . % \" '")
    model_id, now = f"m-{secrets.token_hex(16)}", milliseconds(tx.now)
    model = tx.insert(
        LoggedModel(
            model_id,
            experiment.id,
            experiment.workspace_id,
            check_length("name", new.name or f"model-{secrets.token_hex(4)}", 500),
            f"{experiment.artifact_location.rstrip('/')}/models/{model_id}/artifacts",
            LoggedModelStatus.PENDING,
            None,
            new.model_type or "",
            new.source_run_id or "",
            Lifecycle.ACTIVE,
            now,
            now,
        )
    )
    write_pairs(tx, LoggedModelParam, model.id, new.params, "param", MODEL_TAG_MAX)
    write_pairs(tx, LoggedModelTag, model.id, new.tags, "tag", MODEL_TAG_MAX)
    return LoggedModelView(model, dict(new.params), dict(new.tags), [], [])


def get_logged_model(tx: Tx, actor: Actor, model_id: str) -> LoggedModelView:
    """One logged model."""
    return _views(tx, [require_logged_model(tx, actor, Permission.EXPERIMENT_READ, model_id)])[0]


def finish_logged_model(tx: Tx, actor: Actor, model_id: str, status: str) -> LoggedModelView:
    """Note that the model's files are there, or that they did not come."""
    model = require_logged_model(tx, actor, Permission.EXPERIMENT_EDIT, model_id)
    if status not in (LoggedModelStatus.READY, LoggedModelStatus.UPLOAD_FAILED, LoggedModelStatus.PENDING):
        raise invalid(f"Invalid model status {shortened(status)!r}: use one of {', '.join(LoggedModelStatus)}")
    now = milliseconds(tx.now)
    changed = tx.update(LoggedModel, model.id, lambda m: replace(m, status=status, last_updated_timestamp=now))
    return _views(tx, [changed])[0]


def delete_logged_model(tx: Tx, actor: Actor, model_id: str) -> None:
    """Mark a logged model as deleted; a second time is the same as once."""
    model = _require_any(tx, actor, Permission.EXPERIMENT_MANAGE, model_id)
    now = milliseconds(tx.now)
    tx.update(LoggedModel, model.id, lambda m: replace(m, lifecycle=Lifecycle.DELETED, last_updated_timestamp=now))


def add_params(tx: Tx, actor: Actor, model_id: str, params: Iterable[tuple[str, str]]) -> None:
    """Add params to a logged model."""
    model = require_logged_model(tx, actor, Permission.EXPERIMENT_EDIT, model_id)
    write_pairs(tx, LoggedModelParam, model.id, params, "param", MODEL_TAG_MAX)


def set_tags(tx: Tx, actor: Actor, model_id: str, tags: Iterable[tuple[str, str]]) -> None:
    """Put tags on a logged model."""
    model = require_logged_model(tx, actor, Permission.EXPERIMENT_EDIT, model_id)
    write_pairs(tx, LoggedModelTag, model.id, tags, "tag", MODEL_TAG_MAX)


def delete_logged_model_tag(tx: Tx, actor: Actor, model_id: str, key: str) -> None:
    """Take a tag off a logged model."""
    model = require_logged_model(tx, actor, Permission.EXPERIMENT_EDIT, model_id)
    if not tx.delete(LoggedModelTag, logged_model_id=model.id, key=key):
        raise not_found(f"No tag with key {shortened(key)!r} on the logged model", model.id)


def search_logged_models(  # where, what, in which order, which part of it
    tx: Tx,
    actor: Actor,
    experiment_ids: Collection[str],
    conditions: Iterable[Condition],
    orders: tuple[Order, ...],
    part: Part,
) -> list[LoggedModelView]:
    """The logged models that fit, in those of the experiments that the actor may see."""
    among = readable_among(tx, actor, experiment_ids)
    if not among:
        return []
    found = tx.search(
        LoggedModel,
        tuple(conditions),
        orders,
        part,
        experiment_id=among,
        lifecycle=str(Lifecycle.ACTIVE),
    )
    return _views(tx, found)


def require_logged_model(tx: Tx, actor: Actor, permission: Permission, model_id: str) -> LoggedModel:
    """The logged model, when the actor holds the permission on its experiment; ``NOT_FOUND`` once it is deleted."""
    model = _require_any(tx, actor, permission, model_id)
    if model.lifecycle != Lifecycle.ACTIVE:
        raise not_found("Logged model with ID", f"'{shortened(model_id)}'")
    return model


def _require_any(tx: Tx, actor: Actor, permission: Permission, model_id: str) -> LoggedModel:
    model, shown = tx.get(LoggedModel, model_id), f"'{shortened(model_id)}'"
    if model is None:
        ask(actor, permission)
        raise not_found("Logged model with ID", shown)
    own = own_experiment(model.experiment_id)
    require(tx, actor, permission, model.workspace_id, "Logged model with ID", shown, own)
    return model


def _views(tx: Tx, models: list[LoggedModel]) -> list[LoggedModelView]:
    pairs: dict[tuple[Any, str], dict[str, str]] = defaultdict(dict)
    metrics: dict[str, list[LoggedModelMetric]] = defaultdict(list)
    registered: dict[str, list[tuple[str, int]]] = defaultdict(list)
    ids = [model.id for model in models]
    for some in batches(ids):
        for kind in (LoggedModelParam, LoggedModelTag):
            for model_id, key, value in tx.values(kind, ("logged_model_id", "key", "value"), logged_model_id=some):
                pairs[kind, model_id][key] = value
        for metric in tx.find(LoggedModelMetric, logged_model_id=some):
            metrics[metric.logged_model_id].append(metric)
        rows = tx.values(RegisteredVersion, ("logged_model_id", "name", "number"), logged_model_id=some)
        for model_id, name, number in rows:
            registered[model_id].append((name, number))
    return [
        LoggedModelView(
            model,
            pairs.get((LoggedModelParam, model.id), {}),
            pairs.get((LoggedModelTag, model.id), {}),
            metrics.get(model.id, []),
            registered.get(model.id, []),
        )
        for model in models
    ]
