"""Deployments: bringing a pipeline to life, watching it start, taking it away."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from modelyard.client.errors import (
    InvalidRequestError,
    NotFoundError,
    ServerFailedError,
    TimedOutError,
)
from modelyard.client.pipelines import Deployment, Pipeline, PipelineVersion
from modelyard.client.transport import Transport, reading

POLL_SECONDS = 0.25


class State(StrEnum):
    """How a deployment is; STOPPED is what the API says with 404."""

    STARTING = "Starting"
    RUNNING = "Running"
    ERROR = "Error"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class LoadedModel:
    """How a model version of a deployment is in the engines that report the same of it."""

    name: str
    version: str
    state: str


@dataclass(frozen=True)
class DeploymentStatus:
    """A deployment at one moment. `details` are sentences for a person, of the deployment, its engines and the models'
    processes; what several of them say alike is there once, with their number where others do not say it."""

    state: State
    details: tuple[str, ...] = ()
    models: tuple[LoadedModel, ...] = ()

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a DeploymentStatus of the API."""
        engines, sidekicks = row.get("engines") or (), row.get("sidekicks") or ()
        by_engines = Counter(str(text) for engine in engines for text in engine.get("details") or ())
        by_processes = (text for one in sidekicks for text in (one.get("details") or ())[:1])  # then what it printed
        details = [*row.get("details", ()), *(_said(*each, len(engines)) for each in by_engines.items()), *by_processes]
        reported = [model for engine in engines for model in (engine.get("model_statuses") or {}).get("models", ())]
        models = (LoadedModel(str(one["name"]), str(one["version"]), str(one["status"])) for one in reported)
        return cls(
            state=State(row["status"]),
            details=tuple(dict.fromkeys(str(text) for text in details)),
            models=tuple(dict.fromkeys(models)),
        )


def _said(text: str, times: int, engines: int) -> str:
    return text if times >= engines else f"{text} ({times} of {engines} engines)"


Watch = Callable[[DeploymentStatus], None]


class Deployments:
    """The deployments part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deploy(self, pipeline: Pipeline, version: PipelineVersion | None = None) -> Deployment:
        """Ask for a pipeline to run, by default its newest version. Returns at once: see `wait_running`."""
        chosen = version or _newest(pipeline)
        body = {
            "deploy_id": pipeline.name,
            "pipeline_id": pipeline.id,
            "pipeline_version_pk_id": chosen.id,
            "engine_config": {"engine": {}, "workspace_id": pipeline.workspace_id},
        }
        answer = self._transport.call("/v1/api/pipelines/deploy", body)
        with reading("pipelines/deploy"):
            return Deployment(int(answer["id"]), pipeline.name, deployed=True)

    def undeploy(self, deployment: Deployment) -> None:
        """Ask for a deployment to stop. Returns at once: see `wait_stopped`."""
        self._transport.call("/v1/api/pipelines/undeploy", {"deployment_id": deployment.id})

    def status(self, deployment: Deployment) -> DeploymentStatus:
        """How it is now."""
        try:
            answer = self._transport.call("/v1/api/status/get_deployment", {"name": deployment.status_name})
        except NotFoundError:
            return DeploymentStatus(State.STOPPED)
        with reading("status/get_deployment"):
            return DeploymentStatus.of(answer)

    def wait_running(
        self, deployment: Deployment, timeout_seconds: float = 60.0, watch: Watch = lambda _: None
    ) -> None:
        """Return when it runs. Raises ServerFailedError when it cannot start, TimedOutError when time is over."""
        status = self._wait(deployment, {State.RUNNING, State.ERROR}, timeout_seconds, watch)
        if status.state is State.ERROR:
            raise ServerFailedError(f"{deployment.name} could not start. {' '.join(status.details)}".strip())

    def wait_stopped(
        self, deployment: Deployment, timeout_seconds: float = 60.0, watch: Watch = lambda _: None
    ) -> None:
        """Return when it is gone. Raises TimedOutError when time is over."""
        self._wait(deployment, {State.STOPPED}, timeout_seconds, watch)

    def url(self, pipeline: Pipeline) -> str:
        """The address programs send inference requests to."""
        body = {"workspace_id": pipeline.workspace_id, "pipeline_name": pipeline.name}
        answer = self._transport.call("/v1/api/admin/get_pipeline_external_url", body)
        with reading("get_pipeline_external_url"):
            return str(answer["url"])

    def _wait(
        self, deployment: Deployment, wanted: set[State], timeout_seconds: float, watch: Watch
    ) -> DeploymentStatus:
        deadline = time.monotonic() + timeout_seconds
        while True:
            status = self.status(deployment)
            watch(status)
            if status.state in wanted:
                return status
            if time.monotonic() >= deadline:
                raise TimedOutError(f"{deployment.name} is still {status.state} after {timeout_seconds:g} s.")
            time.sleep(POLL_SECONDS)


def _newest(pipeline: Pipeline) -> PipelineVersion:
    if pipeline.versions:
        return pipeline.versions[0]
    raise InvalidRequestError(
        f"The pipeline {pipeline.name} has no steps.",
        hint=f"Give it some: `modelyard pipeline create {pipeline.name} --step MODEL`.",
    )
