"""Registered models: the registry's side of the catalogue's models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import OwnFields, ask, require, require_platform, visible
from modelyard.core.access.granting import sweep_grants
from modelyard.core.access.grants import OF_WORKSPACE, Grant, ResourceType, in_workspace, new_grant
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import Model, ModelVersion
from modelyard.core.catalogue.models import add_model, remove_versions
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Part, Topic, Tx
from modelyard.core.serving.removal import refuse_deployed
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import (
    RegisteredAlias,
    RegisteredModel,
    RegisteredModelTag,
    RegisteredVersion,
    RegisteredVersionTag,
)
from modelyard.core.tracking.experiments import refuse_denied_kind, tracking_workspace
from modelyard.core.tracking.limits import MODEL_TAG_MAX, check_key, check_length, check_name, shortened
from modelyard.core.tracking.pairs import write_pairs
from modelyard.core.tracking.registry_views import ModelView, model_views

OWN: OwnFields = (ResourceType.MODEL, OF_WORKSPACE)
"""How grants on single registered models are found for a list of them or of their versions."""

DESCRIPTION_MAX = 5000
_NAME_MAX = 256


@dataclass(frozen=True, slots=True)
class NewModel:
    """What a registered model begins with."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] | None = None


def create_model(tx: Tx, actor: Actor, new: NewModel) -> ModelView:
    """Register a name for versions; who does it manages the model."""
    require_platform(actor, Permission.MODEL_REGISTER)
    workspace_id = tracking_workspace(tx)
    refuse_denied_kind(tx, actor, workspace_id, ResourceType.MODEL, in_workspace(workspace_id, "*"))
    name = _checked_name(new.name)
    _refuse_taken(tx, workspace_id, name)
    model, now = add_model(tx, actor, workspace_id, name), milliseconds(tx.now)
    made = tx.insert(RegisteredModel(model.id, workspace_id, name, _described(new.description), now, now, 0))
    write_pairs(tx, RegisteredModelTag, made.model_id, (new.tags or {}).items(), "tag", MODEL_TAG_MAX)
    tx.insert(new_grant(actor.user_id, ResourceType.MODEL, in_workspace(workspace_id, name), Role.MANAGE, tx.now))
    return model_views(tx, [made])[0]


def get_model(tx: Tx, actor: Actor, name: str) -> ModelView:
    """One registered model."""
    return model_views(tx, [require_model(tx, actor, Permission.MODEL_READ, name)])[0]


def describe_model(tx: Tx, actor: Actor, name: str, description: str | None) -> ModelView:
    """Give a registered model another description."""
    model = require_model(tx, actor, Permission.MODEL_EDIT, name)
    text, now = _described(description), milliseconds(tx.now)
    changed = tx.update(
        RegisteredModel, model.model_id, lambda m: replace(m, description=text, last_updated_timestamp=now)
    )
    return model_views(tx, [changed])[0]


def rename_model(tx: Tx, actor: Actor, name: str, new_name: str) -> ModelView:
    """Give a registered model another name; its grants go with it."""
    model = require_model(tx, actor, Permission.MODEL_EDIT, name)
    wanted, now = _checked_name(new_name), milliseconds(tx.now)
    if wanted != model.name:
        _refuse_taken(tx, model.workspace_id, wanted)
        refuse_deployed(tx, tx.find(ModelVersion, model_id=model.model_id))
        _move_grants(tx, in_workspace(model.workspace_id, model.name), in_workspace(model.workspace_id, wanted))
    for kind in (RegisteredVersion, ModelVersion):
        tx.change(kind, {"name": wanted}, model_id=model.model_id)
    tx.update(Model, model.model_id, lambda m: replace(m, name=wanted, updated_at=tx.now))
    changed = tx.update(RegisteredModel, model.model_id, lambda m: replace(m, name=wanted, last_updated_timestamp=now))
    return model_views(tx, [changed])[0]


def delete_model(tx: Tx, actor: Actor, name: str) -> list[ModelVersion]:
    """Remove a registered model with its versions and grants; returns the versions. ``CONFLICT`` while deployed."""
    model = require_model(tx, actor, Permission.MODEL_DELETE, name)
    versions = tx.find(ModelVersion, model_id=model.model_id)
    refuse_deployed(tx, versions)
    ids = [version.id for version in versions]
    tx.delete(RegisteredVersionTag, model_version_id=ids)
    tx.delete(RegisteredVersion, model_id=model.model_id)
    for kind in (RegisteredAlias, RegisteredModelTag, RegisteredModel):
        tx.delete(kind, model_id=model.model_id)
    remove_versions(tx, versions)
    tx.delete(Model, id=model.model_id)
    sweep_grants(tx, ResourceType.MODEL, in_workspace(model.workspace_id, model.name))
    uuids = [version.version for version in versions]
    place: dict[str, Any] = {"workspace_id": model.workspace_id, "name": model.name}
    record(tx, actor, Action.MODEL_DELETE, "model", model.model_id, **place, versions=uuids)
    return versions


def search_models(
    tx: Tx, actor: Actor, conditions: Iterable[Condition], orders: tuple[Order, ...], part: Part
) -> list[ModelView]:
    """The registered models that fit and that the actor may see; access is decided inside the query."""
    found = tx.search(
        RegisteredModel,
        tuple(conditions),
        orders,
        part,
        **visible(actor, Permission.MODEL_READ, OWN),
    )
    return model_views(tx, found)


def set_model_tag(tx: Tx, actor: Actor, name: str, key: str, value: str) -> None:
    """Put a tag on a registered model."""
    model = require_model(tx, actor, Permission.MODEL_EDIT, name)
    write_pairs(tx, RegisteredModelTag, model.model_id, [(key, value)], "tag", MODEL_TAG_MAX)
    touch_model(tx, model)


def delete_model_tag(tx: Tx, actor: Actor, name: str, key: str) -> None:
    """Take a tag off a registered model; nothing happens without it."""
    model = require_model(tx, actor, Permission.MODEL_MANAGE, name)
    tx.delete(RegisteredModelTag, model_id=model.model_id, key=check_key("tag", key))


def require_model(tx: Tx, actor: Actor, permission: Permission, name: str) -> RegisteredModel:
    """The registered model, when the actor holds the permission on it."""
    workspace_id = tracking_workspace(tx)
    model = tx.first(RegisteredModel, order_by="model_id", workspace_id=workspace_id, name=name)
    shown = f"name={shortened(name)}"
    if model is None:
        ask(actor, permission)
        raise not_found("Registered Model with", shown)
    own = (ResourceType.MODEL, in_workspace(workspace_id, name))
    require(tx, actor, permission, workspace_id, "Registered Model with", shown, own)
    return model


def touch_model(tx: Tx, model: RegisteredModel) -> None:
    """Note that something about the model changed just now."""
    now = milliseconds(tx.now)
    tx.update(RegisteredModel, model.model_id, lambda m: replace(m, last_updated_timestamp=now))


def _checked_name(name: str | None) -> str:
    if not name or not name.strip():
        raise invalid("Registered model name cannot be empty: give the model a name")
    check_name("name", name)
    if any(mark in name for mark in "/:*") or name in (".", "..") or not name.isprintable():
        # a grant on a name with * would be one on many
        raise invalid(
            f"Invalid model name: {shortened(name)!r}: it must not hold '/', ':', '*' or characters that do not print, "
            "nor be '.' or '..'"
        )
    return check_length("name", name, _NAME_MAX)


def _described(text: str | None) -> str | None:
    return None if text is None else check_length("description", text, DESCRIPTION_MAX)


def _refuse_taken(tx: Tx, workspace_id: int, name: str) -> None:
    if tx.first(Model, workspace_id=workspace_id, name=name) is not None:
        raise conflict(f"Registered Model (name={shortened(name)}) already exists.")


def _move_grants(tx: Tx, old: str, new: str) -> None:
    """Grants made ahead for the new name give way: they were not about this model."""
    sweep_grants(tx, ResourceType.MODEL, new)
    tx.change(Grant, {"resource_id": new}, resource_type=str(ResourceType.MODEL), resource_id=old)
    tx.touch(Topic.ACCESS)
