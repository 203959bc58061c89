"""Metadata of models, by project and URI: what people say of a model, wherever it lies.

A project is a label with grants of its own, which need no entry to be there: administrators give the first ones. What
everyone may do in the project ``default`` is the server's ``default_permission``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from modelyard.core.access.check import OwnFields, require, visible_by
from modelyard.core.access.grants import Grant, ResourceType, new_grant
from modelyard.core.access.permissions import LEVELS, Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import Outcome
from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.catalogue.metadata_query import Predicate
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.errors import conflict, not_found
from modelyard.core.kernel.store import Topic, Tx

DEFAULT_PROJECT = "default"
OWN: OwnFields = (ResourceType.PROJECT, ("project",))
_NO_WORKSPACE = 0


@dataclass(frozen=True, slots=True)
class NewMetadata:
    """What is said of a model; the dialect has checked names and lengths."""

    project: str
    uri: str
    name: str = ""
    version: str = ""
    artifact_type: str = "UNKNOWN"
    task_type: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    prediction_schema: dict[str, Any] | None = None
    default_protocol: str | None = None


@dataclass(frozen=True, slots=True)
class MetadataFilter:
    """Which entries: those whose fields have ``fields``' values and carry all of ``tags`` and ``metrics``; with a
    ``query``, those that satisfy it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    query: Predicate | None = None

    def holds(self, entry: ModelMetadata) -> bool:
        """Whether the entry is one of them."""
        if self.query is not None:
            return self.query(entry)
        tagged = all(entry.tags.get(key) == value for key, value in self.tags.items())
        return tagged and all(entry.metrics.get(key) == value for key, value in self.metrics.items())


def create_metadata(tx: Tx, actor: Actor, new: NewMetadata) -> ModelMetadata:
    """Add an entry; ``CONFLICT`` when the project has one for this URI."""
    _require(tx, actor, Permission.MODEL_EDIT, new.project)
    if tx.first(ModelMetadata, project=new.project, uri=new.uri) is not None:
        raise conflict(f"the project {new.project} has metadata for {new.uri} already; update it instead")
    made = tx.insert(ModelMetadata(id=0, created_by=actor.user_id, created_at=tx.now, updated_at=tx.now, **_said(new)))
    _record(tx, actor, Action.METADATA_CREATE, made)
    return made


def update_metadata(tx: Tx, actor: Actor, new: NewMetadata) -> ModelMetadata:
    """Replace an entry by what is said now; when and by whom it was made stays."""
    found = _find(tx, actor, Permission.MODEL_EDIT, new.project, new.uri)
    changed = tx.update(ModelMetadata, found.id, lambda entry: replace(entry, updated_at=tx.now, **_said(new)))
    _record(tx, actor, Action.METADATA_CHANGE, changed)
    return changed


def delete_metadata(tx: Tx, actor: Actor, project: str, uri: str) -> None:
    """Remove an entry."""
    found = _find(tx, actor, Permission.MODEL_EDIT, project, uri)
    tx.delete(ModelMetadata, id=found.id)
    _record(tx, actor, Action.METADATA_DELETE, found)


def list_metadata(tx: Tx, actor: Actor, wanted: MetadataFilter) -> list[ModelMetadata]:
    """The entries of the projects that the actor may read, in the order they were made."""
    where: dict[str, Any] = {} if wanted.query else dict(wanted.fields)
    may_read = visible_by(None, actor, Permission.MODEL_READ, OWN)
    return [entry for entry in tx.find(ModelMetadata, **where, **may_read) if wanted.holds(entry)]


def metadata_of(tx: Tx, actor: Actor, uris: set[str]) -> dict[str, ModelMetadata]:
    """The oldest entry for each of these URIs that the actor may read."""
    may_read = visible_by(None, actor, Permission.MODEL_READ, OWN)
    found = tx.find(ModelMetadata, order_by="-id", uri=sorted(uris), **may_read) if uris else []
    return {entry.uri: entry for entry in found}


def ensure_default_project(tx: Tx, default_permission: Role) -> None:
    """Let ``default_permission`` hold for everyone in the default project where no other grant speaks."""
    level = default_permission if default_permission in LEVELS else None
    where = {"subject_id": EVERYONE, "resource_type": str(ResourceType.PROJECT), "resource_id": DEFAULT_PROJECT}
    held = tx.first(Grant, **where)
    if (held.role if held else None) == level:
        return
    tx.delete(Grant, **where)
    if level is not None:
        tx.insert(new_grant(EVERYONE, ResourceType.PROJECT, DEFAULT_PROJECT, level, tx.now))
    tx.touch(Topic.ACCESS)


def _said(new: NewMetadata) -> dict[str, Any]:
    return {each.name: getattr(new, each.name) for each in fields(new)}


def _require(tx: Tx, actor: Actor, permission: Permission, project: str) -> None:
    require(tx, actor, permission, _NO_WORKSPACE, "project", project, (ResourceType.PROJECT, project))


def _find(tx: Tx, actor: Actor, permission: Permission, project: str, uri: str) -> ModelMetadata:
    _require(tx, actor, permission, project)
    found = tx.first(ModelMetadata, project=project, uri=uri)
    if found is None:
        raise not_found("model metadata", f"for {uri} in the project {project}")
    return found


def _record(tx: Tx, actor: Actor, action: Action, entry: ModelMetadata) -> None:
    told = {"project": entry.project, "uri": entry.uri}
    record(tx, actor, action, "model_metadata", entry.id, Outcome.OK, **told)
