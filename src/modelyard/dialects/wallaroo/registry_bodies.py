"""What the calls about model registries take."""

from uuid import UUID

import msgspec

from modelyard.dialects.wallaroo.upload_metadata import UploadMetadata


class CreateBody(msgspec.Struct):
    """A registry to connect."""

    name: str
    token: str
    url: str
    workspace_id: int | None = None


class RegistryBody(msgspec.Struct):
    """A registry."""

    registry_id: UUID


class AttachmentBody(msgspec.Struct):
    """A registry and a workspace that uses it."""

    registry_id: UUID
    workspace_id: int


class RegistriesBody(msgspec.Struct):
    """Of which workspace; of all of the caller's without one."""

    workspace_id: int | None = None


class RegisteredModelBody(msgspec.Struct):
    """A registered model."""

    registry_id: UUID
    model_name: str


class RegisteredVersionBody(msgspec.Struct):
    """A version of a registered model."""

    registry_id: UUID
    name: str
    version: str


class FromRegistryBody(UploadMetadata, kw_only=True):
    """What to upload; ``path`` is the ``full_path`` of a file, or that of a version's folder: ``models:/iris/3``."""

    registry_id: UUID
    path: str
