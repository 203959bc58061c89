"""A lock between processes that the kernel lets go of when its holders are gone."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def held(path: Path, waits: Callable[[], None]) -> Iterator[int]:
    """Hold the lock file, alone among all processes and threads; ``waits`` is called once when another one has it.

    Gives the open file: a child that inherits it holds the lock, too, until it ends.
    """
    handle = _taken_if_free(path)
    if handle is None:
        waits()
        handle = _taken(path, fcntl.LOCK_EX)
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """The same without waiting: whether it is held. The file is removed in the end."""
    handle = _taken_if_free(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            path.unlink()
            os.close(handle)


def _taken_if_free(path: Path) -> int | None:
    try:
        return _taken(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def _taken(path: Path, how: int) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, how)
            if _is_still(path, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the file was not removed by the one who held it before."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
