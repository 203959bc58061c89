"""The artifact store's port: files by the SHA-256 of their content."""

from datetime import timedelta
from pathlib import Path
from typing import Protocol, Self


class Upload(Protocol):
    """A file on its way in. Used as a context: leaving it without ``keep`` leaves nothing behind."""

    @property
    def size(self) -> int:
        """Bytes so far."""

    @property
    def path(self) -> Path:
        """Where the bytes are while they are not kept yet; complete after ``finish``."""

    def write(self, chunk: bytes) -> None:
        """Append; ``TOO_LARGE`` beyond the limit."""

    def finish(self) -> str:
        """All bytes are there and on disk; returns their SHA-256 (64 hex digits)."""

    def keep(self) -> None:
        """Make the finished file part of the store, once, however often it is uploaded."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class ArtifactStore(Protocol):
    """Keeps files under the SHA-256 of their content. Blocking: call it on a thread."""

    def upload(self, limit: int) -> Upload:
        """Begin an upload of at most ``limit`` bytes."""

    def path(self, sha: str) -> Path:
        """A local path to read the file; ``NOT_FOUND`` when it is not kept."""

    def verify(self, sha: str) -> None:
        """``INTERNAL`` when the kept bytes are no longer those that were uploaded."""

    def delete(self, sha: str) -> None:
        """Drop the file; nothing happens when it is not kept."""

    def sweep(self, older_than: timedelta) -> int:
        """Remove what abandoned uploads left behind; returns how many files."""
