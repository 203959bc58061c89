"""Topics: the names under which logs are read."""

import re

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import get_pipeline

_TOPIC = re.compile(r"workspace-(\d{1,15})-pipeline-([a-z0-9][-a-z0-9]{0,62})-inference(-failures)?")


def topic_name(pipeline: Pipeline) -> str:
    """The topic of a pipeline's answered rows."""
    return f"workspace-{pipeline.workspace_id}-pipeline-{pipeline.name}-inference"


def pipeline_of_topic(tx: Tx, actor: Actor, topic: str) -> Pipeline | None:
    """The pipeline whose rows the topic holds, for someone who may read them; None for a topic of failures.

    Refused inferences are not logged, so such a topic is always empty.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        ask(actor, Permission.LOGS_READ)
        raise not_found("topic", topic[:200])
    workspace_id, name, failures = match.groups()
    try:
        pipeline = get_pipeline(tx, actor, int(workspace_id), name, Permission.LOGS_READ).pipeline
    except DomainError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            raise not_found("topic", topic) from error
        raise
    return None if failures else pipeline
