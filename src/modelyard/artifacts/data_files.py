"""Files below the folders that an operator opened for batch jobs (setting ``data_roots``)."""

import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from modelyard.core.automation.data_files import NewFile
from modelyard.core.kernel.errors import DomainError, invalid

_WORKSPACE = "{namespace}"
_ABANDONED_SECONDS = 2 * 86_400


class LocalFiles:
    """Files of this machine by their URIs, for one workspace by its slug.

    ``roots`` are absolute paths, in which ``{namespace}`` stands for the slug of the workspace; ``closed`` is a folder
    that no root opens. Links are followed before it is decided where a path lies. A file has at most ``limit`` bytes.
    ``INVALID`` names a URI that may not be used, and why.
    """

    def __init__(self, roots: Sequence[str], closed: Path, limit: int) -> None:
        self._roots = roots
        self._closed = closed
        self._limit = limit

    def readable(self, uri: str, workspace: str) -> Path:
        """The file to read, which is there and not too large."""
        path = self._inside(uri, workspace)
        try:
            found = path.stat()
        except OSError as error:
            raise invalid(f"{uri} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(found.st_mode):
            raise invalid(f"{uri} is not a file")
        if found.st_size > self._limit:
            raise invalid(f"{uri} has {found.st_size} bytes; at most {self._limit} are allowed (max_upload_bytes)")
        return path

    def writable(self, uri: str, workspace: str) -> Path:
        """The file to write, which need not be there."""
        path = self._inside(uri, workspace)
        if path.exists() and not path.is_file():
            raise invalid(f"{uri} is not a file")
        return path

    @contextmanager
    def replacing(self, path: Path, owner: str) -> Iterator[NewFile]:
        """A new file for the place of ``path``; gone again unless it was kept."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.resolve() != path.parent:
            raise invalid(f"the folder of {path.name} has changed meanwhile")
        _clear(path.parent, owner)
        partial = path.parent / f".{owner}.{secrets.token_hex(4)}.partial"
        with partial.open("xb") as file:
            try:
                yield _LocalFile(file, partial, path)
            finally:
                partial.unlink(missing_ok=True)

    def _inside(self, uri: str, workspace: str) -> Path:
        path = _path(uri)
        real = Path(os.path.realpath(path))
        roots = [Path(os.path.realpath(root.replace(_WORKSPACE, workspace))) for root in self._roots]
        if any(real.is_relative_to(root) and real != root for root in roots):
            if real.is_relative_to(self._closed.resolve()):
                raise invalid(f"{uri} lies in the server's own data folder")
            return real
        if not self._roots:
            raise invalid(f"{uri} cannot be used: this server opens no folder for jobs; set data_roots")
        raise invalid(f"{uri} is outside the folders that this server opens for the namespace {workspace} (data_roots)")


class _LocalFile:
    """See ``core.automation.data_files.NewFile``."""

    def __init__(self, file: IO[bytes], partial: Path, path: Path) -> None:
        self.file = file
        self._partial = partial
        self._path = path

    def keep(self) -> None:
        """Put it in its place, whole and durable."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._partial.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        with suppress(OSError):  # not every file system can
            os.fsync(folder)
        os.close(folder)


def _clear(folder: Path, owner: str) -> None:
    """Remove what dead writers left: earlier attempts of this owner, and what is older than any job."""
    for left in folder.glob(".*.partial"):
        with suppress(FileNotFoundError):
            if left.name.startswith(f".{owner}.") or left.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                left.unlink()


def _path(uri: str) -> str:
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise invalid(f"{uri[:200]!r} is not a URI") from error
    if parts.scheme != "file":
        raise _unknown_scheme(parts.scheme)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or "\0" in path:
        raise invalid(f"{uri[:200]!r} does not name a file of this machine; write file:///folder/name")
    return path


def _unknown_scheme(scheme: str) -> DomainError:
    return invalid(f"{scheme}:// cannot be used for the data of jobs; use file:// below one of data_roots, or s3://")
