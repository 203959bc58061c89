"""The port to the files that batch jobs read and write."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol


class NewFile(Protocol):
    """A file that is not there yet: nobody sees it before ``keep``."""

    file: IO[bytes]

    def keep(self) -> None:
        """Put it in its place, whole and durable; what was there before is replaced."""


class DataFiles(Protocol):
    """Files by their URIs, for one workspace by its slug. ``INVALID`` names a URI that may not be used, and why."""

    def readable(self, uri: str, workspace: str) -> Path:
        """The file to read, which is there and not too large."""

    def writable(self, uri: str, workspace: str) -> Path:
        """The file to write, which need not be there."""

    def replacing(self, path: Path, owner: str) -> AbstractContextManager[NewFile]:
        """A new file for the place of ``path``; gone again unless it was kept. ``owner`` names whose it is.

        What an earlier attempt of the same owner left behind is removed.
        """
