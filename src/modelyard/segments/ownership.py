"""Whose a segment is: its writer holds a lock on the file, which the kernel frees when the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def own(file: int) -> None:
    """Say that this open file is written by this process."""
    fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def unowned(path: Path) -> Iterator[bool]:
    """Whether nobody writes the file any more; one that was begun just now and is still empty is somebody's."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _taken(file) and os.fstat(file).st_size > 0
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process is the only one to work under this lock, which is made where it is missing."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _taken(file)
    finally:
        os.close(file)


def unowned_segments(folder: Path) -> bool:
    """Whether there are segments below the folder of all that nobody writes any more."""
    return any(_free(path) for path in folder.glob("*/*.seg"))


def _free(path: Path) -> bool:
    try:
        with unowned(path) as free:
            return free
    except FileNotFoundError:  # it was archived meanwhile
        return False
