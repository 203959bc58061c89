"""Interpreters of real clients, which live in environments of their own, as their pins exclude ours."""

import os
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[1] / ".cache"
_VENVS = _CACHE / "venvs"
FONTS = {"MPLCONFIGDIR": str(_CACHE / "matplotlib")}
"""For clients with a home folder of their own: Matplotlib, which they import, lists all fonts where no list is kept."""


def client_python(variable: str, venv: str, client: str) -> Path:
    """The interpreter that the variable names, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get(variable, _VENVS / venv / "bin" / "python"))
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with {client} at {python}: run scripts/test, which makes it, or name one in "
            f"{variable}"
        )
    return python


def wallaroo_python() -> Path:
    """The Wallaroo SDK's."""
    return client_python("MODELYARD_TEST_WALLAROO_PYTHON", "wallaroo-2026.1.3", "the Wallaroo SDK")


def triton_python() -> Path:
    """tritonclient's."""
    return client_python("MODELYARD_TEST_TRITON_PYTHON", "tritonclient-2.73.0", "tritonclient")


def mlflow_python() -> Path:
    """MLflow's."""
    return client_python("MODELYARD_TEST_MLFLOW_PYTHON", "mlflow-3.17.2", "MLflow")
