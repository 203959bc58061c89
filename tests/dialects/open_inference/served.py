"""A server with deployments of all kinds of tensors."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import requests
from onnx import TensorProto, helper

from dialects.wallaroo import deploying
from running import RunningServer, StartServer
from wire import Caller, administrator

TYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}
FRAUD = [0.5] * 29


@dataclass(frozen=True)
class Served:
    """The server, an administrator of it, and the slug of the workspace that everything is in."""

    server: RunningServer
    caller: Caller
    workspace_id: int
    namespace: str
    grpc_port: int

    def infer(self, model: str, body: Any, **request: Any) -> requests.Response:
        """POST an inference request; ``body`` is JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(f"/v2/models/{model}/infer", data, **request)

    def post(self, path: str, data: bytes, **request: Any) -> requests.Response:
        """POST bytes as the administrator."""
        return self.caller.call("POST", path, data=data, **request)


def serve(start: StartServer) -> Served:
    """``ccfraud`` [N, 29] to [N, 1], and ``every``: a pair of columns of each datatype, given back as they came."""
    port = free_port()
    server = start(grpc_port=port)
    caller = administrator(server)
    workspace_id = deploying.workspace(caller)
    deployed(caller, workspace_id, deploying.MODELS / "ccfraud.onnx", "ccfraud")
    with TemporaryDirectory() as folder:
        path = Path(folder, "every.onnx")
        path.write_bytes(every_type().SerializeToString())
        deployed(caller, workspace_id, path, "every")
    return Served(server, caller, workspace_id, slug(caller, workspace_id), port)


def deployed(caller: Caller, workspace_id: int, path: Path, name: str) -> str:
    """A running deployment of one model; its namespace."""
    namespace = deploying.deploy(caller, made(caller, workspace_id, path, name), name)
    deploying.wait(caller, namespace, "Running")
    return namespace


def made(caller: Caller, workspace_id: int, path: Path, name: str) -> dict[str, Any]:
    """A pipeline of one model, not deployed."""
    model = deploying.upload(caller, workspace_id, str(path), name)
    return deploying.pipeline(caller, workspace_id, model, name=name)


def slug(caller: Caller, workspace_id: int) -> str:
    """The workspace's name in URLs."""
    spaces = caller.call("GET", "/seldon-deploy/api/v1alpha1/cluster").json()["Namespaces"]
    return next(str(space["name"]) for space in spaces if space["uid"] == str(workspace_id))


def every_type() -> onnx.ModelProto:
    """One tensor [N, 2] of each datatype, by its name in small letters, and out again as ``same_…``."""
    nodes, inputs, outputs = [], [], []
    for name, kind in TYPES.items():
        small = name.lower()
        inputs.append(helper.make_tensor_value_info(small, kind, ["n", 2]))
        outputs.append(helper.make_tensor_value_info(f"same_{small}", kind, ["n", 2]))
        nodes.append(helper.make_node("Identity", [small], [f"same_{small}"]))
    graph = helper.make_graph(nodes, "every", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def tensor(name: str, shape: list[int], datatype: str, data: Any, **more: Any) -> dict[str, Any]:
    """A tensor of a request."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, **more}


def fraud(**more: Any) -> dict[str, Any]:
    """A request of one row."""
    return {"inputs": [tensor("tensor", [1, 29], "FP32", FRAUD)], **more}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
