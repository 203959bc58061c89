"""What a model registry outside holds, in MLflow's own words, and the port through which it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from modelyard.core.catalogue.model_places import Folder
from modelyard.core.catalogue.registries import OpenRegistry
from modelyard.core.catalogue.registry_paths import RegisteredPath


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A version of a registered model; times in ms since 1970, ``source`` is where it was registered from."""

    name: str
    version: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    user_id: str | None = None
    current_stage: str | None = None
    description: str | None = None
    source: str | None = None
    run_id: str | None = None
    status: str | None = None
    run_link: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A registered model; times in ms since 1970."""

    name: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    user_id: str | None = None
    latest_versions: tuple[RemoteVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """What the folder of a version holds: bytes by path, 0 where the registry does not know them; and its folders."""

    version: RemoteVersion
    sizes: Mapping[str, int]
    folders: tuple[str, ...] = ()


class Registries(Protocol):
    """Calls registries. Blocking: on a thread.

    All raise ``INVALID`` when the registry may not be called, ``UNAVAILABLE`` or ``TIMED_OUT`` when it cannot be
    reached or does not answer as MLflow does, ``FAILED_PRECONDITION`` when it does not take the token or does not hand
    its files out, ``NOT_FOUND`` when it does not know the thing.
    """

    def models(self, registry: OpenRegistry) -> list[RemoteModel]:
        """Its registered models, as many as are looked through."""

    def versions(self, registry: OpenRegistry, name: str) -> list[RemoteVersion]:
        """The versions of a model, newest first."""

    def files(self, registry: OpenRegistry, name: str, version: str) -> RemoteFiles:
        """What a version holds."""

    def folder(self, registry: OpenRegistry, path: RegisteredPath, lost: Callable[[], None]) -> Folder:
        """What a path names; ``lost`` is called again and again while a file is copied, and may raise."""
