"""The machine: interpreter, libraries, room on the disk, limits, and what it has to lock code in."""

import importlib
import platform
import resource
import shutil
import sys
from collections.abc import Iterator

from modelyard.doctor.check import Check, fail, ok, warn
from modelyard.engines.sandbox import Level, available_level, why_not_higher
from modelyard.settings import Settings

_LIBRARIES = (
    *("argon2", "httptools", "joserfc", "msgspec", "numpy", "onnxruntime"),
    *("orjson", "pyarrow", "sqlalchemy", "starlette", "uvicorn", "uvloop"),
)

_GIB = 2**30
_OPEN_FILES = 4096


def check_python(_: Settings) -> Iterator[Check]:
    """Which interpreter runs; one that is too old would not have come this far."""
    yield ok("python", f"{platform.python_version()} at {sys.executable}")


def check_libraries(settings: Settings) -> Iterator[Check]:
    """Whether what the server imports can be imported: compiled libraries may not fit the machine."""
    driver = ("psycopg",) if (settings.database or "").startswith("postgresql") else ()
    broken = {name: problem for name in (*_LIBRARIES, *driver) if (problem := _problem_of(name))}
    for name, problem in broken.items():
        extra = "'modelyard[postgresql]'" if name == "psycopg" else "modelyard"
        yield fail("libraries", f"{name} cannot be imported: {problem}", f"Install again: pip install {extra}")
    if not broken:
        version = importlib.import_module("onnxruntime").__version__
        yield ok("libraries", f"all can be imported; onnxruntime {version}")


def _problem_of(library: str) -> str | None:
    try:
        importlib.import_module(library)
    except Exception as error:  # noqa: BLE001 - a library may fail in any way while it is imported
        return f"{type(error).__name__}: {error}"
    return None


def check_disk(settings: Settings) -> Iterator[Check]:
    """Room for models and inference logs."""
    folder = next(path for path in (settings.data.absolute(), *settings.data.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / _GIB:.1f} GiB free at {folder}"
    if free < _GIB / 4:
        yield fail("disk", detail, "Free some room: uploads and inference logs are written here.")
    elif free < 5 * _GIB:
        yield warn("disk", detail, "Free some room: models and inference logs grow here.")
    else:
        yield ok("disk", detail)


def check_open_files(_: Settings) -> Iterator[Check]:
    """Each connection of a client is an open file of a worker."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = f"each process may open {allowed} files"
    if allowed < _OPEN_FILES and allowed != resource.RLIM_INFINITY:
        yield warn("open files", detail, f"Allow more for many clients: ulimit -n {min(most, 65_536)}")
    else:
        yield ok("open files", detail)


def check_sandbox(settings: Settings) -> Iterator[Check]:
    """How far the processes of models can be locked in, tried for real."""
    level, least = available_level(), Level.named(settings.sandbox_minimum)
    detail = f"level {level.word}; the least allowed is {settings.sandbox_minimum}"
    reasons = why_not_higher()
    if level < least:
        advice = f"Models with code are refused. {reasons}. See docs/explanation/sandbox.md"
        yield warn("sandbox", detail, advice)
    else:
        yield ok("sandbox", f"{detail}. Not higher: {reasons}" if reasons else detail)
