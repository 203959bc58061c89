"""The unmodified client of MLflow 3.12.0 against our server."""

from pathlib import Path

import client_expectations as expected
import pytest

from clients import Client
from running import RunningServer
from wire import administrator

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def client(mlflow_312_python: Path, live_server: RunningServer, tmp_path: Path) -> Client:
    """MLflow in an environment of its own."""
    return Client(mlflow_312_python, live_server, tmp_path)


def test_it_tracks_with_a_password(client: Client) -> None:
    """HTTP Basic."""
    expected.tracks(client)


def test_it_tracks_with_a_token(client: Client) -> None:
    """A bearer token, which is an access token of ours."""
    token = administrator(client.server).token
    assert token
    expected.tracks(client, {"MLFLOW_TRACKING_TOKEN": token})


def test_it_keeps_files(client: Client) -> None:
    """In folders and in parts."""
    expected.keeps_files(client)


def test_it_keeps_models(client: Client) -> None:
    """Of scikit-learn and of ONNX."""
    expected.keeps_models(client)


def test_it_fails_at_once(client: Client) -> None:
    """With the codes that programs look for."""
    expected.fails_at_once(client)
