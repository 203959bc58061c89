"""Pickles, plain or as joblib wrote them. Reading one runs whatever code it names."""

import pickle
from pathlib import Path
from typing import Any

from modelyard_runtime.model import Unloadable


def read(path: Path) -> Any:
    """The object; packages that it needs and that are missing are named."""
    try:
        return _read(path)
    except ModuleNotFoundError as error:
        message = f"The pickle needs the package {error.name!r}; name it in the requirements."
        raise Unloadable(message) from error
    except (pickle.UnpicklingError, EOFError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise Unloadable(f"The file is no pickle that can be read: {error}.") from error


def _read(path: Path) -> Any:
    try:
        import joblib  # noqa: PLC0415  # not every environment holds it
    except ImportError:
        with path.open("rb") as file:
            return pickle.load(file)
    return joblib.load(path)
