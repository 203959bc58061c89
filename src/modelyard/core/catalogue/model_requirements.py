"""What the files beside a model say that it needs: ``requirements.txt``, MLflow's ``python_env.yaml``, ``conda.yaml``.

MLflow's formats: https://mlflow.org/docs/latest/ml/model/#environment-variables
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.core.catalogue.plain_yaml import read_plain_yaml
from modelyard.core.catalogue.requirements import check_requirements
from modelyard.core.kernel.errors import DomainError, invalid

REQUIREMENTS, PYTHON_ENV, CONDA = "requirements.txt", "python_env.yaml", "conda.yaml"
FILES = (PYTHON_ENV, CONDA, REQUIREMENTS)
"""The files that are read; the first of those that are there counts."""
FILE_MAX = 256 * 1024
"""Bytes of each."""

_PYTHON = re.compile(r"(?:python\s*={1,3}\s*)?(3\.\d{1,2})(?:\.\d+)*(?:\.\*)?")
_CONDA_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_INCLUDED = re.compile(rf"-r\s*{re.escape(REQUIREMENTS)}")
_NOT_NEEDED = {"pip", "python", "setuptools", "wheel"}


@dataclass(frozen=True, slots=True)
class ModelRequirements:
    """``requirements`` as of ``check_requirements``; ``python`` like ``3.11``, None where nothing is said of it.

    ``not_honoured`` names packages of conda, which are not installed: the model may or may not do without them.
    """

    requirements: list[str]
    python: str | None = None
    not_honoured: tuple[str, ...] = ()


def read_requirements(content: bytes, name: str = REQUIREMENTS) -> list[str]:
    """The requirements in a requirements file; ``INVALID``, which names the file, for what ``check_requirements``
    refuses."""
    return _checked(_text(content, name).split("\n"), name)


def read_model_requirements(files: Mapping[str, bytes]) -> ModelRequirements | None:
    """By the contents of those ``FILES`` that are there; None when there is none of them."""
    name = next((each for each in FILES if each in files), None)
    if name is None:
        return None
    if name == REQUIREMENTS:
        return ModelRequirements(read_requirements(files[name]))
    content = _of_size(files[name], name)
    document = read_plain_yaml(content, name)
    entries = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise invalid(f"{name} holds no list of dependencies")
    if name == CONDA:
        return _of_conda(entries, files)
    return ModelRequirements(_of_pip(entries, name, files), _python(document.get("python")))


def _of_conda(entries: list[Any], files: Mapping[str, bytes]) -> ModelRequirements:
    pip = [line for entry in entries if isinstance(entry, dict) for line in _pip_entries(entry)]
    packages = [str(entry).strip() for entry in entries if not isinstance(entry, dict)]
    names = {_conda_name(package): package for package in packages}
    ignored = tuple(sorted(name for name in names if name not in _NOT_NEEDED))
    return ModelRequirements(_of_pip(pip, CONDA, files), _python(names.get("python")), ignored)


def _pip_entries(entry: dict[str, Any]) -> list[Any]:
    lines = entry.get("pip")
    if set(entry) != {"pip"} or not isinstance(lines, list):
        raise invalid(f"{CONDA} holds dependencies that are neither packages nor a list for pip")
    return lines


def _conda_name(package: str) -> str:
    name = re.split(r"[\s=<>!~\[]", package, maxsplit=1)[0]
    if not _CONDA_NAME.fullmatch(name):
        raise invalid(f"{CONDA} names {package[:80]!r}, which is no package")
    return name.rpartition(":")[2].lower()


def _of_pip(entries: list[Any], name: str, files: Mapping[str, bytes]) -> list[str]:
    """MLflow refers to the requirements file beside it; that one reference is followed."""
    if not all(isinstance(entry, str) for entry in entries):
        raise invalid(f"{name} holds dependencies that are no texts")
    own = [entry for entry in entries if not _INCLUDED.fullmatch(entry.strip())]
    included = read_requirements(_included(files, name)) if len(own) < len(entries) else []
    return sorted({*_checked(own, name), *included})


def _included(files: Mapping[str, bytes], name: str) -> bytes:
    if REQUIREMENTS not in files:
        raise invalid(f"{name} refers to {REQUIREMENTS}, which is not there")
    return files[REQUIREMENTS]


def _python(value: object) -> str | None:
    found = _PYTHON.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else None


def _checked(lines: list[str], name: str) -> list[str]:
    try:
        return check_requirements(lines)
    except DomainError as error:
        raise invalid(f"{name}: {error.message}", **error.details) from error


def _text(content: bytes, name: str) -> str:
    try:
        return _of_size(content, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid(f"{name} is not UTF-8 text") from error


def _of_size(content: bytes, name: str) -> bytes:
    if len(content) > FILE_MAX:
        raise invalid(f"{name} has {len(content)} bytes; at most {FILE_MAX} are read")
    return content
