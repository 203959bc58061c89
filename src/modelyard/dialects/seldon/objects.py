"""From what is served to the documents of Kubernetes that clients expect."""

from typing import Any, Final

from modelyard.core.serving.applying import Applied
from modelyard.core.serving.entities import Replica
from modelyard.core.serving.states import DeploymentState
from modelyard.dialects.seldon.dialect import timestamp

API_VERSION: Final = "machinelearning.seldon.io/v1"
SELDON_PATH: Final = "api/v1.0/predictions"
V2_PATH: Final = "v2/models/infer"

STATES = {
    DeploymentState.STARTING: "Creating",
    DeploymentState.RUNNING: "Available",
    DeploymentState.ERROR: "Failed",
    DeploymentState.STOPPING: "Creating",
    DeploymentState.STOPPED: "Failed",
}

_IGNORED_OF_PREDICTOR = ("engineResources", "svcOrchSpec", "ssl", "progressDeadlineSeconds", "explainer")
_IGNORED_OF_PODS = ("hpaSpec", "kedaSpec", "pdbSpec", "replicas", "metadata")


def state_of(applied: Applied) -> str:
    """``Available``, ``Creating`` or ``Failed``."""
    deployment = applied.deployment
    return STATES[DeploymentState(deployment.state)] if deployment else "Failed"


def reason_of(applied: Applied) -> str:
    """Why it is not available; empty when it is."""
    deployment = applied.deployment
    if deployment is None or deployment.state == DeploymentState.STOPPED:
        return "it is not deployed"
    if deployment.state == DeploymentState.RUNNING:
        return ""
    return deployment.error or "workers are loading it"


def ready(applied: Applied) -> list[Replica]:
    """The replicas that serve what is wanted."""
    revision = applied.deployment.revision if applied.deployment else None
    return [replica for replica in applied.replicas if replica.revision == revision and not replica.error]


def seldon_deployment(applied: Applied, public_url: str) -> dict[str, Any]:
    """A SeldonDeployment: what was sent, with the metadata and the status of now."""
    document: dict[str, Any] = applied.newest.definition["document"]
    return {
        "kind": "SeldonDeployment",
        "apiVersion": API_VERSION,
        **document,
        "metadata": metadata(applied, document),
        "status": _status(applied, document, public_url),
    }


def speaks_seldon(document: dict[str, Any]) -> bool:
    """Whether it is Seldon's protocol that a SeldonDeployment asks for, and not the Open Inference Protocol."""
    return (document["spec"].get("protocol") or "seldon") == "seldon"


def metadata(applied: Applied, document: dict[str, Any]) -> dict[str, Any]:
    """The object's metadata: what was sent, and what the server gives."""
    return {
        **(document.get("metadata") or {}),
        "name": applied.pipeline.name,
        "namespace": applied.workspace,
        "uid": applied.first.version,
        "resourceVersion": str(applied.newest.id),
        "generation": applied.versions,
        "creationTimestamp": timestamp(applied.pipeline.created_at),
    }


def conditions(applied: Applied, *kinds: str) -> list[dict[str, str]]:
    """Conditions of these kinds, true when the object is available."""
    available, since = state_of(applied) == "Available", applied.deployment or applied.pipeline
    condition = {"status": "True" if available else "False", "lastTransitionTime": timestamp(since.updated_at)}
    if not available:
        condition |= {"reason": state_of(applied), "message": reason_of(applied)}
    return [{"type": kind, **condition} for kind in kinds]


def _status(applied: Applied, document: dict[str, Any], public_url: str) -> dict[str, Any]:
    found = [*conditions(applied, "Ready", "DeploymentsReady", "ServicesReady")]
    ignored = ignored_fields(document)
    if ignored:
        message = f"kept, without effect here: {', '.join(ignored)}"
        found.append({"type": "FieldsIgnored", "status": "True", "reason": "NoKubernetes", "message": message})
    running, wanted = len(ready(applied)), len(applied.replicas)
    name = applied.pipeline.name
    path = SELDON_PATH if speaks_seldon(document) else V2_PATH
    url = f"{public_url}/seldon/{applied.workspace}/{name}/{path}"
    predictors = [predictor["name"] for predictor in document["spec"]["predictors"]]
    return {
        "state": state_of(applied),
        "description": reason_of(applied),
        "replicas": running,
        "observedGeneration": applied.versions,
        "address": {"url": url},
        "conditions": found,
        "deploymentStatus": {
            f"{name}-{each}": {
                "name": f"{name}-{each}",
                "availableReplicas": running,
                "replicas": wanted,
                "status": state_of(applied),
                "description": reason_of(applied),
            }
            for each in predictors
        },
        "serviceStatus": {
            f"{name}-{each}": {"svcName": f"{name}-{each}", "httpEndpoint": url, "grpcEndpoint": ""}
            for each in predictors
        },
    }


def ignored_fields(document: dict[str, Any]) -> list[str]:
    """The fields that mean something to Kubernetes alone."""
    found = []
    for at, predictor in enumerate(document["spec"]["predictors"]):
        place = f"spec.predictors[{at}]"
        found += [f"{place}.{field}" for field in _IGNORED_OF_PREDICTOR if predictor.get(field)]
        for number, pods in enumerate(predictor.get("componentSpecs") or []):
            found += [f"{place}.componentSpecs[{number}].{field}" for field in _IGNORED_OF_PODS if pods.get(field)]
            spec = pods.get("spec") or {}
            found += [f"{place}.componentSpecs[{number}].spec.{field}" for field in spec if field != "containers"]
    return found
