"""What an actor sees of what is served, as lists: conditions are those of ``Tx.find``."""

from dataclasses import dataclass
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.access.reading import readable
from modelyard.core.catalogue.reading import models, pipeline_tags, tag_ids_containing
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Contains, Tx
from modelyard.core.serving.definitions import models_named
from modelyard.core.serving.entities import Deployment, Pipeline, PipelineVersion
from modelyard.core.serving.pipelines import OF_PIPELINE, OWN


def pipelines(tx: Tx, actor: Actor, **where: Any) -> list[Pipeline]:
    """Pipelines."""
    return readable(tx, actor, Permission.PIPELINE_READ, Pipeline, own=OWN, **where)


def pipeline_versions(tx: Tx, actor: Actor, **where: Any) -> list[PipelineVersion]:
    """Versions of pipelines."""
    return readable(tx, actor, Permission.PIPELINE_READ, PipelineVersion, own=OWN, parent=OF_PIPELINE, **where)


def deployments(tx: Tx, actor: Actor, **where: Any) -> list[Deployment]:
    """Deployments, running or not."""
    return readable(tx, actor, Permission.PIPELINE_READ, Deployment, own=OWN, parent=OF_PIPELINE, **where)


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """One model configuration that a deployment serves; ``id`` is unique within the deployment."""

    id: int
    deployment_id: int
    pipeline_version_id: int
    model_config_id: int


def deployed_models(tx: Tx, actor: Actor, **where: Any) -> list[DeployedModel]:
    """What deployments serve, in the order of their steps: by ``deployment_id`` or by ``pipeline_version_id``."""
    if "deployment_id" in where:
        where["id"] = where.pop("deployment_id")
    return [
        DeployedModel(model["config_id"], deployment.id, deployment.pipeline_version_id, model["config_id"])
        for deployment in deployments(tx, actor, **where)
        for model in deployment.models
    ]


def search_pipeline_versions(tx: Tx, actor: Actor, text: str, **where: Any) -> list[PipelineVersion]:
    """Versions of pipelines whose name or tag, or the name of whose models, contains the text, ignoring case.

    All when the text is empty.
    """
    found = pipeline_versions(tx, actor, **where)
    if not text:
        return found
    hits = {pipeline.id for pipeline in pipelines(tx, actor, name=Contains(text))}
    hits |= {row.pipeline_id for row in pipeline_tags(tx, actor, tag_id=tag_ids_containing(tx, text))}
    used = {model.name for model in models(tx, actor, name=Contains(text))}
    return [
        row for row in found if row.pipeline_id in hits or used & {ref.name for ref in models_named(row.definition)}
    ]
