"""The port to the files that batch jobs read and write."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Protocol

from modelyard.core.catalogue.model_places import Credentials


@dataclass(frozen=True, slots=True)
class Access:
    """For whom a file is opened: a workspace by its slug, and what the secret says that the job names."""

    workspace: str
    credentials: Credentials | None = field(default=None, repr=False)


class NewFile(Protocol):
    """A file that is not there yet: nobody sees it before ``keep``."""

    file: IO[bytes]

    def keep(self) -> None:
        """Put it in its place, whole and durable; what was there before is replaced."""


class Source(Protocol):
    """A file to read."""

    @property
    def place(self) -> str:
        """What tells it from other files."""

    @property
    def name(self) -> str:
        """Its own name."""

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        """Its content; blocks while that is fetched. ``NOT_FOUND``, ``FORBIDDEN`` or ``UNAVAILABLE`` of a store."""


class Target(Protocol):
    """A file to write, which need not be there."""

    @property
    def place(self) -> str:
        """What tells it from other files."""

    def replacing(self, owner: str) -> AbstractContextManager[NewFile]:
        """A new file for its place; gone again unless it was kept. ``owner`` names whose it is.

        What an earlier attempt of the same owner left behind is removed.
        """


class DataFiles(Protocol):
    """Files by their URIs. ``INVALID`` names a URI that may not be used, and why; no store is asked yet."""

    def source(self, uri: str, access: Access) -> Source:
        """The file to read; on this machine it is there and not too large."""

    def target(self, uri: str, access: Access) -> Target:
        """The file to write."""
