"""Which files are taken for which framework, as far as their names and what is said of them tell."""

from collections.abc import Mapping
from typing import Any

from modelyard.core.catalogue.frameworks import FRAMEWORKS, ONNX, Framework
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid

_ONNX_SUFFIXES = (".onnx",)
_FILE_NAME_MAX = 255
_SHOWN = 80
_NOT_HERE = {
    "hugging-face-stable-diffusion-text-2-img": (
        "upload it as custom, with diffusers in its requirements and a model.py that calls it"
    ),
    "vllm": "it needs a GPU runtime that this server does not have; use hugging-face-text-generation",
    "sglang": "it needs a GPU runtime that this server does not have; use hugging-face-text-generation",
}


def framework_of(conversion: Mapping[str, Any]) -> str:
    """The framework that an upload names; ONNX where it names none."""
    return str(conversion.get("framework", ONNX))


def needs_preparation(conversion: Mapping[str, Any]) -> bool:
    """Whether a version of this framework is made ready after its upload, rather than while it is uploaded."""
    return framework_of(conversion) != ONNX


def check_framework(conversion: Mapping[str, Any]) -> None:
    """``INVALID`` for a framework whose models are not served here."""
    name = framework_of(conversion)
    if name in _NOT_HERE:
        raise invalid(f"models of the framework {name} cannot be served here: {_NOT_HERE[name]}")
    if name != ONNX and name not in FRAMEWORKS:
        known = ", ".join(sorted([ONNX, *FRAMEWORKS]))
        raise invalid(f"models of the framework {name[:_SHOWN]} cannot be served here; there are {known}")


def check_file_name(conversion: Mapping[str, Any], name: str) -> None:
    """``INVALID`` for a file name that no model of the framework has."""
    if len(name) > _FILE_NAME_MAX or not name.isprintable():
        raise invalid(f"the file name {name[:_SHOWN]!r} is not allowed: use 1 to {_FILE_NAME_MAX} printable characters")
    framework = framework_of(conversion)
    suffixes = _ONNX_SUFFIXES if framework == ONNX else FRAMEWORKS[framework].suffixes
    if not name.lower().endswith(suffixes):
        what = "an ONNX" if framework == ONNX else f"a {framework}"
        raise invalid(f"the file is named {name[:_SHOWN]!r}; {what} model's file name ends in {' or '.join(suffixes)}")


def check_isolation(framework: Framework, refusal: str | None) -> None:
    """``FAILED_PRECONDITION`` for models that bring code where code is not run; ``refusal`` says why it is not."""
    if framework.code and refusal is not None:
        raise DomainError(ErrorKind.FAILED_PRECONDITION, refusal)
