"""Changing what an existing deployment serves, seen from the deployment rather than from its pipeline."""

from typing import Any

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.definitions import ModelRef, models_named, planned
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
        if pipeline.form != Form.STEPS:
            raise failed_precondition(
                f"pipeline {pipeline.name} is not made of steps ({pipeline.form}); change its own document instead"
            )
        definition = _with_model(version.definition, model)
        version = create_pipeline(tx, actor, pipeline.workspace_id, pipeline.name, definition)
    pipeline_form = pipeline_by_id(tx, actor, deployment.pipeline_id, Permission.PIPELINE_DEPLOY).form
    named = {ref.version for ref in planned(pipeline_form, version.definition)[0]}
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
    """The definition with the model in the places of the one of the same name, or of its only one."""
    refs = set(models_named(definition["steps"]))
    old = [ref for ref in refs if ref.name == model.name] if len(refs) > 1 else list(refs)
    if len(old) != 1:
        raise invalid(f"the pipeline runs {len(old)} models named {model.name}; make a new version of it instead")
    new = {"name": model.name, "version": model.version, "sha": model.sha}
    return {**definition, "steps": _replaced(definition["steps"], old[0], new)}


def _replaced(part: Any, old: ModelRef, new: dict[str, str]) -> Any:
    if isinstance(part, list):
        return [_replaced(each, old, new) for each in part]
    if not isinstance(part, dict):
        return part
    if set(models_named([part])) == {old} and part.get("version") == old.version:
        return new
    return {key: _replaced(value, old, new) for key, value in part.items()}
