"""A server that serves what the tests of this folder ask, and the interpreter of a real client."""

from pathlib import Path

import pytest
from served import Served, serve

import real_clients
from running import StartServer


@pytest.fixture(scope="session")
def served(start_session_server: StartServer) -> Served:
    """A server with deployments of all kinds of tensors; tests stop nothing of it."""
    return serve(start_session_server)


@pytest.fixture(scope="session")
def triton_python() -> Path:
    """``MODELYARD_TEST_TRITON_PYTHON``, or the one that ``scripts/test`` makes."""
    return real_clients.triton_python()
