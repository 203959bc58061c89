"""The servers that benchmarks compare: ours, and floors beside it."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "models" / "ccfraud.onnx"
ROWS = json.loads((ROOT / "examples" / "data" / "ccfraud_smoke.df.json").read_text())
SDK_QUERY = "dataset%5B%5D=*&dataset.exclude%5B%5D=metadata&dataset.separator=."


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, the token to call it with, its supervisor's process id, the admin's password."""

    url: str
    token: str
    pid: int
    password: str

    @property
    def authorization(self) -> dict[str, str]:
        """The header that carries the token."""
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON request."""
        return _post(self.url + path, json.dumps(body).encode(), self.authorization)

    def tree(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self.pid)
        return [supervisor, *supervisor.children(recursive=True)]


@contextmanager
def modelyard(workers: int, grpc_port: int = 0) -> Iterator[Server]:
    """Ours, with authentication, access and the durable log, as everybody gets it."""
    port, password = free_port(), secrets.token_urlsafe(16)
    with TemporaryDirectory() as folder:
        command = [
            str(Path(sys.executable).parent / "modelyard"),
            "serve",
            "--port",
            str(port),
            "--workers",
            str(workers),
            "--grpc-port",
            str(grpc_port),
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
        environ = {**kept, "MODELYARD_DATA": folder, "MODELYARD_ADMIN_PASSWORD": password}
        with running(command, environ, f"http://127.0.0.1:{port}/readyz") as process:
            yield Server(f"http://127.0.0.1:{port}", _token(port, password), process.pid, password)


@contextmanager
def floor() -> Iterator[str]:
    """The URL of the floor; see ``floor.py``."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.floor:app", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header"]
    environ = {**os.environ, "FLOOR_MODEL": str(MODEL), "PYTHONPATH": str(ROOT)}
    with running([*command, "--log-level", "error"], environ, f"http://127.0.0.1:{port}/"):
        yield f"http://127.0.0.1:{port}/"


def deployed(
    server: Server, name: str = "ccfraud", model: bytes | None = None, batching: dict[str, int] | None = None
) -> str:
    """The inference URL of the fraud network, or of another model, deployed by the public API."""
    workspace = server.post("/v1/api/workspaces/create", {"workspace_name": f"bench-{name}"})["workspace_id"]
    query = urllib.parse.urlencode({"name": name, "filename": f"{name}.onnx", "workspace_id": workspace})
    headers = {**server.authorization, "Content-Type": "application/octet-stream"}
    uploaded = _post(f"{server.url}/v1/api/models/upload_stream?{query}", model or MODEL.read_bytes(), headers)
    version = uploaded["insert_models"]["returning"][0]["models"][0]["id"]
    if batching is not None:
        config = {"model_version_id": version, "dynamic_batching_config": batching}
        server.post("/v1/api/models/insert_model_config", config)
    info = server.post("/v1/api/models/get_version_by_id", {"model_version_id": version})
    file = info["model_version"]["model_version"]["file_info"]
    step = {"ModelInference": {"models": [{"name": name, "version": file["version"], "sha": file["sha"]}]}}
    body = {"pipeline_id": name, "workspace_id": workspace, "definition": {"id": name, "steps": [step]}}
    pipeline = server.post("/v1/api/pipelines/create", body)
    wanted = {"deploy_id": name, "pipeline_version_pk_id": pipeline["pipeline_variant_pk_id"]}
    namespace = f"{name}-{server.post('/v1/api/pipelines/deploy', wanted)['id']}"
    while server.post("/v1/api/status/get_deployment", {"name": namespace})["status"] != "Running":
        time.sleep(0.05)
    return f"{server.url}/v1/api/pipelines/infer/{namespace}/{name}"


def _token(port: int, password: str) -> str:
    form = {"grant_type": "password", "client_id": "sdk-client", "username": "admin", "password": password}
    url = f"http://127.0.0.1:{port}/auth/realms/master/protocol/openid-connect/token"
    return str(_post(url, urllib.parse.urlencode(form).encode(), {})["access_token"])


def _post(url: str, body: bytes, headers: dict[str, str]) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return json.load(answer)


@contextmanager
def running(command: list[str], environ: dict[str, str], probe: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program, once something answers at ``probe``; it is ended afterwards."""
    process = subprocess.Popen(
        command,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if "mlflow" in command[0] or "mlserver" in command[0] else None,
        cwd=ROOT,
        start_new_session=True,  # schedulers may share the cores among sessions: all servers are alike in that
    )
    try:
        _wait(process, probe)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], probe: str) -> None:
    port = urllib.parse.urlsplit(probe).port
    for _ in range(2400):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    if probe.endswith(("/readyz", "/health", "/ready")):
        urllib.request.urlopen(probe).close()
    if process.poll() is not None:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
