"""The interpreter of the real Seldon Deploy SDK: it lives in an environment of its own, as its pins exclude ours."""

import os
from pathlib import Path

import pytest

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
