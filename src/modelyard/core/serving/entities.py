"""What serving stores."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Form(StrEnum):
    """What kind of document the versions of a pipeline hold."""

    STEPS = "steps"
    """Wallaroo's list of steps."""
    PREDICTORS = "predictors"
    """A SeldonDeployment: predictors that share the traffic, each a tree of units."""
    MODEL = "model"
    """One model, as Seldon Core 2 describes it."""
    DATAFLOW = "dataflow"
    """Steps that feed one another, as a pipeline of Seldon Core 2."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Something that can be deployed, by its name in a workspace; what is deployed is one of its versions.

    ``form`` says how its definitions are written, see ``Form``.
    """

    id: int
    workspace_id: int
    name: str
    form: str
    owner_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One immutable definition, written in the pipeline's form and kept as it was sent.

    As steps: ``{"id": pipeline name, "steps": [{step kind: …}, …]}``, or ``{}`` when empty. ``action`` and ``message``
    say what whoever made the version did, and why.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    version: str
    definition: dict[str, Any]
    created_on_version: str
    action: str | None
    message: str | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a pipeline is meant to serve, at most one a pipeline.

    ``state`` is one of ``DeploymentState``. ``revision`` grows with every change of what is to be served; workers
    report the revision they have loaded. ``models`` lists what to load: ``{"version_id", "config_id"}``; ``plan`` says
    how they work together (see ``serving.graph.plan``), naming models by their place in the list.
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
    plan: dict[str, Any]
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
    """What one worker has loaded of one deployment; ``error`` tells why it could not.

    ``asleep`` are the places in ``Deployment.models`` of those that it has dropped until somebody asks.
    """

    id: int
    worker_id: str
    deployment_id: int
    revision: int
    error: str | None
    asleep: list[int]


class ProcessState(StrEnum):
    """What a model's process is doing."""

    STARTING = "STARTING"
    READY = "READY"
    RESTARTING = "RESTARTING"
    """It ended and waits to be started again."""
    FAILED = "FAILED"
    """It never became ready, or ended so often that it is left alone."""
    DRAINING = "DRAINING"
    """It finishes what it has and takes nothing new."""
    ASLEEP = "ASLEEP"
    """It was ended because nobody asked; the first request starts it."""


@dataclass(frozen=True, slots=True)
class ModelProcess:
    """One process that serves one model of a deployment's revision, ``number`` among its replicas.

    ``place`` is the model's place in ``Deployment.models``; ``socket`` the path below the data folder where workers
    reach it; ``level`` the sandbox it runs in. ``error`` says why it is not ready, ``output`` what it printed last.
    """

    id: int
    server_id: str
    workspace_id: int
    deployment_id: int
    revision: int
    place: int
    number: int
    state: str
    socket: str
    level: str
    pid: int | None
    restarts: int
    error: str | None
    output: str | None
    started_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of an answer, once the truth is known.

    ``request_id`` is the one that was answered, where it was told; ``reward`` in [0, 1] the share of its rows that were
    right; ``routing`` the node that each router had chosen (-1: all of them); ``truth`` as it was sent.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    request_id: str | None
    reward: float
    routing: dict[str, Any]
    truth: Any
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RouterReward:
    """What feedback said so far of one node of a router: ``tries`` rows were answered by it, ``rights`` were right."""

    id: int
    pipeline_id: int
    branch: str
    place: int
    tries: int
    rights: int


@dataclass(frozen=True, slots=True)
class DeploymentEvent:
    """Something that happened to a deployment: a line of its application log.

    ``worker_id`` is the process it happened in, ``node`` the part of the graph; empty where it is about neither.
    """

    id: int
    workspace_id: int
    pipeline_id: int
    worker_id: str
    node: str
    message: str
    created_at: datetime
