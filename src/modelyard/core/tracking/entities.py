"""What tracking stores. Times are milliseconds since 1970, as those who log give them.

Runs and logged models carry the ``workspace_id`` of their experiment: access is decided by it and by the experiment.
"""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_EXPERIMENT = "0"


class Lifecycle(StrEnum):
    """Whether a thing is in use or was deleted and can be restored."""

    ACTIVE = "active"
    DELETED = "deleted"


class RunStatus(StrEnum):
    """How far a run has come."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class LoggedModelStatus(StrEnum):
    """How far a logged model has come."""

    UNSPECIFIED = "LOGGED_MODEL_STATUS_UNSPECIFIED"
    PENDING = "LOGGED_MODEL_PENDING"
    READY = "LOGGED_MODEL_READY"
    UPLOAD_FAILED = "LOGGED_MODEL_UPLOAD_FAILED"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Runs that belong together. The id is ``0`` for the first one, else 18 random digits: never used again."""

    id: str
    workspace_id: int
    name: str
    artifact_location: str
    lifecycle: str
    creation_time: int
    last_update_time: int
    owner_id: str


@dataclass(frozen=True, slots=True)
class ExperimentTag:
    """A key and value on an experiment."""

    id: int
    experiment_id: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution that logs. The id is 32 hex digits."""

    id: str
    experiment_id: str
    workspace_id: int
    name: str
    user_name: str
    status: str
    start_time: int | None
    end_time: int | None
    lifecycle: str
    artifact_uri: str
    deleted_time: int | None


@dataclass(frozen=True, slots=True)
class RunParam:
    """A parameter of a run: written once."""

    id: int
    run_id: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag:
    """A key and value on a run."""

    id: int
    run_id: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement. ``value`` is 0 where ``is_nan`` says that it was not a number."""

    id: int
    run_id: str
    key: str
    value: float
    timestamp: int
    step: int
    is_nan: bool


@dataclass(frozen=True, slots=True)
class LatestMetric:
    """The measurement of a key that counts: that of the highest step, then time, then value."""

    id: int
    run_id: str
    key: str
    value: float
    timestamp: int
    step: int
    is_nan: bool


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that runs took in, known by name and digest within its experiment."""

    id: str
    experiment_id: str
    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None


@dataclass(frozen=True, slots=True)
class RunDataset:
    """A run took in a dataset; ``context`` is the tag that says what for."""

    id: int
    run_id: str
    dataset_id: str
    context: str | None
    tags: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class RunModel:
    """A run took in (``direction`` input) or gave out (output) a logged model."""

    id: int
    run_id: str
    model_id: str
    direction: str
    step: int


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that a run logged, before or without being registered. The id is ``m-`` and 32 hex digits."""

    id: str
    experiment_id: str
    workspace_id: int
    name: str
    artifact_uri: str
    status: str
    status_message: str | None
    model_type: str | None
    source_run_id: str | None
    lifecycle: str
    creation_timestamp: int
    last_updated_timestamp: int


@dataclass(frozen=True, slots=True)
class LoggedModelParam:
    """A parameter of a logged model: written once."""

    id: int
    logged_model_id: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class LoggedModelTag:
    """A key and value on a logged model."""

    id: int
    logged_model_id: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class LoggedModelMetric:
    """A measurement of a logged model, made by a run and perhaps on a dataset."""

    id: int
    logged_model_id: str
    run_id: str
    key: str
    value: float
    timestamp: int
    step: int
    is_nan: bool
    dataset_id: str | None
    dataset_name: str | None
    dataset_digest: str | None


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """What the registry keeps of a model of the catalogue.

    ``last_number`` is that of its newest version, deleted or not: no number is given twice.
    """

    model_id: int
    workspace_id: int
    name: str
    description: str | None
    creation_timestamp: int
    last_updated_timestamp: int
    last_number: int


@dataclass(frozen=True, slots=True)
class RegisteredModelTag:
    """A key and value on a registered model."""

    id: int
    model_id: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """What the registry keeps of a version of the catalogue. ``number`` counts from 1 within the model."""

    model_version_id: int
    model_id: int
    workspace_id: int
    name: str
    number: int
    user_name: str
    stage: str
    description: str | None
    source: str
    storage_location: str
    run_id: str | None
    run_link: str | None
    logged_model_id: str | None
    status: str
    status_message: str | None
    creation_timestamp: int
    last_updated_timestamp: int


@dataclass(frozen=True, slots=True)
class RegisteredVersionTag:
    """A key and value on a version."""

    id: int
    model_version_id: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RegisteredAlias:
    """A name for one version of a model that can be moved to another."""

    id: int
    model_id: int
    alias: str
    number: int
