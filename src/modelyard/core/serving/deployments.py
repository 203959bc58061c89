"""Deploying and undeploying: what is meant to be served. Workers make it so, see ``reconcile``."""

from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import Own, ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import ModelConfig, ModelStatus, ModelVersion
from modelyard.core.catalogue.models import newest_config
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid, not_found
from modelyard.core.kernel.names import label, number_in
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.serving.definitions import ModelRef, planned
from modelyard.core.serving.entities import Deployment, ModelProcess, Pipeline, PipelineVersion, Replica
from modelyard.core.serving.graph.compiling import check_plan
from modelyard.core.serving.graph.plan import Plan
from modelyard.core.serving.pipelines import may_serve, own_pipeline, pipeline_by_id, require_pipeline
from modelyard.core.serving.resources import check_resources
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.rollouts import begin_rollout, end_trials, newest_rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.settling import settle
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.states import SERVED, DeploymentState, move


@dataclass(frozen=True, slots=True)
class Deploy:
    """What to deploy: a version by number or uuid, or the newest version of a pipeline that has steps.

    ``config_ids`` choose configurations of the models; by default the newest of each counts.
    """

    name: str
    pipeline_id: int | None = None
    version_id: int | None = None
    version_uuid: str | None = None
    config_ids: tuple[int, ...] = ()
    engine_config: dict[str, Any] | None = None


def namespace(deployment: Deployment) -> str:
    """The deployment's name in URLs."""
    return f"{deployment.name}-{deployment.id}"


def deploy(tx: Tx, actor: Actor, command: Deploy) -> Deployment:
    """Mean the pipeline version to be served. What was served before is served until the new one is loaded."""
    version = _version(tx, actor, command)
    pipeline = pipeline_by_id(tx, actor, version.pipeline_id, Permission.PIPELINE_DEPLOY)
    label("deployment", command.name)
    for ref in planned(pipeline.form, version.definition)[0]:
        model = tx.first(ModelVersion, version=ref.version)
        if model is None or not may_serve(tx, actor, version.workspace_id, model):
            raise _gone(ref)
    return serve(tx, actor, version, command)


def serve(tx: Tx, actor: Actor, version: PipelineVersion, command: Deploy) -> Deployment:
    """Mean the version to be served without asking who wants it: behind ``deploy``, and where what it uses changed."""
    pipeline = tx.get(Pipeline, version.pipeline_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    refs, plan = planned(pipeline.form, version.definition)
    models = _models(tx, refs, plan, command.config_ids)
    if command.engine_config:
        check_resources(command.engine_config, tx.find(ModelVersion, id=[model["version_id"] for model in models]))
    found = tx.first(Deployment, pipeline_id=pipeline.id)
    tx.touch(Topic.ROUTES)
    if found is None:
        deployment = tx.insert(_new(tx, version, command, models, plan))
        begin_rollout(tx, None, deployment)
    else:
        changed = tx.update(Deployment, found.id, lambda old: _redeployed(tx, old, version, command, models, plan))
        begin_rollout(tx, found, changed)
        deployment = settle(tx, changed)
    record(tx, actor, Action.DEPLOY, "deployment", deployment.id, **_told(deployment), version=version.version)
    return deployment


def planned_models(
    tx: Tx, actor: Actor, pipeline: Pipeline, version: PipelineVersion
) -> tuple[Plan, list[tuple[ModelVersion, ModelConfig]]]:
    """(how the models of the version work together, those models) for someone who may have them all served.

    ``FAILED_PRECONDITION`` when one is gone, not allowed, or does not fit.
    """
    refs, plan = planned(pipeline.form, version.definition)
    for ref in refs:
        model = tx.first(ModelVersion, version=ref.version)
        if model is None or not may_serve(tx, actor, version.workspace_id, model):
            raise _gone(ref)
    chosen = _chosen(tx, refs, {})
    check_plan(plan, [(_signature(model), config.tensor_fields) for model, config in chosen])
    return plan, chosen


def undeploy(tx: Tx, actor: Actor, *, deployment_id: int | None = None, pipeline_id: int | None = None) -> Deployment:
    """Mean the deployment to be served no longer; doing it twice is the same as once."""
    if deployment_id is None and pipeline_id is None:
        raise invalid("say what to undeploy: deployment_id or pipeline_id")
    found = (
        tx.get(Deployment, deployment_id)
        if deployment_id is not None
        else tx.first(Deployment, pipeline_id=pipeline_id)
    )
    asked = deployment_id if deployment_id is not None else f"of pipeline {pipeline_id}"
    _require(tx, actor, found, asked)
    assert found is not None  # noqa: S101  # for the type checker: _require raised
    if found.state not in SERVED:
        return found
    tx.touch(Topic.ROUTES)
    stopping = tx.update(
        Deployment,
        found.id,
        lambda old: replace(old, state=move(old.state, DeploymentState.STOPPING), error=None, updated_at=tx.now),
    )
    end_trials(tx, found.id, RolloutState.SUPERSEDED, "the deployment was stopped")
    stopped = settle(tx, stopping)
    record(tx, actor, Action.UNDEPLOY, "deployment", found.id, **_told(found))
    return stopped


def redeploy(tx: Tx, actor: Actor, deployment_id: int, config_ids: tuple[int, ...] = ()) -> Deployment:
    """Deploy what the deployment served last, again; other configurations may take the place of its own."""
    found = tx.get(Deployment, deployment_id)
    _require(tx, actor, found, deployment_id)
    assert found is not None  # noqa: S101
    chosen = config_ids or tuple(model["config_id"] for model in found.models)
    command = Deploy(
        found.name,
        version_id=found.pipeline_version_id,
        config_ids=chosen,
        engine_config=found.engine_config,
    )
    return deploy(tx, actor, command)


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A deployment, what each live worker has loaded of it, and the processes that its models run in.

    ``rollout`` is the newest one.
    """

    deployment: Deployment
    pipeline: Pipeline
    version: PipelineVersion
    models: list[ModelVersion]
    replicas: list[Replica]
    processes: list[ModelProcess]
    rollout: Rollout | None

    def model(self, place: int) -> str:
        """The name of the model at this place of the deployment."""
        version_id = self.deployment.models[place]["version_id"]
        return next((model.name for model in self.models if model.id == version_id), "model")


def get_status(tx: Tx, actor: Actor, name: str) -> DeploymentStatus:
    """The status by namespace; ``NOT_FOUND`` once it is stopped, which is how clients see that it is."""
    head, _, tail = name.rpartition("-")
    number = number_in(tail)
    found = tx.get(Deployment, number) if number is not None else None
    if found is not None and found.name != head:
        found = None
    _require(tx, actor, found, name, Permission.PIPELINE_READ)
    assert found is not None  # noqa: S101
    if found.state == DeploymentState.STOPPED:
        raise not_found("deployment", name)
    return status_of(tx, found)


def status_of(tx: Tx, found: Deployment) -> DeploymentStatus:
    """How the deployment is; asks for no permission."""
    pipeline, version = tx.get(Pipeline, found.pipeline_id), tx.get(PipelineVersion, found.pipeline_version_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    assert version is not None  # noqa: S101
    models = [tx.get(ModelVersion, model["version_id"]) for model in found.models]
    replicas = tx.find(Replica, deployment_id=found.id)
    processes = tx.find(ModelProcess, deployment_id=found.id, revision=found.revision)
    there = [model for model in models if model]
    return DeploymentStatus(found, pipeline, version, there, replicas, processes, newest_rollout(tx, found))


def _told(deployment: Deployment) -> dict[str, Any]:
    """The deployment, as entries of the audit log name it."""
    place = {"workspace_id": deployment.workspace_id, "pipeline_id": deployment.pipeline_id}
    return {**place, "name": deployment.name, "revision": deployment.revision}


def pipeline_of(tx: Tx, deployment: Deployment) -> Own | None:
    """Where grants on the deployment are kept: with its pipeline's."""
    pipeline = tx.get(Pipeline, deployment.pipeline_id)
    return own_pipeline(pipeline.workspace_id, pipeline.name) if pipeline else None


def _require(
    tx: Tx,
    actor: Actor,
    found: Deployment | None,
    asked: object,
    permission: Permission = Permission.PIPELINE_DEPLOY,
) -> None:
    if found is None:
        ask(actor, permission)
        raise not_found("deployment", asked)
    require(tx, actor, permission, found.workspace_id, "deployment", asked, pipeline_of(tx, found))


def _version(tx: Tx, actor: Actor, command: Deploy) -> PipelineVersion:
    """The version meant, for someone who may deploy it."""
    if command.version_id is not None:
        found, asked = tx.get(PipelineVersion, command.version_id), f"version {command.version_id}"
    elif command.version_uuid is not None:
        found, asked = tx.first(PipelineVersion, version=command.version_uuid), f"version {command.version_uuid}"
    elif command.pipeline_id is not None:
        found, asked = newest_version(tx, command.pipeline_id), str(command.pipeline_id)
    else:
        raise invalid("say what to deploy: pipeline_version_pk_id, pipeline_version or pipeline_id")
    if found is None:
        ask(actor, Permission.PIPELINE_DEPLOY)
        raise not_found("pipeline", asked)
    pipeline = tx.get(Pipeline, found.pipeline_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    require_pipeline(tx, actor, Permission.PIPELINE_DEPLOY, pipeline, "pipeline", asked)
    return found


def newest_version(tx: Tx, pipeline_id: int) -> PipelineVersion | None:
    """The newest version with steps, else the newest."""
    versions = tx.find(PipelineVersion, order_by="-id", pipeline_id=pipeline_id)
    return next((v for v in versions if v.definition.get("steps")), versions[0] if versions else None)


def _models(tx: Tx, refs: list[ModelRef], plan: Plan, config_ids: tuple[int, ...]) -> list[dict[str, Any]]:
    """What to load for each model; ``FAILED_PRECONDITION`` when they could not run as planned."""
    chosen = _chosen(tx, refs, _configs(tx, config_ids))
    foreign = set(config_ids) - {config.id for _, config in chosen}
    if foreign:
        raise invalid(f"the models of this pipeline have no model configurations {sorted(foreign)}")
    check_plan(plan, [(_signature(model), config.tensor_fields) for model, config in chosen])
    return [{"version_id": model.id, "config_id": config.id} for model, config in chosen]


def _chosen(tx: Tx, refs: list[ModelRef], configs: dict[int, ModelConfig]) -> list[tuple[ModelVersion, ModelConfig]]:
    """The models with these configurations, or else with their newest."""
    chosen = []
    for ref in refs:
        model = tx.first(ModelVersion, version=ref.version)
        if model is None:
            raise _gone(ref)
        chosen.append((model, configs.get(model.id) or newest_config(tx, model.id)))
    return chosen


def _gone(ref: ModelRef) -> DomainError:
    return failed_precondition(f"model {ref.name} version {ref.version} is gone; upload it and make a new version")


def _configs(tx: Tx, config_ids: tuple[int, ...]) -> dict[int, ModelConfig]:
    found = tx.find(ModelConfig, id=config_ids) if config_ids else []
    return {config.model_version_id: config for config in found}


def _signature(model: ModelVersion) -> Signature:
    if model.status in (ModelStatus.PENDING, ModelStatus.PREPARING):
        raise failed_precondition(f"model {model.name} is still being made ready; wait until its status is ready")
    if model.signature is None:
        why = model.error_summary or "only ONNX models are served"
        raise failed_precondition(f"model {model.name} has no runtime here: {why}")
    return Signature.from_json(model.signature)


def _new(tx: Tx, version: PipelineVersion, command: Deploy, models: list[dict[str, Any]], plan: Plan) -> Deployment:
    return Deployment(
        id=0,
        workspace_id=version.workspace_id,
        pipeline_id=version.pipeline_id,
        pipeline_version_id=version.id,
        name=command.name,
        state=DeploymentState.STARTING,
        error=None,
        revision=1,
        models=models,
        plan=plan,
        engine_config=command.engine_config or {},
        created_at=tx.now,
        updated_at=tx.now,
    )


def _redeployed(
    tx: Tx, old: Deployment, version: PipelineVersion, command: Deploy, models: list[dict[str, Any]], plan: Plan
) -> Deployment:
    return replace(
        old,
        name=command.name,
        pipeline_version_id=version.id,
        state=move(old.state, DeploymentState.STARTING),
        error=None,
        revision=old.revision + 1,
        models=models,
        plan=plan,
        engine_config=command.engine_config if command.engine_config is not None else old.engine_config,
        updated_at=tx.now,
    )
