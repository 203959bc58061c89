"""The machine: interpreter, libraries, room on the disk, limits, and what it has to lock code in."""

import ctypes
import importlib
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from modelyard.doctor.check import Check, fail, ok, warn
from modelyard.settings import Settings

_LIBRARIES = (
    *("argon2", "httptools", "joserfc", "msgspec", "numpy", "onnxruntime"),
    *("orjson", "pyarrow", "sqlalchemy", "starlette", "uvicorn", "uvloop"),
)

_GIB = 2**30
_OPEN_FILES = 4096
_SYS_LANDLOCK_CREATE_RULESET = 444  # landlock_create_ruleset(2), the same number on every architecture
_LANDLOCK_CREATE_RULESET_VERSION = 1


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


def check_sandbox(_: Settings) -> Iterator[Check]:
    """What the system offers to lock a process in. For information: ONNX models need none of it."""
    found = {
        "bubblewrap": _works("bwrap", "--ro-bind", "/", "/", "true"),
        "user namespaces": _works("unshare", "--user", "true"),
        "Landlock": (abi := _landlock_abi()) > 0 and f"ABI {abi}",
    }
    yield ok("sandbox", ", ".join(f"{name}: {_word(ability)}" for name, ability in found.items()))


def _word(ability: bool | str) -> str:
    return ability if isinstance(ability, str) else "yes" if ability else "no"


def _works(program: str, *arguments: str) -> bool:
    path = shutil.which(program)
    if path is None:
        return False
    try:
        done = subprocess.run([path, *arguments], capture_output=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _landlock_abi() -> int:
    """The version of Landlock; 0 where the kernel has none."""
    if not Path("/proc/version").exists():
        return 0
    number = ctypes.c_long(_SYS_LANDLOCK_CREATE_RULESET)
    version = ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION)
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(number, None, ctypes.c_size_t(0), version)))
