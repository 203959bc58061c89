"""MLflow's own server, in an environment of its own, on SQLite."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from running import environment

_START_SECONDS, _END_SECONDS = 120, 30


@dataclass(frozen=True)
class MlflowServer:
    """Where it is, and who its administrator is where people sign in."""

    url: str
    admin_username: str = ""
    admin_password: str = ""


@contextmanager
def mlflow_server(
    python: Path, folder: Path, *options: str, admin_password: str = "", **variables: str
) -> Iterator[MlflowServer]:
    """Started on a free port, ended afterwards; with a password people must sign in."""
    port = _free_port()
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", *options]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", **variables}
    if admin_password:
        command += ["--app-name", "basic-auth"]
        settings |= _signing_in(folder, admin_password)
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment(**settings), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", output)
        yield MlflowServer(f"http://127.0.0.1:{port}", "admin", admin_password)
    finally:
        process.terminate()
        process.wait(_END_SECONDS)


def _signing_in(folder: Path, password: str) -> dict[str, str]:
    config = folder / "auth.ini"
    config.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder / 'auth.db'}\n"
        f"admin_username = admin\nadmin_password = {password}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    return {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests alone"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    pytest.fail(f"MLflow's own server did not become ready:\n{output.read_text()}")
