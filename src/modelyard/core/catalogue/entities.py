"""What the catalogue stores. Everything inside a workspace carries its ``workspace_id``: access is decided by it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Workspace:
    """A place for models and pipelines that its members share; names are unique on the server.

    ``slug`` is its name in URLs (an RFC 1123 label), made from the first name and never changed.
    """

    id: int
    name: str
    slug: str
    archived: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class DefaultWorkspace:
    """The workspace that a user's client falls back on."""

    user_id: str
    workspace_id: int


@dataclass(frozen=True, slots=True)
class Model:
    """A named model in a workspace; what runs is one of its versions."""

    id: int
    workspace_id: int
    name: str
    owner_id: str
    created_at: datetime
    updated_at: datetime


class ModelStatus(StrEnum):
    """Where an uploaded version is on its way to being servable."""

    PENDING = "pending"
    """It waits to be made ready."""
    PREPARING = "preparing"
    """It is being made ready, see ``runtimes.PreparationStage`` for how far."""
    READY = "ready"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable upload.

    ``sha`` is the SHA-256 of the file (64 hex digits) and its name in the artifact store; ``size`` in bytes;
    ``conversion`` what the uploader said of framework, architecture and requirements; ``signature`` the tensors read
    from the file (``Signature.to_json``), None where the framework has none.
    """

    id: int
    workspace_id: int
    model_id: int
    name: str
    version: str
    sha: str
    size: int
    file_name: str
    visibility: str
    conversion: dict[str, Any]
    signature: dict[str, Any] | None
    status: str
    error_summary: str | None
    image_path: str | None
    created_on_version: str
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """How a version is to be served; the newest one of a version counts."""

    id: int
    workspace_id: int
    model_version_id: int
    runtime: str
    tensor_fields: list[str] | None
    filter_threshold: float | None
    input_schema: str | None
    output_schema: str | None
    batch_config: str | None
    dynamic_batching: dict[str, Any] | None
    continuous_batching: dict[str, Any] | None
    openai: dict[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tag:
    """A word to find things by; seen by its creator and by whoever sees something that carries it."""

    id: int
    tag: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ModelTag:
    """A tag on a model version."""

    id: int
    workspace_id: int
    tag_id: int
    model_version_id: int


@dataclass(frozen=True, slots=True)
class PipelineTag:
    """A tag on a pipeline."""

    id: int
    workspace_id: int
    tag_id: int
    pipeline_id: int


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A named file of an experiment; its bytes lie in the artifact store under ``sha``.

    ``path`` is unique, with forward slashes and no empty or dotted part; its first part is the experiment's id.
    """

    id: int
    experiment_id: str
    path: str
    sha: str
    size: int


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """A file that arrives in parts, for ``path`` as in ``ArtifactFile``."""

    id: str
    path: str
    user_id: str
    part_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One part of a file, numbered from 1; its bytes lie in the artifact store under ``sha``."""

    id: int
    upload_id: str
    number: int
    sha: str
    size: int


@dataclass(frozen=True, slots=True)
class Secret:
    """Credentials for a store outside, sealed: what they are leaves the server for that store only.

    ``kind`` and ``format`` are ``SecretKind`` and ``SecretFormat``, the latter empty for registries. ``store`` is the
    type of the store in rclone's words, ``remote`` the name that stands for it in URIs. ``sealed`` can be opened with
    the key ``key_id`` by who knows workspace, kind and name.
    """

    id: int
    workspace_id: int
    kind: str
    name: str
    remote: str
    format: str
    store: str
    key_id: str
    sealed: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExternalRegistry:
    """A model registry outside, an MLflow tracking server or what speaks like one, whose versions can be uploaded.

    ``url`` is the root below which ``/api/2.0/mlflow`` lies. ``sealed`` is the token for it; it can be opened with the
    key ``key_id`` by who knows id and url. It is seen in the workspaces that it is attached to
    (``RegistryAttachment``), and by whoever made it while there is none.
    """

    id: str
    name: str
    url: str
    key_id: str
    sealed: str
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RegistryAttachment:
    """A workspace whose members use an ``ExternalRegistry``."""

    id: int
    workspace_id: int
    registry_id: str


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What people say of the model at a URI, in a project; at most one entry a project and URI.

    ``tags`` are texts and ``metrics`` finite numbers by key; ``prediction_schema`` describes inputs and outputs as
    Seldon writes it, None where nothing is said.
    """

    id: int
    project: str
    uri: str
    name: str
    version: str
    artifact_type: str
    task_type: str
    tags: dict[str, str]
    metrics: dict[str, float]
    prediction_schema: dict[str, Any] | None
    default_protocol: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
