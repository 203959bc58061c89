"""A person with a browser, and python-keycloak against the server that tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_keycloak import Keycloak, running

from browser import Browser
from running import RunningServer
from wire import Person, invite

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "python-keycloak-7.1.1"


@pytest.fixture
def person(live_server: RunningServer) -> Person:
    return invite(live_server, "web")


@pytest.fixture
def browser(live_server: RunningServer) -> Browser:
    return Browser(live_server.url)


@pytest.fixture(scope="session")
def keycloak_python() -> Path:
    """``MODELYARD_TEST_KEYCLOAK_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_KEYCLOAK_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with python-keycloak at {python}: run scripts/test, which makes it, or name one "
            "in MODELYARD_TEST_KEYCLOAK_PYTHON"
        )
    return python


@pytest.fixture(scope="module")
def keycloak(keycloak_python: Path) -> Iterator[Keycloak]:
    """An interpreter with python-keycloak."""
    with running(keycloak_python) as started:
        yield started
