"""Makes an environment in its place, all or nothing, and takes it away."""

import contextlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.catalogue.runtimes import Environment
from modelyard.engines.environments.compiled import compile_rest, drop_compiled, share_compiled
from modelyard.engines.environments.locks import SERVER_PYTHON, canonical_lock, pins_of
from modelyard.engines.environments.manifest import MARKER, write_list
from modelyard.engines.environments.uv import Uv

_WRITING = 0o222
_ALIKE = 16
"""In so many environments is looked for modules that are compiled already."""


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """An environment on this machine.

    ``packages`` are ``name==version``. ``bytes`` counts every file in full, although environments share equal ones.
    ``used_at`` is when somebody last asked for it.
    """

    id: str
    python: str
    packages: list[str]
    bytes: int
    built_at: datetime
    used_at: datetime


def interpreter(python: str) -> str:
    """What uv is told to take for a version of Python."""
    return sys.executable if python == SERVER_PYTHON else python


def build(environment: Environment, folder: Path, uv: Uv, seconds: int, log: Callable[[str], None], lock: int) -> None:
    """Install the lock into the folder, which is complete and read-only afterwards. ``lock``: see ``Uv.run``."""
    wanted = uv.config.with_name("lock.txt")
    wanted.write_text(canonical_lock(environment.lock), encoding="utf-8")
    made = ["venv", "--relocatable", "--no-project", "--python", interpreter(environment.python), str(folder)]
    uv.run(made, seconds, lambda _: None, (lock,))  # it tells nothing but paths
    into = ["pip", "sync", str(wanted), "--python", str(folder / "bin" / "python"), "--require-hashes"]
    how = ["--allow-empty-requirements", "--link-mode", "hardlink", "--strict", *uv.packages.flags()]
    uv.run([*into, *how], seconds, log, (lock,))
    drop_compiled(folder)
    share_compiled(folder, environment.python, _latest(folder.parent, environment.python))
    compile_rest(folder, seconds, lock)
    _write_marker(environment, folder)
    write_list(folder)
    _make_read_only(folder)
    os.sync()  # what is renamed into place after this is whole, whenever the power fails


def _latest(folder: Path, python: str) -> list[Path]:
    """Environments with the same Python, those used last first."""
    found = [(each, built) for each in folder.iterdir() if (built := read_built(each)) and built.python == python]
    return [each for each, _ in sorted(found, key=lambda one: one[1].used_at, reverse=True)[:_ALIKE]]


def mark_used(place: Path) -> bool:
    """Remember that somebody wants it now; whether it is there, complete, and its interpreter, too."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(place / MARKER)
        return (place / "bin" / "python").exists()
    return False


def read_built(place: Path) -> BuiltEnvironment | None:
    """What is at the place, None when nothing complete is."""
    try:
        marker = place / MARKER
        told = json.loads(marker.read_text(encoding="utf-8"))
        used_at = datetime.fromtimestamp(marker.stat().st_mtime, UTC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    built_at = datetime.fromisoformat(told["built_at"])
    return BuiltEnvironment(place.name, told["python"], told["packages"], told["bytes"], built_at, used_at)


def remove_tree(folder: Path) -> None:
    """Remove a folder that may be read-only."""
    for path, mode in _folders(folder):
        path.chmod(mode | stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _write_marker(environment: Environment, folder: Path) -> None:
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    told = {
        "python": environment.python,
        "requested": environment.requested,
        "packages": pins_of(environment.lock),
        "bytes": sum(path.lstat().st_size for path in files),
        "built_at": datetime.now(UTC).isoformat(),
    }
    (folder / MARKER).write_text(json.dumps(told, indent=2), encoding="utf-8")


def _make_read_only(folder: Path) -> None:
    """Equal files of other environments and of uv's cache are one file: writing to it would change them all."""
    for path, mode in [*_files(folder), *_folders(folder)]:
        path.chmod(mode & ~_WRITING)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for at, _, names in os.walk(folder):
        for path in map(Path(at).joinpath, names):
            if stat.S_ISREG(mode := path.lstat().st_mode):
                yield path, stat.S_IMODE(mode)


def _folders(folder: Path) -> Iterator[tuple[Path, int]]:
    for at, _, _ in os.walk(folder):
        yield Path(at), stat.S_IMODE(Path(at).stat().st_mode)
