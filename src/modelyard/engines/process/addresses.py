"""Addresses of sockets in a folder whose path may be longer than the 107 bytes that an address holds."""

import os
import sys
from functools import cache
from pathlib import Path

_MOST_BYTES = 103
"""What the shortest of the usual systems allows."""


def address(path: Path) -> str:
    """What to bind or connect to; the folder must be there. On Linux any path will do."""
    text = str(path)
    if len(os.fsencode(text)) <= _MOST_BYTES or sys.platform != "linux":
        return text
    return f"/proc/self/fd/{_folder(path.parent)}/{path.name}"


@cache
def _folder(path: Path) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)  # it stays open as long as this process lives
