"""The Open Inference Protocol beside the floor, and beside MLServer with the same network."""

import json
import os
import statistics
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tests.benchmarks import grpc_load, load
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import MODEL, ROOT, ROWS, deployed, floor, free_port, modelyard, running

from modelyard.dialects.open_inference.grpc_service.messages import message

_ROUNDS, _SECONDS, _AT_ONCE = 5, 2, 16
_JSON = {"Content-Type": "application/json"}
_PATH = "/v2/models/ccfraud/infer"
_RUNTIME = Path(__file__).with_name("mlserver_runtime.py")


def figures() -> list[Figure]:
    """One row a request, over HTTP and over gRPC, in turn with the others."""
    v2, grpc_ = [], []
    port = free_port()
    with modelyard(1, grpc_port=port) as ours, floor() as floor_url, mlserver() as (their_url, their_address):
        deployed(ours)
        headers = _JSON | ours.authorization
        token = {"authorization": ours.authorization["Authorization"]}
        for _ in range(_ROUNDS):
            v2.append(
                [
                    _checked(load.run(url, _json_body(), sent, _AT_ONCE, _SECONDS))
                    for url, sent in ((ours.url + _PATH, headers), (their_url + _PATH, _JSON))
                ]
                + [_checked(load.run(floor_url, json.dumps(ROWS[:1]).encode(), _JSON, _AT_ONCE, _SECONDS))]
            )
            grpc_.append(
                [
                    _checked(grpc_load.run(address, _grpc_body(), sent, _AT_ONCE, _SECONDS))
                    for address, sent in ((f"127.0.0.1:{port}", token), (their_address, {}))
                ]
            )
    return [
        _ratio("Open Inference Protocol, single-row JSON: share of the floor", v2, (0, 2), 0.6),
        _ratio("Open Inference Protocol, single-row JSON: against MLServer", v2, (0, 1), 5),
        _ratio("Open Inference Protocol, single-row gRPC: against MLServer", grpc_, (0, 1), 2),
    ]


@contextmanager
def mlserver() -> Iterator[tuple[str, str]]:
    """MLServer 1.7.1 with the same network in its own process, as lean as it can be: (URL, address of gRPC)."""
    python = Path(os.environ.get("MODELYARD_BENCH_MLSERVER_PYTHON", ROOT / ".cache/venvs/mlserver-1.7.1/bin/python"))
    http, grpc_, metrics = free_port(), free_port(), free_port()
    ports = {"http_port": http, "grpc_port": grpc_, "metrics_port": metrics}
    settings = ports | {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "metrics_endpoint": None}
    model = {"name": "ccfraud", "implementation": "runtime.OnnxNetwork", "parameters": {"uri": str(MODEL)}}
    with TemporaryDirectory() as folder:
        Path(folder, "settings.json").write_text(json.dumps(settings))
        Path(folder, "model-settings.json").write_text(json.dumps(model))
        Path(folder, "runtime.py").write_text(_RUNTIME.read_text())
        url = f"http://127.0.0.1:{http}"
        with running([str(python.with_name("mlserver")), "start", folder], dict(os.environ), f"{url}/v2/health/ready"):
            urllib.request.urlopen(urllib.request.Request(url + _PATH, _json_body(), _JSON)).close()
            yield url, f"127.0.0.1:{grpc_}"


def _json_body() -> bytes:
    row = ROWS[0]["tensor"]
    return json.dumps({"inputs": [{"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": row}]}).encode()


def _grpc_body() -> bytes:
    request = message("ModelInferRequest")(model_name="ccfraud")
    request.inputs.add(name="tensor", datatype="FP32", shape=[1, 29])
    request.raw_input_contents.append(np.array(ROWS[0]["tensor"], dtype="<f4").tobytes())
    body: bytes = request.SerializeToString()
    return body


def _checked(found: load.Load) -> load.Load:
    if found.failures:
        raise RuntimeError("requests failed")
    return found


def _ratio(what: str, rounds: list[list[load.Load]], of: tuple[int, int], goal: float) -> Figure:
    ours, other = ([each[place].rps for each in rounds] for place in of)
    ratio = statistics.median(a / b for a, b in zip(ours, other, strict=True))
    shown = f"{ratio:.2f} ({statistics.median(ours):,.0f} of {statistics.median(other):,.0f} requests/s)"
    return Figure(what, shown, f">= {goal:.2f}", ratio >= goal)
