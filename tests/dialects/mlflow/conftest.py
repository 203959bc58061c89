"""The real MLflow, its server and its clients: they live in environments of their own, as their pins exclude ours."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from auth_speaking import Call, Speaker, our_client, real_client
from twins import Side, Twins

from running import RunningServer, environment
from wire import Person

_VENVS = Path(__file__).parents[3] / ".cache" / "venvs"
_START_SECONDS, _END_SECONDS = 120, 30


def _python(variable: str, venv: str) -> Path:
    """The interpreter that the variable names, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get(variable, _VENVS / venv / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with MLflow at {python}: run scripts/test, which makes it, or name one in "
            f"{variable}"
        )
    return python


@pytest.fixture(scope="session")
def mlflow_317_python() -> Path:
    """MLflow 3.17.2."""
    return _python("MODELYARD_TEST_MLFLOW_PYTHON", "mlflow-3.17.2")


@pytest.fixture(scope="session")
def mlflow_312_python() -> Path:
    """MLflow 3.12.0."""
    return _python("MODELYARD_TEST_MLFLOW_3_12_PYTHON", "mlflow-3.12.0")


@pytest.fixture(scope="session")
def stock(mlflow_317_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's own server on SQLite, without sign-in."""
    folder = tmp_path_factory.mktemp("stock")
    port = _free_port()
    command = [str(mlflow_317_python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment(**settings), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", output)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_END_SECONDS)


@pytest.fixture(scope="session")
def twins(stock: str, live_server: RunningServer) -> Iterator[Twins]:
    """MLflow's own server, and ours as its administrator."""
    with requests.Session() as theirs, requests.Session() as ours:
        theirs.trust_env = ours.trust_env = False
        ours.auth = (live_server.admin_username, live_server.admin_password)
        yield Twins(Side(stock, theirs), Side(live_server.url, ours))


@pytest.fixture(scope="session")
def mlflow_312(mlflow_312_python: Path, live_server: RunningServer) -> Iterator[Call]:
    """The clients of MLflow 3.12.0."""
    with real_client(mlflow_312_python, live_server.url) as call:
        yield call


@pytest.fixture(scope="session")
def mlflow_317(mlflow_317_python: Path, live_server: RunningServer) -> Iterator[Call]:
    """The clients of MLflow 3.17.2."""
    with real_client(mlflow_317_python, live_server.url) as call:
        yield call


@pytest.fixture
def our_auth_client(live_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Our own client of users and permissions."""
    return our_client(live_server.url, monkeypatch)


@pytest.fixture
def root(live_server: RunningServer) -> Person:
    """The administrator."""
    return Person("", live_server.admin_username, live_server.admin_password)


@pytest.fixture(params=["mlflow_312", "our_auth_client"])
def admin(request: pytest.FixtureRequest, root: Person) -> Speaker:
    """The administrator with each client that has the thirteen methods."""
    return Speaker(request.getfixturevalue(request.param), root)


@pytest.fixture
def new_admin(mlflow_317: Call, root: Person) -> Speaker:
    """The administrator with the client of unified permissions and roles."""
    return Speaker(mlflow_317, root)


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
