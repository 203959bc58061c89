"""Deployments of a model that takes its time, on the event loop and beside it."""

from typing import Any

from dialects.wallaroo import deploying
from slow_onnx import slow
from wire import Caller


def deployed(  # where and how
    caller: Caller, workspace_id: int, name: str, size: int, batching: dict[str, Any] | None = None
) -> str:
    """The namespace of a running deployment of the model; with ``batching`` it runs beside the event loop."""
    query = {"name": name, "filename": "slow.onnx", "workspace_id": workspace_id, "visibility": "private"}
    answer = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=slow(size))
    number = answer.json()["insert_models"]["returning"][0]["models"][0]["id"]
    if batching is not None:
        config = {"model_version_id": number, "dynamic_batching_config": batching}
        caller.post("/v1/api/models/insert_model_config", config)
    shown = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": number})
    file = shown["model_version"]["model_version"]["file_info"]
    model = {"name": name, "version": file["version"], "sha": file["sha"]}
    namespace = deploying.deploy(caller, deploying.pipeline(caller, workspace_id, model, name=name), name)
    deploying.wait(caller, namespace, "Running")
    return namespace
