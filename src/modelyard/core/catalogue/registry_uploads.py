"""Uploads from a model registry: a version that begins without its file, which its preparation downloads."""

from dataclasses import dataclass, replace

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ExternalRegistry, ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, add_version, may_upload
from modelyard.core.catalogue.registries import OpenRegistry, may_use, open_for_workspace
from modelyard.core.catalogue.registry_paths import RegisteredPath, registered_path
from modelyard.core.catalogue.secrets import Sealer
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Tx


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version is to be downloaded from."""

    registry: OpenRegistry
    path: RegisteredPath


def may_upload_from(tx: Tx, actor: Actor, new: NewVersion, registry_id: str) -> None:
    """Whether the upload would be taken, as far as can be said without calling the registry."""
    _registry(tx, actor, new, registry_id)


def upload_from_registry(tx: Tx, actor: Actor, new: NewVersion, registry_id: str, uri: str) -> ModelVersion:
    """Add a version that waits to be downloaded; ``uri`` is as ``registered_path`` takes it."""
    registry = _registry(tx, actor, new, registry_id)
    path = str(registered_path(uri))
    said = replace(new, conversion={**new.conversion, "registry": registry_id, "uri": path})
    return add_version(tx, actor, said, CheckedFile("", 0, None), f"{path} of {registry.url}")


def origin(tx: Tx, sealer: Sealer, version: ModelVersion) -> Origin:
    """Where a version that has no file yet comes from; only while its workspace may use that registry."""
    registry_id = str(version.conversion.get("registry", ""))
    registry = open_for_workspace(tx, sealer, registry_id, version.workspace_id)
    if registry is None:
        raise failed_precondition("the model registry is no longer attached to the workspace; attach it and try again")
    return Origin(registry, registered_path(str(version.conversion.get("uri", ""))))


def _registry(tx: Tx, actor: Actor, new: NewVersion, registry_id: str) -> ExternalRegistry:
    ask(actor, Permission.SECRET_USE)
    may_upload(tx, actor, new)
    return may_use(tx, actor, registry_id, new.workspace_id)
