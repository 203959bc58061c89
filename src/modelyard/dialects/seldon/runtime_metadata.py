"""Runtime metadata: which deployments serve a model, joined with what is said of it."""

from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.catalogue.model_metadata import metadata_of
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Form
from modelyard.core.serving.runtime_metadata import RuntimeEntry, runtime_entries
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.dialects.seldon.masks import read_mask
from modelyard.dialects.seldon.metadata_bodies import shown as shown_metadata
from modelyard.dialects.seldon.paging import page_of
from modelyard.web.call import Call

_FILTERS = {
    "ModelURI": "modelUri",
    "DeploymentUID": "deploymentKubernetesUid",
    "DeploymentName": "deploymentName",
    "DeploymentNamespace": "deploymentNamespace",
    "DeploymentStatus": "deploymentStatus",
    "PredictorName": "predictorName",
    "NodeName": "nodeName",
    "deploymentType": "deploymentType",
}
_ENUMS = {
    "DeploymentStatus": ("Running", "Stopped", "Unknown"),
    "deploymentType": ("UndefinedDeploymentType", "SeldonDeployment", "SeldonModel", "KnativeDetector"),
}
_UNSAID = ("", "UndefinedDeploymentType")
_TYPES = {Form.PREDICTORS: "SeldonDeployment", Form.MODEL: "SeldonModel"}
_FIELDS = (
    *("modelUri", "deploymentName", "deploymentNamespace", "deploymentKubernetesUid", "predictorName", "nodeName"),
    *("deploymentStatus", "deploymentType", "traffic", "shadow", "creationTime", "model", "explainer", "replicas"),
)


@seldon.get(f"{BASE}/model/metadata/runtime", Permission.PIPELINE_READ)
async def read_runtime_metadata(call: Call) -> Response:
    """Deployments by the models they serve, page by page."""
    asked = call.request.query_params
    wanted, mask, page = _filter(asked), read_mask(asked.get("listMask", ""), _FIELDS), page_of(asked)
    found = await call.services.store.read(_joined, call.actor)
    fitting = [entry for entry in found if all(entry[field] == value for field, value in wanted.items())]
    chosen = fitting[page.after : page.after + page.size + 1]
    token = str(page.after + page.size) if len(chosen) > page.size else ""
    return json({"runtimeMetadata": [mask(entry) for entry in chosen[: page.size]], "nextPageToken": token})


def _filter(asked: QueryParams) -> dict[str, str]:
    for name, known in _ENUMS.items():
        if asked.get(name) and asked[name] not in known:
            raise invalid(f"{name} {asked[name][:40]!r} is unknown; use one of {', '.join(known)}", field=name)
    return {field: asked[name] for name, field in _FILTERS.items() if asked.get(name, "") not in _UNSAID}


def _joined(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    entries = runtime_entries(tx, actor)
    said = metadata_of(tx, actor, {entry.model.uri for entry in entries})
    return [_shown(entry, said.get(entry.model.uri)) for entry in entries]


def _shown(entry: RuntimeEntry, metadata: ModelMetadata | None) -> dict[str, Any]:
    shown = {
        "modelUri": entry.model.uri,
        "deploymentName": entry.name,
        "deploymentNamespace": entry.namespace,
        "deploymentKubernetesUid": entry.uid,
        "predictorName": entry.model.predictor,
        "nodeName": entry.model.node,
        "deploymentStatus": entry.state,
        "deploymentType": _TYPES[Form(entry.form)],
        "traffic": str(entry.model.traffic),
        "shadow": entry.model.shadow,
        "creationTime": timestamp(entry.created_at),
        "explainer": entry.model.explainer,
        "replicas": str(entry.replicas),
    }
    return shown if metadata is None else {**shown, "model": shown_metadata(metadata)}
