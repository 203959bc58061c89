"""The artifact store in a local folder.

    <folder>/ab/ab12…              a kept file, named by its digest
    <folder>/incoming/<random>     an upload
    <folder>/leaving/<digest>.<random>   a file that is being deleted

A file is written under a temporary name, synced, moved to its final name, and the folder synced: after a crash it is
there whole or not at all. Needs a file system with hard links.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self

from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found

_READ_BYTES = 1024 * 1024
_DECIDED_SECONDS = 5.0
_HALFWAY = timedelta(minutes=1)  # a deletion takes milliseconds, and what it took aside may be missed
_HEX = frozenset("0123456789abcdef")


class LocalArtifacts:
    """See ``core.catalogue.artifacts.ArtifactStore``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._leaving = folder / "leaving"
        for made in (self._incoming, self._leaving):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)

    def upload(self, limit: int) -> "LocalUpload":
        return LocalUpload(self, self._incoming / secrets.token_hex(16), limit)

    def path(self, sha: str) -> Path:
        place = self._place(sha)
        until = time.monotonic() + _DECIDED_SECONDS
        while not place.is_file():
            undecided = any(self._leaving.glob(f"{sha}.*"))
            if not undecided and not place.is_file():  # looked at again: it may have come back in between
                raise not_found("artifact", sha)
            if time.monotonic() > until:
                raise not_found("artifact", sha)
            time.sleep(0.005)  # it is being decided whether the file stays
        return place

    def verify(self, sha: str) -> None:
        digest = hashlib.sha256()
        with self.path(sha).open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
        if digest.hexdigest() != sha:
            raise DomainError(
                ErrorKind.INTERNAL,
                f"the stored file {sha} is damaged: its digest is {digest.hexdigest()}; restore it or upload it again",
            )

    def delete(self, sha: str, wanted: Callable[[], bool]) -> bool:
        aside = self._leaving / f"{sha}.{secrets.token_hex(8)}"
        try:
            self._place(sha).rename(aside)
        except FileNotFoundError:
            return False
        try:
            back = wanted()
        except BaseException:
            self._put_back(aside)
            raise
        if back:
            self._put_back(aside)
        else:
            aside.unlink()
        return not back

    def kept(self, older_than: timedelta) -> list[str]:
        places = (path for path in self._folder.glob("??/*") if len(path.name) == 64)
        return sorted(path.name for path in _older(places, older_than))

    def sweep(self, older_than: timedelta) -> int:
        abandoned = _older(self._incoming.iterdir(), older_than)
        for path in abandoned:
            path.unlink(missing_ok=True)
        halfway = _older(self._leaving.iterdir(), min(older_than, _HALFWAY))
        for path in halfway:
            self._put_back(path)
        return len(abandoned) + len(halfway)

    def put(self, source: Path, sha: str) -> None:
        """Give a complete file on this file system its place, too."""
        place = self._place(sha)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        beside = self._incoming / secrets.token_hex(16)
        os.link(source, beside)
        beside.replace(place)
        beside.unlink(missing_ok=True)  # POSIX: renaming leaves two names of one file both in place
        _sync_folder(place.parent)
        _sync_folder(place.parent.parent)

    def _put_back(self, aside: Path) -> None:
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.link(aside, self._place(aside.name.partition(".")[0]))
        aside.unlink(missing_ok=True)

    def _place(self, sha: str) -> Path:
        if len(sha) != 64 or not _HEX.issuperset(sha):
            raise not_found("artifact", sha[:80])
        return self._folder / sha[:2] / sha


class LocalUpload:
    """See ``core.catalogue.artifacts.Upload``."""

    def __init__(self, store: LocalArtifacts, path: Path, limit: int) -> None:
        self._store = store
        self.path = path
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size = 0
        with _room():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(handle, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._limit:
            raise DomainError(ErrorKind.TOO_LARGE, f"the file exceeds the limit of {self._limit} bytes")
        self._digest.update(chunk)
        view = memoryview(chunk)
        with _room():
            while view:
                view = view[self._file.write(view) :]

    def replace(self, made: Callable[[Path], None]) -> None:
        beside = self.path.with_suffix(".made")
        try:
            made(beside)
            self._file.truncate(0)
            self._file.seek(0)
            self._digest, self.size = hashlib.sha256(), 0
            with beside.open("rb") as file:
                while chunk := file.read(_READ_BYTES):
                    self.write(chunk)
        finally:
            beside.unlink(missing_ok=True)

    def finish(self) -> str:
        with _room():
            os.fsync(self._file.fileno())
            self._file.close()
        return self._digest.hexdigest()

    def keep(self) -> None:
        with _room():
            self._store.put(self.path, self._digest.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Turns what the operating system refuses into ``UNAVAILABLE``; ``full`` in its details when there is no room."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        message = f"the file cannot be stored ({error.strerror}); nothing was kept"
        raise DomainError(ErrorKind.UNAVAILABLE, message, full=full) from error


def _older(paths: Iterator[Path], than: timedelta) -> list[Path]:
    """Those whose state (names included) last changed longer ago; what vanishes meanwhile is left out."""
    before = time.time() - than.total_seconds()
    old = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ctime < before:
                old.append(path)
    return old


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
