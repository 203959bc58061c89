"""A server that serves what the tests of this folder ask, and the interpreter of a real client."""

import os
from pathlib import Path

import pytest
from served import Served, serve

from running import StartServer

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "tritonclient-2.73.0"


@pytest.fixture(scope="session")
def served(start_session_server: StartServer) -> Served:
    """A server with deployments of all kinds of tensors; tests stop nothing of it."""
    return serve(start_session_server)


@pytest.fixture(scope="session")
def triton_python() -> Path:
    """``MODELYARD_TEST_TRITON_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_TRITON_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with tritonclient at {python}: run scripts/test, which makes it, or name one in "
            "MODELYARD_TEST_TRITON_PYTHON"
        )
    return python
