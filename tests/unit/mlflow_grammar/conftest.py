"""The real MLflow as the oracle of its grammar: it lives in an environment of its own, as its pins exclude ours."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import MLflow

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "mlflow-3.17.2"


@pytest.fixture(scope="session")
def mlflow_python() -> Path:
    """``MODELYARD_TEST_MLFLOW_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_MLFLOW_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with MLflow at {python}: run scripts/test, which makes it, or name one in "
            "MODELYARD_TEST_MLFLOW_PYTHON"
        )
    return python


@pytest.fixture(scope="session")
def mlflow(mlflow_python: Path) -> Iterator[MLflow]:
    """One process with it, for all tests."""
    with MLflow(mlflow_python) as process:
        yield process
