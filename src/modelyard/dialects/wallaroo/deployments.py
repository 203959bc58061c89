"""Deploying, undeploying, and how a deployment is."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.serving.deployments import Deploy, DeploymentStatus, deploy, get_status, undeploy
from modelyard.core.serving.entities import ModelProcess, ProcessState, Replica
from modelyard.core.serving.rollout.rollouts import told
from modelyard.core.serving.states import DeploymentState
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.web.call import Call

_STATUS = {
    DeploymentState.STARTING: "Starting",
    DeploymentState.RUNNING: "Running",
    DeploymentState.ERROR: "Error",
    DeploymentState.STOPPING: "Stopping",
}


_PHASES = {
    ProcessState.STARTING: ("Pending", "Starting"),
    ProcessState.READY: ("Running", "Running"),
    ProcessState.RESTARTING: ("Pending", "Starting"),
    ProcessState.FAILED: ("Failed", "Error"),
    ProcessState.DRAINING: ("Running", "Running"),
    ProcessState.ASLEEP: ("Succeeded", "Running"),
}
"""(the phase of a pod, its health), as Wallaroo's clients know them."""


class DeployBody(msgspec.Struct):
    """What to deploy, under which name (``deploy_id``)."""

    deploy_id: str
    engine_config: dict[str, Any] | None = None
    model_configs: list[int] | None = None
    model_ids: list[int] | None = None
    models: list[dict[str, Any]] | None = None
    pipeline_id: int | None = None
    pipeline_version: str | None = None
    pipeline_version_pk_id: int | None = None


class UndeployBody(msgspec.Struct):
    """A deployment by its own number or its pipeline's."""

    deployment_id: int | None = None
    pipeline_id: int | None = None


class StatusBody(msgspec.Struct):
    """A deployment by ``{deploy_id}-{id}``."""

    name: str


@wallaroo.post("/v1/api/pipelines/deploy", Permission.PIPELINE_DEPLOY, body=DeployBody)
async def deploy_pipeline(call: Call) -> Response:
    """Serve a pipeline version. The models are those that its steps name."""
    body = await call.json(DeployBody)
    command = Deploy(
        body.deploy_id,
        body.pipeline_id,
        body.pipeline_version_pk_id,
        body.pipeline_version,
        tuple(body.model_configs or ()),
        body.engine_config,
    )
    deployment = await call.services.store.write(deploy, call.actor, command)
    return json({"id": deployment.id})


@wallaroo.post("/v1/api/pipelines/undeploy", Permission.PIPELINE_DEPLOY, body=UndeployBody)
async def undeploy_pipeline(call: Call) -> Response:
    """Serve a pipeline no longer."""
    body = await call.json(UndeployBody)
    await call.services.store.write(
        undeploy, call.actor, deployment_id=body.deployment_id, pipeline_id=body.pipeline_id
    )
    return json({})


@wallaroo.post("/v1/api/status/get_deployment", Permission.PIPELINE_READ, body=StatusBody)
async def status(call: Call) -> Response:
    """How a deployment is, worker by worker; 404 once it is stopped."""
    body = await call.json(StatusBody)
    found = await call.services.store.read(get_status, call.actor, body.name)
    return json(_status(found))


def _status(found: DeploymentStatus) -> dict[str, Any]:
    state = DeploymentState(found.deployment.state)
    said = (found.deployment.error, told(found.deployment, found.rollout))
    return {
        "status": _STATUS[state],
        "details": [text for text in said if text],
        "engines": [_engine(found, replica) for replica in found.replicas],
        "engine_lbs": [],
        "sidekicks": [_sidekick(found, process) for process in found.processes],
        "helm": [],
    }


def _engine(found: DeploymentStatus, replica: Replica) -> dict[str, Any]:
    current = replica.revision == found.deployment.revision
    health = "Error" if replica.error else "Running" if current else "Starting"
    asleep = [_asleep(found.model(place)) for place in (replica.asleep if current else ())]
    pod: dict[str, Any] = {
        "name": replica.worker_id,
        "status": "Running" if health == "Running" else "Pending",
        "reason": replica.error,
        "details": [replica.error] if replica.error else asleep,
        "ip": None,
        "labels": {},
        "health": health,
        "required_cpu": None,
        "required_memory": None,
    }
    pipeline = {"id": found.pipeline.name, "status": health, "version": found.version.version}
    return {
        **pod,
        "info": pod,
        "pipeline_statuses": {"pipelines": [pipeline]},
        "model_statuses": {"models": [_model(model, health) for model in found.models]},
    }


def _sidekick(found: DeploymentStatus, process: ModelProcess) -> dict[str, Any]:
    """A process that a model runs in."""
    version_id = found.deployment.models[process.place]["version_id"]
    name = found.model(process.place)
    status, health = _PHASES[ProcessState(process.state)]
    output = f"last output: {process.output}" if process.output else None
    asleep = _asleep(name) if process.state == ProcessState.ASLEEP else None
    pod: dict[str, Any] = {
        "ip": None,
        "name": f"engine-sidekick-{name}-{version_id}-{process.number}",
        "status": status,
        "reason": process.error,
        "details": [text for text in (process.error, asleep, output) if text],
        "labels": {},
        "health": health,
        "required_cpu": None,
        "required_memory": None,
    }
    told = f"{process.state}, {process.restarts} restarts, {process.level or 'not started'}\n"
    return {**pod, "info": pod, "statuses": told}


def _asleep(name: str) -> str:
    return f"model {name} is asleep; the next request wakes it"


def _model(model: ModelVersion, status: str) -> dict[str, Any]:
    return {
        "model_version_id": model.id,
        "name": model.name,
        "sha": model.sha,
        "status": status,
        "version": model.version,
    }
