"""Model files below the folders of this machine that the operator opened: ``file:///models/iris``.

Links are followed as long as they stay below these folders. What was found to be inside is opened part by part without
following a link, so that one that is changed in between leads nowhere.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modelyard.core.catalogue.model_places import FILES_MAX, Credentials, Folder, too_many_files
from modelyard.core.kernel.errors import DomainError, invalid, not_found

_DEPTH = 4
_READ_BYTES = 1024 * 1024


class Roots:
    """Opens what stands behind ``file://`` when it lies below one of the folders."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = tuple(Path(root).resolve() for root in roots)

    def __call__(self, rest: str, credentials: Credentials | None) -> Folder:
        del credentials  # a secret opens no folder
        host, _, path = rest.partition("/")
        if host not in ("", "localhost") or "\0" in rest:
            raise invalid(f"file://{rest[:200]} names another machine; write file:/// and a path of this one")
        real = _real(Path(f"/{path}"))
        if real is None or self.root_of(real) is None:
            raise self._closed(rest)
        return _LocalFolder(self, real)

    def root_of(self, real: Path) -> Path | None:
        """The open folder that a path without links lies in."""
        return next((root for root in self._roots if real.is_relative_to(root)), None)

    def _closed(self, rest: str) -> DomainError:
        """The same whether something is there or not."""
        roots = "no folder is open" if not self._roots else "it is not below an open folder"
        return invalid(
            f"models cannot be read from file://{rest[:200]}: {roots}; the setting model_roots of the server opens them"
        )


class _LocalFolder:
    """See ``core.catalogue.model_places.Folder``."""

    def __init__(self, roots: Roots, real: Path) -> None:
        self._roots = roots
        self._real = real
        self._places: dict[str, Path] = {}

    def files(self) -> Mapping[str, int]:
        if self._real.is_file():
            self._places = {self._real.name: self._real}
        elif self._real.is_dir():
            self._places = dict(self._below(self._real, "", _DEPTH))
        else:
            raise not_found("model", f"file://{self._real}")
        return {path: place.stat().st_size for path, place in self._places.items()}

    def copy(self, path: str, write: Callable[[bytes], None]) -> None:
        place = self._places[path]
        root = self._roots.root_of(place)
        if root is None:
            raise not_found("model file", path)
        with os.fdopen(_opened(root, place.relative_to(root).parts), "rb", buffering=0) as file:
            while chunk := file.read(_READ_BYTES):
                write(chunk)

    def _below(self, folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
        """Regular files by their path; links that lead out, and what is neither file nor folder, are left out."""
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda each: each.name)
        if len(entries) > FILES_MAX:
            raise too_many_files()
        count = 0
        for entry in entries:
            real = _real(Path(entry.path))
            if real is None or self._roots.root_of(real) is None:
                continue
            inside = self._below(real, f"{prefix}{entry.name}/", depth - 1) if real.is_dir() and depth > 1 else ()
            for item in [(f"{prefix}{entry.name}", real)] if real.is_file() else inside:
                count += 1
                if count > FILES_MAX:
                    raise too_many_files()
                yield item


def _real(path: Path) -> Path | None:
    try:
        return None if _in_a_circle(path) else Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None


def _in_a_circle(path: Path) -> bool:
    """Whether its links lead nowhere, which ``realpath`` overlooks."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _opened(root: Path, parts: tuple[str, ...]) -> int:
    """A regular file below the root, opened without following a link."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for at, part in enumerate(parts):
            kind = os.O_NONBLOCK if at == len(parts) - 1 else os.O_DIRECTORY
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind
            handle, above = os.open(part, flags, dir_fd=handle), handle
            os.close(above)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise not_found("model file", parts[-1])
    except OSError as error:
        os.close(handle)
        raise not_found("model file", parts[-1]) from error
    except DomainError:
        os.close(handle)
        raise
    return handle
