"""Which models are served where: deployments, their predictors and the units that name a model by its URI.

Reads the documents that deployments keep verbatim, so that nothing is said of those made of Wallaroo's steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.access.reading import find_among, readable
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Form, Pipeline, PipelineVersion, Replica
from modelyard.core.serving.pipelines import OWN
from modelyard.core.serving.states import DeploymentState

_FORMS = (Form.PREDICTORS, Form.MODEL)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One unit of a deployment; ``traffic`` in percent is its predictor's."""

    uri: str
    predictor: str
    node: str
    traffic: int
    shadow: bool
    explainer: bool


@dataclass(frozen=True, slots=True)
class RuntimeEntry:
    """A model and the deployment that serves it; ``uid`` is the deployment's, which outlives its versions.

    ``state`` is Running, Stopped or Unknown, ``replicas`` how many are ready to answer.
    """

    model: ServedModel
    namespace: str
    name: str
    uid: str
    form: str
    state: str
    replicas: int
    created_at: datetime


def runtime_entries(tx: Tx, actor: Actor) -> list[RuntimeEntry]:
    """What deployments that the actor may see serve, oldest deployment first."""
    pipelines = readable(tx, actor, Permission.PIPELINE_READ, Pipeline, own=OWN, form=_FORMS)
    ids = {pipeline.id for pipeline in pipelines}
    deployments = {each.pipeline_id: each for each in find_among(tx, Deployment, pipeline_id=ids)}
    chosen = {each.pipeline_version_id for each in deployments.values()}
    versions = {each.id: each for each in find_among(tx, PipelineVersion, id=chosen)}
    slugs = {each.id: each.slug for each in find_among(tx, Workspace, id={each.workspace_id for each in pipelines})}
    return [
        entry
        for pipeline in pipelines
        if (deployment := deployments.get(pipeline.id)) and (version := versions.get(deployment.pipeline_version_id))
        for entry in _entries(tx, pipeline, deployment, version, slugs[pipeline.workspace_id])
    ]


def served_models(form: str, document: dict[str, Any]) -> Iterator[ServedModel]:
    """The models that a document names."""
    spec = document.get("spec") or {}
    if form == Form.MODEL:
        yield ServedModel(str(spec.get("storageUri") or ""), "", "", 100, shadow=False, explainer=False)
        return
    predictors = spec.get("predictors") or []
    alone = len([predictor for predictor in predictors if not predictor.get("shadow")]) == 1
    for predictor in predictors:
        shadow = predictor.get("shadow") is True
        traffic = 100 if alone and not shadow else int(predictor.get("traffic") or 0)
        name = str(predictor.get("name") or "")
        for unit in _units(predictor.get("graph") or {}):
            yield ServedModel(unit["modelUri"], name, str(unit.get("name") or ""), traffic, shadow, explainer=False)
        explainer = predictor.get("explainer") or {}
        if explainer.get("modelUri"):
            yield ServedModel(explainer["modelUri"], name, "", traffic, shadow, explainer=True)


def _entries(
    tx: Tx, pipeline: Pipeline, deployment: Deployment, version: PipelineVersion, slug: str
) -> Iterator[RuntimeEntry]:
    first = tx.first(PipelineVersion, pipeline_id=pipeline.id)
    uid = first.version if first else version.version
    held = tx.find(Replica, deployment_id=deployment.id, revision=deployment.revision, error=None)
    state = _state(deployment)
    for model in served_models(pipeline.form, version.definition.get("document") or {}):
        yield RuntimeEntry(model, slug, pipeline.name, uid, pipeline.form, state, len(held), pipeline.created_at)


def _state(deployment: Deployment) -> str:
    if deployment.state == DeploymentState.RUNNING:
        return "Running"
    return "Stopped" if deployment.state == DeploymentState.STOPPED else "Unknown"


def _units(unit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if unit.get("modelUri"):
        yield unit
    for child in unit.get("children") or []:
        yield from _units(child)
