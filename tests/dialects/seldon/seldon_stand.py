"""What tests of the Seldon dialect deploy: namespaces, models and manifests."""

import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from wire import Caller

BASE = "/seldon-deploy/api/v1alpha1"
MODELS = Path(__file__).parents[3] / "examples" / "models"


def namespace(caller: Caller) -> tuple[str, int]:
    """A new namespace and the number of its workspace."""
    name = f"space-{uuid.uuid4().hex[:8]}"
    made = caller.post("/v1/api/workspaces/create", {"workspace_name": name})
    return name, made["workspace_id"]


def upload(caller: Caller, workspace_id: int, name: str, model: str | bytes = "ccfraud.onnx") -> None:
    """Put a model, or one of the examples, into the catalogue."""
    query = {"name": name, "filename": "model.onnx", "workspace_id": workspace_id, "visibility": "private"}
    data = model if isinstance(model, bytes) else (MODELS / model).read_bytes()
    answer = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=data)
    assert answer.status_code == 200, answer.text


def unit(name: str, uri: str | None = None, *children: Any, **fields: Any) -> dict[str, Any]:
    """A unit of a graph; a model of the catalogue unless ``implementation`` says otherwise."""
    body: dict[str, Any] = {"name": name, "implementation": "ONNX_SERVER", "children": list(children), **fields}
    return body if uri is None else {**body, "modelUri": uri}


def predictor(name: str, graph: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": name, "graph": graph, **fields}


def manifest(name: str, *predictors: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {"predictors": list(predictors), **spec},
    }


def collection(space: str) -> str:
    return f"{BASE}/namespaces/{space}/seldondeployments"


def create(caller: Caller, space: str, document: dict[str, Any], status: int = 200) -> Any:
    return caller.post(collection(space), document, status)


def until(caller: Caller, space: str, name: str, state: str = "Available", seconds: float = 30) -> dict[str, Any]:
    """The deployment, once it is in the state, with its newest generation observed."""
    end = time.monotonic() + seconds
    while True:
        answer = caller.call("GET", f"{collection(space)}/{name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        if found["status"]["state"] == state:
            return found
        assert time.monotonic() < end, found["status"]
        time.sleep(0.05)


def infer(
    caller: Caller, space: str, name: str, rows: list[list[float]], column: str = "tensor"
) -> list[dict[str, Any]]:
    """What the deployment answers in Wallaroo's protocol, which every deployment speaks."""
    deployment = caller.ask(
        "query($n: String!) { deployment(where: {deploy_id: {_eq: $n}}) { id deploy_id } }", n=name
    )["deployment"][-1]
    path = f"/v1/api/pipelines/infer/{deployment['deploy_id']}-{deployment['id']}/{name}"
    answer: list[dict[str, Any]] = caller.post(path, [{column: row} for row in rows])
    return answer


def expected(file: str, rows: list[list[float]]) -> list[np.ndarray[Any, Any]]:
    """What the model gives, asked directly."""
    session = ort.InferenceSession(str(MODELS / file), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.array(rows, dtype=np.float32)}
    outputs: list[np.ndarray[Any, Any]] = session.run(None, feed)
    return outputs
