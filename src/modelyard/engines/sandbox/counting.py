"""How the kernel counts processes and threads against ``RLIMIT_NPROC``: by user, or by user and namespace."""

import os
from functools import cache
from pathlib import Path

_BY_NAMESPACE_SINCE = (5, 14)


@cache
def counts_by_namespace() -> bool:
    """Whether a user namespace has a count of its own, as it has since Linux 5.14."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor[:3])))) >= _BY_NAMESPACE_SINCE


def tasks_of_user() -> int:
    """Processes and threads of this process' user; those that end meanwhile are not counted."""
    own = os.geteuid()
    return sum(_threads(path) for path in Path("/proc").iterdir() if path.name.isdigit() and _owner(path) == own)


def _owner(process: Path) -> int | None:
    try:
        return process.stat().st_uid
    except OSError:
        return None


def _threads(process: Path) -> int:
    try:
        return process.joinpath("task").stat().st_nlink - 2
    except OSError:
        return 0
