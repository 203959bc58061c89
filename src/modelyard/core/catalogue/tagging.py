"""Tags: making them, and putting them on model versions. Pipelines are tagged by serving."""

from modelyard.core.access.check import require, require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelTag, ModelVersion, Tag
from modelyard.core.catalogue.models import own_model
from modelyard.core.catalogue.reading import tags
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.names import title
from modelyard.core.kernel.store import Tx


def create_tag(tx: Tx, actor: Actor, text: str) -> Tag:
    """Make a tag; the same word may be made more than once, as tags belong to nobody but their maker."""
    require_platform(actor, Permission.TAG_CREATE)
    return tx.insert(Tag(0, title("tag", text), actor.user_id, tx.now))


def require_tag(tx: Tx, actor: Actor, tag_id: int) -> Tag:
    """The tag, if the actor sees it."""
    for tag in tags(tx, actor, id={tag_id}):
        return tag
    raise not_found("tag", tag_id)


def tag_model_version(tx: Tx, actor: Actor, tag_id: int, model_version_id: int) -> ModelTag:
    """Put a tag on a model version; it stays once where it is there already."""
    workspace_id = _workspace_to_edit(tx, actor, model_version_id)
    tag = require_tag(tx, actor, tag_id)
    there = tx.first(ModelTag, tag_id=tag.id, model_version_id=model_version_id)
    return there or tx.insert(ModelTag(0, workspace_id, tag.id, model_version_id))


def untag_model_version(tx: Tx, actor: Actor, tag_id: int, model_version_id: int) -> list[ModelTag]:
    """Take a tag off a model version; returns what was there."""
    _workspace_to_edit(tx, actor, model_version_id)
    gone = tx.find(ModelTag, tag_id=tag_id, model_version_id=model_version_id)
    tx.delete(ModelTag, tag_id=tag_id, model_version_id=model_version_id)
    return gone


def _workspace_to_edit(tx: Tx, actor: Actor, model_version_id: int) -> int:
    version = tx.get(ModelVersion, model_version_id)
    if version is None:
        raise not_found("model version", model_version_id)
    own = own_model(version)
    require(tx, actor, Permission.MODEL_EDIT, version.workspace_id, "model version", model_version_id, own)
    return version.workspace_id
