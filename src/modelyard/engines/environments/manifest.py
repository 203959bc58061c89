"""Whether the files of an environment are those that were installed: a list of them, made when it was complete.

It notices accidents: files that were edited, also by the name that uv's cache or another environment has for them,
packages that somebody installed, a disk that forgets. Whoever may write to the folder may write to the list, too.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import failed_precondition

MARKER = "environment.json"
"""Says what the environment is, and by its time of change when somebody last asked for it."""
FILES = "files.json"
"""The list: by the path below the folder, [size, time of change in ns, SHA-256], or [target] of a link."""
REMEDY = "remove its folder and environments/cache in the data folder, and it is built again from what was locked"
_BYTECODE = "__pycache__"
_SHOWN = 12


def write_list(folder: Path) -> None:
    """List what is there now."""
    entries = {name: _seen(path) + _hash(path) for name, path in _files(folder)}
    (folder / FILES).write_text(json.dumps(entries), encoding="utf-8")


def changed_files(folder: Path, *, fully: bool = False) -> list[str] | None:
    """What is not as it was when the list was made, in order; None where there is no list.

    What has the size and the time of then counts as unchanged, unless ``fully`` says that its bytes are to be read;
    what has another time alone was copied if its bytes are the same. Bytecode that came later does not count.
    """
    try:
        entries: dict[str, list[Any]] = json.loads((folder / FILES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    there = dict(_files(folder))
    changed = [name for name, entry in entries.items() if name not in there or not _is(there[name], entry, fully=fully)]
    return sorted([*changed, *(name for name in there.keys() - entries.keys() if _BYTECODE not in name)])


def require_unchanged(folder: Path) -> None:
    """``FAILED_PRECONDITION`` names a file of the environment that was changed; cheap, as nothing is read."""
    changed = changed_files(folder)
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        which = f"files of environment {folder.name[:_SHOWN]} were changed after it was built"
        raise failed_precondition(f"{which}: {changed[0]}{more}; {REMEDY}")


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Regular files and links but our own: (path below the folder, path)."""
    length = len(str(folder)) + 1
    for at, folders, names in os.walk(folder):
        links = [name for name in folders if Path(at, name).is_symlink()]
        for path in (f"{at}/{name}" for name in (*names, *links)):
            if path[length:] not in (MARKER, FILES):
                yield path[length:], path


def _seen(path: str) -> list[Any]:
    found = os.lstat(path)
    return [str(Path(path).readlink())] if stat.S_ISLNK(found.st_mode) else [found.st_size, found.st_mtime_ns]


def _hash(path: str) -> list[Any]:
    if Path(path).is_symlink():
        return []
    with Path(path).open("rb") as file:
        return [hashlib.file_digest(file, "sha256").hexdigest()]


def _is(path: str, entry: list[Any], *, fully: bool) -> bool:
    with contextlib.suppress(OSError):
        seen = _seen(path)
        is_as_then = seen == entry[: len(seen)]
        if is_as_then and not fully:
            return True
        return seen[:1] == entry[:1] and _hash(path) == entry[2:]
    return False
