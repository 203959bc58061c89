"""Locks: which files, by their digests, an environment is made of."""

import hashlib
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator

from modelyard.core.kernel.errors import DomainError, ErrorKind

SERVER_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of the interpreter that runs the server, as environments are made for it."""
_FORMAT = 1
_PINNED = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[a-z0-9.!+]+)")
_HASH = re.compile(r"--hash=(?P<hash>sha(?:256|384|512):[0-9a-f]{64,128})")


def canonical_lock(text: str) -> str:
    """The same pins and hashes in one order and spelling, whatever order uv gave them in."""
    packages = sorted(_packages(text))
    return "".join(
        f"{pin} \\\n" + " \\\n".join(f"    --hash={each}" for each in hashes) + "\n" for pin, hashes in packages
    )


def pins_of(lock: str) -> list[str]:
    """``name==version`` of each package in a lock."""
    return [pin for pin, _ in _packages(lock)]


def lock_id(lock: str, python: str) -> str:
    """64 hexadecimal digits: the same for the same lock, version of Python and kind of machine."""
    machine = f"{sysconfig.get_platform()} {platform.libc_ver()[0]}"
    return hashlib.sha256(json.dumps([_FORMAT, lock, python, machine]).encode()).hexdigest()


def _packages(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.replace("\\\n", " ").splitlines():
        pin, *hashes = line.split() or [""]
        digests = sorted({found["hash"] for each in hashes if (found := _HASH.fullmatch(each))})
        if line.strip() and (not _PINNED.fullmatch(pin) or not digests or len(digests) != len(set(hashes))):
            raise DomainError(ErrorKind.INTERNAL, f"{line.strip()[:100]!r} of a lock is not a package with its hashes")
        if line.strip():
            yield pin, digests
