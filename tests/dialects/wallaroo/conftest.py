"""The interpreter of the real Wallaroo SDK: it lives in an environment of its own, as its pins exclude ours."""

from pathlib import Path

import pytest
from scenarios import Scenario, scenarios

import real_clients
from running import RunningServer
from wire import Person, invite


@pytest.fixture(scope="session")
def wallaroo_python() -> Path:
    """``MODELYARD_TEST_WALLAROO_PYTHON``, or the one that ``scripts/test`` makes."""
    return real_clients.wallaroo_python()


@pytest.fixture
def person(live_server: RunningServer) -> Person:
    return invite(live_server, "sdk")


@pytest.fixture
def sdk(live_server: RunningServer, wallaroo_python: Path, person: Person, tmp_path: Path) -> Scenario:
    """``sdk(scenario, as_=person, **given)``: what the scenario returned. Each run has a cache folder of its own."""
    return scenarios(live_server, wallaroo_python, person, tmp_path)
