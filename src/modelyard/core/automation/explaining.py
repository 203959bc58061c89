"""Who may have which deployment explained, and how."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.core.access.check import allowed
from modelyard.core.access.permissions import Permission
from modelyard.core.automation.jobs import Place
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Pipeline, PipelineVersion
from modelyard.core.serving.pipelines import own_pipeline, pipeline_at

_KNOWN = "KernelShap"


@dataclass(frozen=True, slots=True)
class Explained:
    """A pipeline that may be explained; what is logged of it may serve as background for those who may read it."""

    pipeline: Pipeline
    may_read_log: bool


def explained(tx: Tx, actor: Actor, place: Place) -> Explained:
    """For who may infer; ``FAILED_PRECONDITION`` when it asks for an explainer that this server has not."""
    pipeline = pipeline_at(tx, actor, *place, Permission.PIPELINE_INFER)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    version = tx.get(PipelineVersion, deployment.pipeline_version_id) if deployment else None
    for kind in _explainers(version.definition if version else {}):
        if kind != _KNOWN:
            message = (
                f"explainer type {kind[:40]!r} needs the package alibi, which this server does not run; use {_KNOWN}"
            )
            raise failed_precondition(message)
    own = own_pipeline(pipeline.workspace_id, pipeline.name)
    return Explained(pipeline, allowed(tx, actor, Permission.LOGS_READ, pipeline.workspace_id, own))


def _explainers(value: Any) -> Iterator[str]:
    """The types of all explainers that a document names."""
    if isinstance(value, list):
        for item in value:
            yield from _explainers(item)
    elif isinstance(value, dict):
        explainer = value.get("explainer")
        if isinstance(explainer, dict) and isinstance(explainer.get("type"), str) and explainer["type"]:
            yield explainer["type"]
        yield from _explainers(list(value.values()))
