"""How deployments are: what each worker holds, which models sleep, and the processes."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.jobs import place_named
from modelyard.core.serving.deployments import DeploymentStatus
from modelyard.core.serving.entities import ModelProcess, Replica
from modelyard.core.serving.rollout.rollouts import told
from modelyard.core.serving.status import Running, status_at
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call


@native.get("/api/v1/deployments/{workspace}/{pipeline}", Permission.PIPELINE_READ)
async def status(call: Call) -> Response:
    """How the deployment of a pipeline is; 404 where it is stopped. The workspace by its slug or its number."""
    store, path = call.services.store, call.request.path_params
    asked = path["workspace"], path["pipeline"], Permission.PIPELINE_READ
    place = await store.read(place_named, call.actor, *asked)
    return json(_shown(await store.read(status_at, call.actor, *place)))


def _shown(running: Running) -> dict[str, Any]:
    found, deployment = running.status, running.status.deployment
    return {
        "id": deployment.id,
        "workspace_id": deployment.workspace_id,
        "pipeline": found.pipeline.name,
        "version": found.version.version,
        "revision": deployment.revision,
        "state": deployment.state,
        "error": deployment.error,
        "rollout": told(deployment, found.rollout),
        "models": [found.model(place) for place in range(len(deployment.models))],
        "workers": [_worker(found, replica) for replica in found.replicas],
        "processes": [{"model": found.model(p.place), **_process(p)} for p in found.processes],
        "standby": [_process(process) for process in running.standby],
        "updated_at": timestamp(deployment.updated_at),
    }


def _worker(found: DeploymentStatus, replica: Replica) -> dict[str, Any]:
    is_current = replica.revision == found.deployment.revision
    return {
        "id": replica.worker_id,
        "revision": replica.revision,
        "error": replica.error,
        "asleep": [found.model(place) for place in replica.asleep] if is_current else [],
    }


def _process(process: ModelProcess) -> dict[str, Any]:
    return {
        "revision": process.revision,
        "place": process.place,
        "number": process.number,
        "state": process.state,
        "restarts": process.restarts,
        "level": process.level,
        "error": process.error,
        "output": process.output,
        "started_at": timestamp(process.started_at),
    }
