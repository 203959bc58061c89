"""Takes the model of a folder outside into the catalogue: fetched, checked, kept, recorded.

Blocking: to be called on a thread.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modelyard.core.access.check import require
from modelyard.core.access.grants import ResourceType, in_workspace
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.artifacts import ArtifactStore, Upload
from modelyard.core.catalogue.entities import ModelStatus, ModelVersion
from modelyard.core.catalogue.mlmodel import MLMODEL_MAX, mlmodel_too_large
from modelyard.core.catalogue.model_files import find_model
from modelyard.core.catalogue.model_places import Folder
from modelyard.core.catalogue.models import CheckedFile, NewVersion, add_version
from modelyard.core.catalogue.uploading import ModelChecker, drop_unreferenced
from modelyard.core.catalogue.workspaces import existing
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx

_NOT_OF_THE_MODEL = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.INTERNAL, ErrorKind.RATE_LIMITED})
"""Failures that say nothing about the model: they are raised, and nothing is kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version comes from and the model that it becomes part of; ``number`` chooses a numbered folder."""

    workspace_id: int
    uri: str
    name: str
    number: int | None = None

    @property
    def source(self) -> dict[str, Any]:
        """How a version remembers where it comes from."""
        return {"uri": self.uri, "number": self.number}


@dataclass(frozen=True, slots=True)
class Engine:
    """How models are checked and, when their tensors lie in other files, made one file."""

    check: ModelChecker
    fold: Callable[[Path, Mapping[str, Path], Path], None]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that can be served. ``digest`` is that of all that was fetched, ``sha`` that of the file."""

    sha: str
    digest: str
    incoming: Upload
    file_name: str
    signature: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Parts:
    """A model's file, its digest, and the files beside it."""

    name: str
    digest: str
    model: Upload
    beside: Mapping[str, Upload]


class Intake:
    """Makes versions of what folders hold; a file may have at most ``limit`` bytes."""

    def __init__(self, store: Store, artifacts: ArtifactStore, engine: Engine, limit: int) -> None:
        self.artifacts = artifacts
        self._store = store
        self._engine = engine
        self._limit = limit

    def take(self, actor: Actor, place: Place, folder: Folder) -> ModelVersion:
        """The version of the model there, or one in ERROR that says why there is none to serve.

        The same place with the same content gives the same version again.
        """
        try:
            with ExitStack() as uploads:
                return self._taken(actor, place, folder, uploads)
        except DomainError as error:
            if error.kind in _NOT_OF_THE_MODEL:
                raise
            return self._store.run_write(_record_failure, actor, place, error.message)

    def _taken(self, actor: Actor, place: Place, folder: Folder, uploads: ExitStack) -> ModelVersion:
        sizes = folder.files()
        found = find_model(sizes, partial(_small, folder, sizes), place.number)
        name = found.path.rpartition("/")[2]
        model = self._fetched(uploads, folder, found.path, sizes)
        digest = model.finish()
        known = self._store.run_read(_known, place, digest)
        if known is not None:
            return known
        try:
            signature = self._engine.check(model.path).to_json()
        except DomainError as error:
            if not error.details.get("external") or not found.beside:
                raise
            self._refuse_too_large(sum(sizes[path] for path in found.beside))
            beside = {path.rpartition("/")[2]: self._fetched(uploads, folder, path, sizes) for path in found.beside}
            return self._folded(actor, place, _Parts(name, digest, model, beside), uploads)
        return self._kept(actor, place, _Ready(digest, digest, model, name, signature))

    def _folded(self, actor: Actor, place: Place, parts: _Parts, uploads: ExitStack) -> ModelVersion:
        """The model with the tensors that it keeps in files beside it, as one file."""
        told = [parts.digest, *(f"{name} {part.finish()}" for name, part in sorted(parts.beside.items()))]
        digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
        known = self._store.run_read(_known, place, digest)
        if known is not None:
            return known
        whole = uploads.enter_context(self.artifacts.upload(self._limit))
        paths = {name: part.path for name, part in parts.beside.items()}
        whole.replace(partial(self._engine.fold, parts.model.path, paths))
        sha = whole.finish()
        signature = self._engine.check(whole.path).to_json()
        return self._kept(actor, place, _Ready(sha, digest, whole, parts.name, signature))

    def _kept(self, actor: Actor, place: Place, ready: _Ready) -> ModelVersion:
        ready.incoming.keep()
        try:
            version = self._store.run_write(_record, actor, place, ready)
        except DomainError:
            drop_unreferenced(self._store, self.artifacts, [ready.sha])
            raise
        ready.incoming.keep()  # in case a deletion of the same file fell between: from here on the row protects it
        return version

    def _fetched(self, uploads: ExitStack, folder: Folder, path: str, sizes: Mapping[str, int]) -> Upload:
        self._refuse_too_large(sizes[path])
        incoming = uploads.enter_context(self.artifacts.upload(self._limit))
        folder.copy(path, incoming.write)
        return incoming

    def _refuse_too_large(self, size: int) -> None:
        if size > self._limit:
            raise DomainError(ErrorKind.TOO_LARGE, f"the model has {size} bytes; the limit is {self._limit}")


def may_import(tx: Tx, actor: Actor, place: Place) -> None:
    """Whether the actor may add a version of this model to the workspace."""
    own = (ResourceType.MODEL, in_workspace(place.workspace_id, place.name))
    require(tx, actor, Permission.MODEL_EDIT, place.workspace_id, "workspace", place.workspace_id, own)
    existing(tx, place.workspace_id)


def _record(tx: Tx, actor: Actor, place: Place, ready: _Ready) -> ModelVersion:
    may_import(tx, actor, place)
    same = _known(tx, place, ready.digest)
    if same is not None:
        return same
    conversion = {"framework": "onnx", "digest": ready.digest, **place.source}
    new = NewVersion(place.workspace_id, place.name, ready.file_name, conversion=conversion)
    return add_version(tx, actor, new, CheckedFile(ready.sha, ready.incoming.size, ready.signature), place.uri)


def _record_failure(tx: Tx, actor: Actor, place: Place, reason: str) -> ModelVersion:
    may_import(tx, actor, place)
    failed = [version for version in _made(tx, place) if version.status == ModelStatus.ERROR]
    same = next((version for version in failed if version.error_summary == reason), None)
    if same is not None:
        return same
    new = NewVersion(place.workspace_id, place.name, conversion=place.source)
    return add_version(tx, actor, new, CheckedFile("", 0, None, reason), place.uri)


def _known(tx: Tx, place: Place, digest: str) -> ModelVersion | None:
    return next((version for version in _made(tx, place) if version.conversion.get("digest") == digest), None)


def _made(tx: Tx, place: Place) -> list[ModelVersion]:
    """The versions that were made from this place, newest first."""
    named = tx.find(ModelVersion, order_by="-id", workspace_id=place.workspace_id, name=place.name)
    source = place.source
    return [version for version in named if {key: version.conversion.get(key) for key in source} == source]


def _small(folder: Folder, sizes: Mapping[str, int], path: str) -> bytes:
    if sizes[path] > MLMODEL_MAX:
        raise mlmodel_too_large(sizes[path])
    pieces: list[bytes] = []
    folder.copy(path, pieces.append)
    return b"".join(pieces)
