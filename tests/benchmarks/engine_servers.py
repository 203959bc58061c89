"""An estimator of scikit-learn behind three servers: ours, MLServer, and one that is written by hand."""

import io
import json
import os
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
import psutil
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from tests.benchmarks.servers import ROOT, Server, free_port, running

COLUMNS = 20
ROW = [round(0.1 * at, 1) for at in range(COLUMNS)]
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A server beside ours: where it takes requests, and its process id."""

    url: str
    pid: int

    def tree(self) -> list[psutil.Process]:
        """It and everything below it."""
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]


def estimator(seed: int = 0) -> bytes:
    """A logistic regression, as joblib writes it."""
    return _fitted(LogisticRegression(), seed)


def forest() -> bytes:
    """A hundred trees, which take some milliseconds for a row."""
    return _fitted(RandomForestClassifier(100), 0)


def _fitted(model: Any, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    rows, file = random.normal(size=(500, COLUMNS)), io.BytesIO()
    joblib.dump(model.fit(rows, rows @ random.normal(size=COLUMNS) > 0), file)
    return file.getvalue()


def uploaded(server: Server, name: str, model: bytes, *, convert: bool) -> dict[str, Any]:
    """The version, once it is ready: what a step names."""
    conversion = {"framework": "sklearn", "requirements": [], "options": {} if convert else {"convert": False}}
    metadata = {"name": name, "workspace_id": 1, "visibility": "private", "conversion": conversion}
    _multipart(server, "/v1/api/models/upload_and_convert", metadata, model)
    while (found := _get(server, f"/api/v1/models/1/{name}/versions/latest"))["status"] != "ready":
        if found["status"] == "error":
            raise RuntimeError(found["error"])
        time.sleep(0.2)
    (taken,) = found["signature"]["inputs"]
    return {"name": name, "version": found["version"], "sha": found["file"]["sha256"], "input": taken["name"]}


def deploy(server: Server, name: str, model: dict[str, Any]) -> float:
    """Deploy the version under this name, or replace what is deployed; the seconds until it serves."""
    step = {"ModelInference": {"models": [{part: model[part] for part in ("name", "version", "sha")}]}}
    body = {"pipeline_id": name, "workspace_id": 1, "definition": {"id": name, "steps": [step]}}
    pipeline = server.post("/v1/api/pipelines/create", body)
    began = time.perf_counter()
    wanted = {"deploy_id": name, "pipeline_version_pk_id": pipeline["pipeline_variant_pk_id"]}
    namespace = f"{name}-{server.post('/v1/api/pipelines/deploy', wanted)['id']}"
    while server.post("/v1/api/status/get_deployment", {"name": namespace})["status"] != "Running":
        time.sleep(0.02)
    return time.perf_counter() - began


def v2_body(model_input: str) -> bytes:
    """One row in the Open Inference Protocol."""
    given = {"name": model_input, "shape": [1, COLUMNS], "datatype": "FP64", "data": ROW}
    return json.dumps({"inputs": [given]}).encode()


@contextmanager
def mlserver(model: bytes) -> Iterator[Peer]:
    """MLServer 1.7.1 with its own runtime for scikit-learn, in its own process, as lean as it can be."""
    python = _python("MODELYARD_BENCH_MLSERVER_SKLEARN_PYTHON", "mlserver-sklearn-1.7.1")
    http, grpc_, metrics = free_port(), free_port(), free_port()
    ports = {"http_port": http, "grpc_port": grpc_, "metrics_port": metrics}
    settings = ports | {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "metrics_endpoint": None}
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.joblib")
        file.write_bytes(model)
        named = {"name": "peer", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": str(file)}}
        Path(folder, "settings.json").write_text(json.dumps(settings))
        Path(folder, "model-settings.json").write_text(json.dumps(named))
        base = f"http://127.0.0.1:{http}"
        command = [str(python.with_name("mlserver")), "start", folder]
        with running(command, dict(os.environ), f"{base}/v2/health/ready") as process:
            yield Peer(f"{base}/v2/models/peer/infer", process.pid)


@contextmanager
def by_hand(model: bytes) -> Iterator[Peer]:
    """``fastapi_model.py`` behind uvicorn, one process, without a log of its accesses."""
    python, port = _python("MODELYARD_BENCH_FASTAPI_PYTHON", "fastapi"), free_port()
    command = [str(python), "-m", "uvicorn", "fastapi_model:app", "--port", str(port), "--no-access-log"]
    command += ["--app-dir", str(Path(__file__).parent), "--log-level", "error"]
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.joblib")
        file.write_bytes(model)
        with running(command, {**os.environ, "BENCH_MODEL": str(file)}, f"http://127.0.0.1:{port}/") as process:
            yield Peer(f"http://127.0.0.1:{port}/predict", process.pid)


def _python(variable: str, environment: str) -> Path:
    return Path(os.environ.get(variable, ROOT / ".cache" / "venvs" / environment / "bin" / "python"))


def _get(server: Server, path: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(server.url + path, headers=server.authorization)) as answer:
        return json.load(answer)


def _multipart(server: Server, path: str, metadata: dict[str, Any], file: bytes) -> None:
    boundary = uuid.uuid4().hex
    parts = [
        ('name="metadata"', "application/json", json.dumps(metadata).encode()),
        ('name="file"; filename="model.joblib"', "application/octet-stream", file),
    ]
    heads = [f"Content-Disposition: form-data; {name}\r\nContent-Type: {kind}\r\n\r\n" for name, kind, _ in parts]
    body = b"".join(
        b"--%b\r\n%b%b\r\n" % (boundary.encode(), head.encode(), part[2])
        for head, part in zip(heads, parts, strict=True)
    )
    headers = {**server.authorization, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    whole = body + b"--%b--\r\n" % boundary.encode()
    urllib.request.urlopen(urllib.request.Request(server.url + path, whole, headers)).close()
