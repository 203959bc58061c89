"""From an example model to a running deployment, by the calls of the public API."""

import time
import uuid
from pathlib import Path
from typing import Any

from wire import Caller

MODELS = Path(__file__).parents[3] / "examples" / "models"


def workspace(caller: Caller) -> int:
    """A new workspace of the caller."""
    name = f"w-{uuid.uuid4().hex[:8]}"
    return int(caller.post("/v1/api/workspaces/create", {"workspace_name": name})["workspace_id"])


def upload(caller: Caller, workspace_id: int, file: str = "ccfraud.onnx", name: str = "model") -> dict[str, str]:
    """A new version of the model; how steps name it."""
    query = {"name": name, "filename": Path(file).name, "workspace_id": workspace_id, "visibility": "private"}
    data = (MODELS / file).read_bytes()
    answer = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=data)
    assert answer.status_code == 200, answer.text
    version = answer.json()["insert_models"]["returning"][0]["models"][0]["id"]
    shown = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version})
    info = shown["model_version"]["model_version"]["file_info"]
    return {"name": name, "version": info["version"], "sha": info["sha"]}


def pipeline(caller: Caller, workspace_id: int, *models: dict[str, str], name: str = "fraud") -> dict[str, Any]:
    """A new version of the pipeline with one step a model."""
    steps = [{"ModelInference": {"models": [model]}} for model in models]
    definition = {"id": name, "steps": steps}
    body = {"pipeline_id": name, "workspace_id": workspace_id, "definition": definition}
    made: dict[str, Any] = caller.post("/v1/api/pipelines/create", body)
    return made


def deploy(caller: Caller, made: dict[str, Any], name: str = "fraud") -> str:
    """Ask for the deployment; its namespace."""
    body = {"deploy_id": name, "pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
    return f"{name}-{caller.post('/v1/api/pipelines/deploy', body)['id']}"


def status(caller: Caller, namespace: str) -> str:
    """``Running`` and so on; ``gone`` once it is stopped."""
    answer = caller.call("POST", "/v1/api/status/get_deployment", json={"name": namespace})
    return "gone" if answer.status_code == 404 else str(answer.json()["status"])


def wait(caller: Caller, namespace: str, wanted: str, seconds: float = 30) -> None:
    """Until the deployment is as wanted."""
    deadline = time.monotonic() + seconds
    while (found := status(caller, namespace)) != wanted:
        assert time.monotonic() < deadline, f"{namespace} is {found}, not {wanted}"
        time.sleep(0.05)


def running(caller: Caller, workspace_id: int, *files: str) -> str:
    """A running deployment of these models one after another; its namespace."""
    models = [upload(caller, workspace_id, file, file.partition(".")[0].replace("_", "-")) for file in files]
    namespace = deploy(caller, pipeline(caller, workspace_id, *models))
    wait(caller, namespace, "Running")
    return namespace


def path(namespace: str) -> str:
    """Where the deployment answers."""
    return f"/v1/api/pipelines/infer/{namespace}/{namespace.rpartition('-')[0]}"
