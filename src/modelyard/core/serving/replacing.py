"""Changing what an existing deployment serves, seen from the deployment rather than from its pipeline."""

from typing import Any

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.definitions import planned, steps_planned
from modelyard.core.serving.deployments import Deploy, deploy, pipeline_of, redeploy
from modelyard.core.serving.entities import Deployment, Form, PipelineVersion
from modelyard.core.serving.pipelines import create_pipeline, pipeline_by_id
from modelyard.core.serving.states import SERVED


def deploy_again(tx: Tx, actor: Actor, deployment_id: int) -> Deployment:
    """Deploy what the deployment served last; nothing changes when it is deployed."""
    deployment = _deployment(tx, actor, deployment_id)
    return deployment if deployment.state in SERVED else redeploy(tx, actor, deployment.id)


def replace_model(tx: Tx, actor: Actor, deployment_id: int, config_id: int) -> Deployment:
    """Serve this configured model version in place of the version of the same model that is served now.

    Where a pipeline has one step, its model is replaced whatever its name. A different version makes a new version of
    the pipeline; what served before serves until the new one is loaded.
    """
    deployment = _deployment(tx, actor, deployment_id)
    if deployment.state not in SERVED:
        raise failed_precondition(f"deployment {deployment.name} is not deployed; deploy its pipeline instead")
    config = tx.first(ModelConfig, id=config_id, workspace_id=deployment.workspace_id)
    model = tx.get(ModelVersion, config.model_version_id) if config else None
    version = tx.get(PipelineVersion, deployment.pipeline_version_id)
    if config is None or model is None or version is None:
        raise not_found("model configuration", config_id)
    kept = {known["version_id"]: known["config_id"] for known in deployment.models}
    if model.id not in kept:
        pipeline = pipeline_by_id(tx, actor, deployment.pipeline_id, Permission.PIPELINE_EDIT)
        definition = _with_model(version.definition, model)
        version = create_pipeline(tx, actor, pipeline.workspace_id, pipeline.name, definition)
    named = {ref.version for ref in planned(Form.STEPS, version.definition)[0]}
    used = {key for key, uuid in tx.values(ModelVersion, ("id", "version"), id=list(kept)) if uuid in named}
    configs = {key: value for key, value in kept.items() if key in used} | {model.id: config.id}
    command = Deploy(
        deployment.name,
        version_id=version.id,
        config_ids=tuple(configs.values()),
        engine_config=deployment.engine_config,
    )
    return deploy(tx, actor, command)


def _deployment(tx: Tx, actor: Actor, deployment_id: int) -> Deployment:
    deployment = tx.get(Deployment, deployment_id)
    if deployment is None:
        raise not_found("deployment", deployment_id)
    own = pipeline_of(tx, deployment)
    require(tx, actor, Permission.PIPELINE_DEPLOY, deployment.workspace_id, "deployment", deployment_id, own)
    return deployment


def _with_model(definition: dict[str, Any], model: ModelVersion) -> dict[str, Any]:
    """The definition with the model in the step of the same name, or in its only step."""
    refs, _ = steps_planned(definition)
    places = [number for number, ref in enumerate(refs) if ref.name == model.name]
    if len(refs) == 1:
        places = [0]
    if len(places) != 1:
        raise invalid(f"{len(places)} steps of the pipeline run a model named {model.name}; make a new version instead")
    step = {"ModelInference": {"models": [{"name": model.name, "version": model.version, "sha": model.sha}]}}
    steps = [step if number in places else old for number, old in enumerate(definition["steps"])]
    return {**definition, "steps": steps}
