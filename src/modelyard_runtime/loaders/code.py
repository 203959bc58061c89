"""Python code that came with a model."""

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from modelyard_runtime.model import Unloadable

CONTRACTS = Path(__file__).parents[1] / "contracts"


def importable(folder: Path) -> None:
    """Let code import what lies in the folder, and the contracts that public examples are written against."""
    for path in (str(CONTRACTS), str(folder)):
        if path not in sys.path:
            sys.path.insert(0, path)


def run(path: Path, name: str | None = None) -> ModuleType:
    """The module that this file makes; what it lacks is named."""
    name = name or path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Unloadable(f"{path.name} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        message = f"{path.name} imports {error.name!r}, which is missing; name its package in the requirements."
        raise Unloadable(message) from error
    return module


def functions(path: Path) -> set[str]:
    """The names of the functions at the top of a file, found without running it."""
    return {node.name for node in _parsed(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def imports(path: Path, package: str) -> bool:
    """Whether a file imports anything of a package, found without running it."""
    found = False
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found |= any(alias.name.split(".")[0] == package for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found |= (node.module or "").split(".")[0] == package
    return found


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise Unloadable(f"{path.name} is not valid Python: {error}.") from error
