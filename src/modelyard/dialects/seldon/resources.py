"""What Kubernetes would hold of a deployment, made of the replicas that there are."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.serving.applying import Applied, get_applied
from modelyard.core.serving.entities import Form, Replica
from modelyard.dialects.seldon.dialect import json, seldon, timestamp
from modelyard.dialects.seldon.objects import ready, reason_of, state_of
from modelyard.dialects.seldon.places import SD, place_of
from modelyard.web.call import Call

_VERSIONS = {"Deployment": "apps/v1", "Service": "v1", "Pod": "v1"}
_SYNTHETIC = {"modelyard/synthetic": "true: there is no Kubernetes; pods are the server's workers"}


@seldon.get(f"{SD}/resources", Permission.PIPELINE_READ)
async def list_seldon_deployment_resources(call: Call) -> Response:
    """One component for each predictor, or the one that ``component`` names."""
    namespace, name = place_of(call)
    applied = await call.services.store.read(get_applied, call.actor, namespace, name, Form.PREDICTORS)
    wanted = call.request.query_params.get("component")
    predictors = [predictor["name"] for predictor in applied.newest.definition["document"]["spec"]["predictors"]]
    return json([_component(applied, each) for each in predictors if wanted in (None, "", each)])


def _component(applied: Applied, predictor: str) -> dict[str, Any]:
    name = f"{applied.pipeline.name}-{predictor}"
    running = len(ready(applied))
    status = {
        "replicas": len(applied.replicas),
        "readyReplicas": running,
        "availableReplicas": running,
        "conditions": [{"type": "Available", "status": str(running > 0), "message": reason_of(applied)}],
    }
    deployment = {**_named("Deployment", applied, name), "status": status}
    service = {**_named("Service", applied, name), "spec": {"type": "ClusterIP"}}
    return {
        "component": predictor,
        "deployments": {"items": [deployment]},
        "pods": {"items": [_pod(applied, name, replica) for replica in applied.replicas]},
        "services": {"items": [service]},
    }


def _pod(applied: Applied, name: str, replica: Replica) -> dict[str, Any]:
    current = replica in ready(applied)
    phase = "Running" if current else "Failed" if replica.error else "Pending"
    since = timestamp((applied.deployment or applied.pipeline).updated_at)
    status = {
        "phase": phase,
        "startTime": since,
        "message": replica.error or reason_of(applied),
        "reason": state_of(applied),
    }
    return {**_named("Pod", applied, f"{name}-{replica.worker_id}"), "status": status}


def _named(kind: str, applied: Applied, name: str) -> dict[str, Any]:
    """Its metadata at the top, where the SDK reads it, and in ``metadata``, where others do."""
    metadata = {"name": name, "namespace": applied.workspace, "annotations": _SYNTHETIC}
    return {"apiVersion": _VERSIONS[kind], "kind": kind, "metadata": metadata, **metadata}
