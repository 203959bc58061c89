"""The artifact store's port: files by the SHA-256 of their content.

No file is lost that something refers to, although files are shared by equal uploads: who adds a reference calls
``Upload.keep`` before and again after, and ``ArtifactStore.delete`` asks for references after it took the file away.
"""

from collections.abc import Callable
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
        """Append; ``TOO_LARGE`` beyond the limit, ``UNAVAILABLE`` where there is no room for it."""

    def replace(self, made: Callable[[Path], None]) -> None:
        """Let ``made`` write the whole file at the path it is given, in place of what was written so far."""

    def finish(self) -> str:
        """All bytes are there and on disk; returns their SHA-256 (64 hex digits)."""

    def keep(self) -> None:
        """Make the finished file part of the store: one file, however often it is uploaded or this is called.

        Replaces a kept file of this digest, so that uploading it again mends a damaged one.
        """

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

    def delete(self, sha: str, wanted: Callable[[], bool]) -> bool:
        """Drop the file unless ``wanted()``, and say whether it was dropped; False when it is not kept.

        ``wanted`` is asked once the file is out of the way. On yes, or when it raises, the file is put back.
        """

    def kept(self, older_than: timedelta) -> list[str]:
        """The digests of the files that were last kept longer ago than this."""

    def sweep(self, older_than: timedelta) -> int:
        """Clear up behind processes that died: drop uploads abandoned for longer, put back what was being deleted.

        Returns how many files that were.
        """
