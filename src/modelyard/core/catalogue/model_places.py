"""Where model files can lie outside the catalogue: the ports behind ``core.catalogue.model_uris``."""

from collections.abc import Callable, Mapping
from typing import Protocol

from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.store import Tx

FILES_MAX = 1000
"""Files that a folder may hold to be looked at."""

Credentials = Mapping[str, str]
"""What a secret of a workspace says, by rclone's names: ``access_key_id``, ``secret_access_key``, …

Beside them ``type``, the kind of store, and ``remote``, the scheme that stands for it in URIs with this secret.
"""


def kind_of(scheme: str, held: Credentials | None) -> str:
    """The kind of store that a scheme means: with a secret, it may be the name that the secret gives its store."""
    return held["type"] if held and held["remote"] == scheme else scheme


class Folder(Protocol):
    """The files at a place outside, or the one file that the place names."""

    def files(self) -> Mapping[str, int]:
        """Size in bytes by path, with forward slashes and relative to the place; at most ``FILES_MAX``.

        ``NOT_FOUND`` when nothing is there, ``UNAVAILABLE`` when the place cannot be reached.
        """

    def copy(self, path: str, write: Callable[[bytes], None]) -> None:
        """Give the content of one of these files to ``write``, piece by piece."""


Opener = Callable[[str, Credentials | None], Folder]
"""Takes what stands behind ``scheme://``; ``INVALID`` when the place is not one that this server may look at."""


class Registry(Protocol):
    """The model registry and the artifacts of runs."""

    def version(self, tx: Tx, actor: Actor, rest: str) -> ModelVersion | None:
        """The version that ``models:/<rest>`` names; None when it names a folder of artifacts."""

    def files(self, tx: Tx, actor: Actor, scheme: str, rest: str) -> Mapping[str, tuple[str, int]]:
        """Digest and size, by path, of the files of ``<scheme>:/<rest>``; the folder must be readable to the actor."""


class StoredFolder:
    """A folder of artifacts that this server keeps."""

    def __init__(self, files: Mapping[str, tuple[str, int]], artifacts: ArtifactStore) -> None:
        self._files = files
        self._artifacts = artifacts

    def files(self) -> Mapping[str, int]:
        if len(self._files) > FILES_MAX:
            raise too_many_files()
        return {path: size for path, (_, size) in self._files.items()}

    def copy(self, path: str, write: Callable[[bytes], None]) -> None:
        with self._artifacts.path(self._files[path][0]).open("rb") as file:
            while chunk := file.read(1024 * 1024):
                write(chunk)


def too_many_files() -> DomainError:
    """What is said of a folder that nobody should look through."""
    return invalid(f"the folder holds more than {FILES_MAX} files; let the URI name the folder of the model")
