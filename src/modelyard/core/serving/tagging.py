"""Tags on pipelines."""

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import PipelineTag
from modelyard.core.catalogue.tagging import require_tag
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import own_pipeline


def tag_pipeline(tx: Tx, actor: Actor, tag_id: int, pipeline_id: int) -> PipelineTag:
    """Put a tag on a pipeline; it stays once where it is there already."""
    workspace_id = _workspace_to_edit(tx, actor, pipeline_id)
    tag = require_tag(tx, actor, tag_id)
    there = tx.first(PipelineTag, tag_id=tag.id, pipeline_id=pipeline_id)
    return there or tx.insert(PipelineTag(0, workspace_id, tag.id, pipeline_id))


def untag_pipeline(tx: Tx, actor: Actor, tag_id: int, pipeline_id: int) -> list[PipelineTag]:
    """Take a tag off a pipeline; returns what was there."""
    _workspace_to_edit(tx, actor, pipeline_id)
    gone = tx.find(PipelineTag, tag_id=tag_id, pipeline_id=pipeline_id)
    tx.delete(PipelineTag, tag_id=tag_id, pipeline_id=pipeline_id)
    return gone


def _workspace_to_edit(tx: Tx, actor: Actor, pipeline_id: int) -> int:
    pipeline = tx.get(Pipeline, pipeline_id)
    if pipeline is None:
        raise not_found("pipeline", pipeline_id)
    own = own_pipeline(pipeline.workspace_id, pipeline.name)
    require(tx, actor, Permission.PIPELINE_EDIT, pipeline.workspace_id, "pipeline", pipeline_id, own)
    return pipeline.workspace_id
