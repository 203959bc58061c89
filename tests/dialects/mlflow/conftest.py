"""The real MLflow, its server and its clients: they live in environments of their own, as their pins exclude ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from auth_speaking import Call, Speaker, our_client, real_client
from twins import Side, Twins

import real_clients
from mlflow_server import mlflow_server
from running import RunningServer
from wire import Person


@pytest.fixture(scope="session")
def mlflow_317_python() -> Path:
    """MLflow 3.17.2."""
    return real_clients.mlflow_python()


@pytest.fixture(scope="session")
def mlflow_312_python() -> Path:
    """MLflow 3.12.0."""
    return real_clients.client_python("MODELYARD_TEST_MLFLOW_3_12_PYTHON", "mlflow-3.12.0", "MLflow")


@pytest.fixture(scope="session")
def stock(mlflow_317_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's own server on SQLite, without sign-in."""
    folder = tmp_path_factory.mktemp("stock")
    with mlflow_server(mlflow_317_python, folder, "--artifacts-destination", str(folder / "artifacts")) as server:
        yield server.url


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
