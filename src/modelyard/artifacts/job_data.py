"""The data of jobs, wherever it lies: in folders of this machine and in S3 buckets."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelyard.artifacts.data_files import LocalFiles
from modelyard.artifacts.s3 import Buckets, S3Folder
from modelyard.core.automation.data_files import Access, NewFile, Source, Target
from modelyard.core.catalogue.model_places import kind_of
from modelyard.core.kernel.errors import invalid


class JobData:
    """See ``core.automation.data_files.DataFiles``.

    What is read from a bucket or meant for one lies in ``folder`` meanwhile, without a name: it is gone with the
    process. A file has at most ``limit`` bytes.
    """

    def __init__(self, files: LocalFiles, buckets: Buckets, folder: Path, limit: int) -> None:
        self._files = files
        self._buckets = buckets
        self._folder = folder
        self._limit = limit

    def source(self, uri: str, access: Access) -> Source:
        """The file to read; on this machine it is there and not too large."""
        if (found := self._object(uri, access)) is not None:
            return _ObjectSource(found, self._folder, self._limit)
        return _FileSource(self._files.readable(uri, access.workspace))

    def target(self, uri: str, access: Access) -> Target:
        """The file to write."""
        if (found := self._object(uri, access)) is not None:
            return _ObjectTarget(found, self._folder)
        return _FileTarget(self._files, self._files.writable(uri, access.workspace))

    def _object(self, uri: str, access: Access) -> S3Folder | None:
        """The object that the URI names, None when it names none."""
        scheme, _, rest = uri.partition("://")
        if kind_of(scheme.lower(), access.credentials) != "s3":
            return None
        parts = rest.split("/")
        if len(uri) > 1024 or "" in parts or "." in parts or ".." in parts:
            raise invalid(f"{uri[:200]!r} does not name an object: write s3://bucket/folder/name, with no empty part")
        return self._buckets(rest, access.credentials)


@dataclass(frozen=True, slots=True)
class _FileSource:
    path: Path

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class _FileTarget:
    files: LocalFiles
    path: Path

    @property
    def place(self) -> str:
        return str(self.path)

    def replacing(self, owner: str) -> AbstractContextManager[NewFile]:
        return self.files.replacing(self.path, owner)


@dataclass(frozen=True, slots=True)
class _ObjectSource:
    found: S3Folder
    folder: Path
    limit: int

    @property
    def place(self) -> str:
        return self.found.place

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        size = self.found.size()
        if size > self.limit:
            raise invalid(f"{self.place} has {size} bytes; at most {self.limit} are allowed (max_upload_bytes)")
        with tempfile.TemporaryFile(dir=self.folder) as copy:
            self.found.copy(self.name, lambda chunk: _write(copy, chunk))
            copy.seek(0)
            yield copy


@dataclass(frozen=True, slots=True)
class _ObjectTarget:
    found: S3Folder
    folder: Path

    @property
    def place(self) -> str:
        return self.found.place

    @contextmanager
    def replacing(self, owner: str) -> Iterator[NewFile]:
        del owner  # nothing is left behind
        with tempfile.TemporaryFile(dir=self.folder) as file:
            yield _NewObject(file, self.found)


def _write(file: IO[bytes], chunk: bytes) -> None:
    file.write(chunk)


class _NewObject:
    """See ``core.automation.data_files.NewFile``."""

    def __init__(self, file: IO[bytes], found: S3Folder) -> None:
        self.file = file
        self._found = found

    def keep(self) -> None:
        """Put it in its place, whole."""
        self.file.seek(0)
        self._found.put(self.file)
