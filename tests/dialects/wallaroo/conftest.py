"""The interpreter of the real Wallaroo SDK: it lives in an environment of its own, as its pins exclude ours."""

import os
from pathlib import Path

import pytest
from scenarios import Scenario, scenarios

from running import RunningServer
from wire import Person, invite

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "wallaroo-2026.1.3"


@pytest.fixture(scope="session")
def wallaroo_python() -> Path:
    """``MODELYARD_TEST_WALLAROO_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_WALLAROO_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with the Wallaroo SDK at {python}: run scripts/test, which makes it, or name "
            "one in MODELYARD_TEST_WALLAROO_PYTHON"
        )
    return python


@pytest.fixture
def person(live_server: RunningServer) -> Person:
    return invite(live_server, "sdk")


@pytest.fixture
def sdk(live_server: RunningServer, wallaroo_python: Path, person: Person, tmp_path: Path) -> Scenario:
    """``sdk(scenario, as_=person, **given)``: what the scenario returned. Each run has a cache folder of its own."""
    return scenarios(live_server, wallaroo_python, person, tmp_path)
