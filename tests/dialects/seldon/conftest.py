"""The interpreter of the real Seldon Deploy SDK: it lives in an environment of its own, as its pins exclude ours."""

import os
from pathlib import Path

import pytest
from signing_in import Sdk

from running import RunningServer
from wire import Person, invite

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "seldon-deploy-sdk-2.4.0"


@pytest.fixture(scope="session")
def seldon_python() -> Path:
    """``MODELYARD_TEST_SELDON_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_SELDON_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with the Seldon Deploy SDK at {python}: run scripts/test, which makes it, or "
            "name one in MODELYARD_TEST_SELDON_PYTHON"
        )
    return python


@pytest.fixture
def sdk(live_server: RunningServer, seldon_python: Path, tmp_path: Path) -> Sdk:
    """The SDK at the shared server."""
    return Sdk(live_server, seldon_python, tmp_path)


@pytest.fixture
def person(live_server: RunningServer) -> Person:
    """Somebody with an account and nothing else."""
    return invite(live_server, "seldon")
