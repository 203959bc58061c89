"""What serving stores."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A named chain of steps in a workspace; what is deployed is one of its versions."""

    id: int
    workspace_id: int
    name: str
    owner_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One immutable definition: ``{"id": pipeline name, "steps": [{step kind: …}, …]}``, or ``{}`` when empty."""

    id: int
    workspace_id: int
    pipeline_id: int
    version: str
    definition: dict[str, Any]
    created_on_version: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a pipeline is meant to serve, at most one a pipeline.

    ``state`` is one of ``DeploymentState``. ``revision`` grows with every change of what is to be served; workers
    report the revision they have loaded. ``models`` lists, in the order of the steps, what to load:
    ``{"version_id", "config_id"}``.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    pipeline_version_id: int
    name: str
    state: str
    error: str | None
    revision: int
    models: list[dict[str, Any]]
    engine_config: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Worker:
    """A live web worker process; one without a heartbeat for ``WORKER_TIMEOUT`` counts as gone."""

    id: str
    server_id: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class Replica:
    """What one worker has loaded of one deployment; ``error`` tells why it could not."""

    id: int
    worker_id: str
    deployment_id: int
    revision: int
    error: str | None
