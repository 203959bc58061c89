"""Reads ``MLmodel``, the YAML file that says how the model in its folder was saved, and never the model itself."""

from typing import Any

from modelyard.core.catalogue.plain_yaml import read_plain_yaml
from modelyard.core.kernel.errors import invalid

MLMODEL_MAX = 256 * 1024
"""Bytes; reading YAML takes seconds for each megabyte."""
_FLAVORS_MAX, _FLAVOR_MAX = 50, 100


def flavors_of(content: bytes) -> dict[str, Any]:
    """The flavors that ``MLmodel`` declares, by name; ``INVALID`` when it is not such a file."""
    if len(content) > MLMODEL_MAX:
        raise mlmodel_too_large(len(content))
    read = read_plain_yaml(content, "MLmodel")
    flavors = read.get("flavors") if isinstance(read, dict) else None
    named = flavors if isinstance(flavors, dict) else {}
    if len(named) > _FLAVORS_MAX or any(len(name) > _FLAVOR_MAX or not name.isprintable() for name in named):
        raise invalid(
            f"MLmodel names flavors that are none: at most {_FLAVORS_MAX}, whose names print and have at most "
            f"{_FLAVOR_MAX} characters"
        )
    return named


def onnx_file(flavors: dict[str, Any]) -> str:
    """The path of the ONNX file in the folder; ``INVALID`` says which flavors there are instead."""
    onnx = flavors.get("onnx")
    if not isinstance(onnx, dict) or not isinstance(onnx.get("data"), str):
        raise invalid(
            f"a model of the flavors {', '.join(sorted(flavors)) or 'none'} cannot be served here yet: only ONNX "
            "models are. Log it with mlflow.onnx.log_model as well, and deploy that version"
        )
    return str(onnx["data"])


def mlmodel_too_large(size: int) -> Exception:
    """What is said of a file that is not even read."""
    return invalid(f"MLmodel has {size} bytes; at most {MLMODEL_MAX} are read")
