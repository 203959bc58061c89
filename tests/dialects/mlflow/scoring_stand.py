"""MLflow's own scoring server of a model, and ours of the same model."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from running import environment

_START_SECONDS, _END_SECONDS = 120, 30
_SAVE = "import mlflow.onnx, onnx, sys; mlflow.onnx.save_model(onnx.load(sys.argv[1]), sys.argv[2])"
_SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true"}


@dataclass(frozen=True)
class Scoring:
    """Both servers by their base addresses; ours knows ``auth``."""

    stock: str
    ours: str
    auth: tuple[str, str]

    def both(self, **request: Any) -> tuple[requests.Response, requests.Response]:
        """What stock and ours answer to an invocation; keywords are those of ``requests.post``."""
        with requests.Session() as session:
            session.trust_env = False
            theirs = session.post(f"{self.stock}/invocations", timeout=60, **request)
            return theirs, session.post(f"{self.ours}/invocations", timeout=60, auth=self.auth, **request)


@contextmanager
def stock_server(python: Path, model: Path, folder: Path) -> Iterator[str]:
    """The address of MLflow's own scoring server of an ONNX model."""
    saved = folder / "model"
    settings = environment(**_SETTINGS)
    subprocess.run([python, "-c", _SAVE, model, saved], check=True, env=settings, capture_output=True, cwd=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [str(python), "-m", "mlflow", "models", "serve", "--model-uri", str(saved), "--env-manager", "local"]
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", port, "--workers", "1"],
            env=settings | {"PATH": f"{python.parent}:{settings['PATH']}"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", output)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_END_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/ping", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(f"MLflow's scoring server did not become ready:\n{output.read_text()}")
