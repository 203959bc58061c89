"""The artifact store in a local folder.

A file is written under a temporary name, synced, linked to its final name, and the folder synced: after a crash it is
there whole or not at all.
"""

import contextlib
import hashlib
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import Self

from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found

_READ_BYTES = 1024 * 1024


class LocalArtifacts:
    """See ``core.catalogue.artifacts.ArtifactStore``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    def upload(self, limit: int) -> "LocalUpload":
        return LocalUpload(self, self._incoming / secrets.token_hex(16), limit)

    def path(self, sha: str) -> Path:
        path = self.place(sha)
        if not path.is_file():
            raise not_found("artifact", sha)
        return path

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

    def delete(self, sha: str) -> None:
        self.place(sha).unlink(missing_ok=True)

    def sweep(self, older_than: timedelta) -> int:
        before = time.time() - older_than.total_seconds()
        old = [path for path in self._incoming.iterdir() if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def place(self, sha: str) -> Path:
        """Where the file with this digest belongs."""
        if len(sha) != 64 or not all(c in "0123456789abcdef" for c in sha):
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
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(handle, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._limit:
            raise DomainError(ErrorKind.TOO_LARGE, f"the file exceeds the limit of {self._limit} bytes")
        self._digest.update(chunk)
        try:
            view = memoryview(chunk)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise DomainError(
                ErrorKind.UNAVAILABLE, f"the file cannot be stored ({error.strerror}); nothing was kept"
            ) from error

    def finish(self) -> str:
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def keep(self) -> None:
        place = self._store.place(self._digest.hexdigest())
        place.parent.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.link(self.path, place)
        _sync_folder(place.parent)
        _sync_folder(place.parent.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
