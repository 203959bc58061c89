"""What an actor sees of the catalogue, as lists: conditions are those of ``Tx.find``.

A thing in a workspace that the actor may not read is left out by the query, so that nothing about it can be told.
"""

from dataclasses import dataclass
from typing import Any

from modelyard.core.access.check import visible
from modelyard.core.access.grants import OF_WORKSPACE, Grant, ResourceType
from modelyard.core.access.permissions import Permission
from modelyard.core.access.reading import find_among, readable
from modelyard.core.catalogue.entities import (
    DefaultWorkspace,
    Model,
    ModelConfig,
    ModelTag,
    ModelVersion,
    PipelineTag,
    Tag,
    Workspace,
)
from modelyard.core.catalogue.models import OF_VERSION, OWN
from modelyard.core.catalogue.workspaces import people_among
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Contains, Tx

_OWN_PIPELINE = (ResourceType.PIPELINE, OF_WORKSPACE)
_OF_PIPELINE = ("Pipeline", "pipeline_id")


def workspaces(tx: Tx, actor: Actor, **where: Any) -> list[Workspace]:
    """Workspaces."""
    return readable(tx, actor, Permission.WORKSPACE_READ, Workspace, scope="id", **where)


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's place in a workspace."""

    workspace_id: int
    user_id: str
    role: str


def members(tx: Tx, actor: Actor, workspace_id: set[int]) -> list[Membership]:
    """Who is a member of these workspaces, and as what."""
    seen = {str(workspace.id) for workspace in workspaces(tx, actor, id=workspace_id)}
    grants = find_among(tx, Grant, resource_type=ResourceType.WORKSPACE, resource_id=seen)
    return [Membership(int(g.resource_id), g.subject_id, g.role) for g in people_among(tx, grants)]


def default_workspaces(tx: Tx, actor: Actor, **where: Any) -> list[Workspace]:
    """The workspaces that clients of these users (conditions on ``DefaultWorkspace``) fall back on."""
    chosen = find_among(tx, DefaultWorkspace, order_by="user_id", **where)
    return workspaces(tx, actor, id={row.workspace_id for row in chosen})


def models(tx: Tx, actor: Actor, **where: Any) -> list[Model]:
    """Models."""
    return readable(tx, actor, Permission.MODEL_READ, Model, own=OWN, **where)


def model_versions(tx: Tx, actor: Actor, **where: Any) -> list[ModelVersion]:
    """Versions of models."""
    return readable(tx, actor, Permission.MODEL_READ, ModelVersion, own=OWN, **where)


def model_configs(tx: Tx, actor: Actor, **where: Any) -> list[ModelConfig]:
    """Configurations of model versions."""
    return readable(tx, actor, Permission.MODEL_READ, ModelConfig, own=OWN, parent=OF_VERSION, **where)


def model_tags(tx: Tx, actor: Actor, **where: Any) -> list[ModelTag]:
    """Tags on model versions."""
    return readable(tx, actor, Permission.MODEL_READ, ModelTag, own=OWN, parent=OF_VERSION, **where)


def pipeline_tags(tx: Tx, actor: Actor, **where: Any) -> list[PipelineTag]:
    """Tags on pipelines."""
    return readable(tx, actor, Permission.PIPELINE_READ, PipelineTag, own=_OWN_PIPELINE, parent=_OF_PIPELINE, **where)


def tags(tx: Tx, actor: Actor, **where: Any) -> list[Tag]:
    """Tags that the actor made or that stand on something the actor sees; the only condition may be ``id``, a set."""
    if not visible(actor, Permission.MODEL_READ):  # no condition: the actor sees every workspace
        return find_among(tx, Tag, **where)
    on = {"tag_id": where["id"]} if "id" in where else {}
    seen = {row.tag_id for row in model_tags(tx, actor, **on)} | {row.tag_id for row in pipeline_tags(tx, actor, **on)}
    own = find_among(tx, Tag, created_by=actor.user_id, **where)
    return _once([*own, *find_among(tx, Tag, id=seen)])


def search_model_versions(tx: Tx, actor: Actor, text: str, **where: Any) -> list[ModelVersion]:
    """Versions whose name, version, hash, file name or tag contains the text, ignoring case; all when it is empty.

    ``where`` may name none of these fields.
    """
    if not text:
        return model_versions(tx, actor, **where)
    tagged = {row.model_version_id for row in model_tags(tx, actor, tag_id=tag_ids_containing(tx, text))}
    found = model_versions(tx, actor, id=tagged, **where)
    for field in ("name", "version", "sha", "file_name"):
        found += model_versions(tx, actor, **{field: Contains(text)}, **where)
    return _once(found)


def tag_ids_containing(tx: Tx, text: str) -> set[int]:
    """The ids of all tags that contain the text; only for use inside a query that the actor's access limits."""
    return {tag_id for (tag_id,) in tx.values(Tag, ("id",), tag=Contains(text))}


def _once(rows: list[Any]) -> list[Any]:
    """Each row once, by ascending id."""
    by_id = {row.id: row for row in rows}
    return [by_id[key] for key in sorted(by_id)]
