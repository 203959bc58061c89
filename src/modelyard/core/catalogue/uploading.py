"""From a received file to a model version, and back: a file stays as long as a version refers to it.

Blocking: to be called on a thread.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from modelyard.core.catalogue.artifacts import ArtifactStore, Upload
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, record_upload, unreferenced
from modelyard.core.catalogue.upload_rules import needs_preparation
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store

_AT_ONCE = 500


class Finding(Protocol):
    """What the check of a model found."""

    def to_json(self) -> dict[str, Any]:
        """As JSON types, as ``ModelVersion.signature`` keeps it."""


ModelChecker = Callable[[Path], Finding]
"""Looks at a file without trusting it; ``INVALID`` says why it cannot be served."""


def take_in(
    store: Store, artifacts: ArtifactStore, check: ModelChecker, actor: Actor, new: NewVersion, incoming: Upload
) -> ModelVersion:
    """Check the complete upload, keep its file, record the version; what fails leaves neither row nor file.

    A file of another framework than ONNX is not looked into here: that is part of its preparation.
    """
    sha = incoming.finish()
    signature = None if needs_preparation(new.conversion) else check(incoming.path).to_json()
    incoming.keep()
    try:
        version = store.run_write(record_upload, actor, new, CheckedFile(sha, incoming.size, signature))
    except DomainError:
        drop_unreferenced(store, artifacts, [sha])
        raise
    incoming.keep()  # in case a deletion of the same file fell between: from here on the row protects it
    return version


def drop_unreferenced(store: Store, artifacts: ArtifactStore, shas: Collection[str]) -> list[str]:
    """Drop those files that no version refers to, and return their digests."""

    def wanted(sha: str) -> bool:
        return not store.run_read(unreferenced, [sha])

    return [sha for sha in store.run_read(unreferenced, shas) if artifacts.delete(sha, partial(wanted, sha))]


def collect_files(store: Store, artifacts: ArtifactStore, older_than: timedelta) -> int:
    """Drop files that a process left when it died before it recorded them; returns how many.

    ``older_than`` must be longer than recording takes.
    """
    old = artifacts.kept(older_than)
    return sum(len(drop_unreferenced(store, artifacts, batch)) for batch in batches(old, _AT_ONCE))
