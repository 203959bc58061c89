"""Pipelines and their versions: what runs after what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from modelyard.client.errors import NotFoundError
from modelyard.client.models import ModelVersion
from modelyard.client.times import parse_time
from modelyard.client.transport import Transport, reading

_PIPELINE = """
query Pipeline($id: bigint!) {
  pipeline_by_pk(id: $id) {
    id pipeline_id created_at workspace { id name }
    pipeline_versions(order_by: [{id: desc}]) { id version definition created_at }
    deployment { id deploy_id deployed }
  }
}
"""


@dataclass(frozen=True)
class StepModel:
    """The model version a step runs."""

    name: str
    version: str


@dataclass(frozen=True)
class Step:
    """One step: its kind in the API's words (`ModelInference`, …) and the models it names."""

    kind: str
    models: tuple[StepModel, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a step: an object with one key, its kind."""
        ((kind, content),) = row.items()
        models = content.get("models", ()) if isinstance(content, dict) else ()
        return cls(str(kind), tuple(StepModel(str(model["name"]), str(model["version"])) for model in models))


@dataclass(frozen=True)
class PipelineVersion:
    """A pipeline as it was saved once; never changes."""

    id: int
    version: str
    steps: tuple[Step, ...]
    created_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a pipeline_version row."""
        steps = (row["definition"] or {}).get("steps", ())
        return cls(
            id=int(row["id"]),
            version=str(row["version"]),
            steps=tuple(Step.of(step) for step in steps),
            created_at=parse_time(row.get("created_at")),
        )


@dataclass(frozen=True)
class Deployment:
    """A pipeline's place to run. `deployed` says whether it is meant to run, its status whether it does."""

    id: int
    name: str
    deployed: bool

    @property
    def status_name(self) -> str:
        """What status/get_deployment and the inference URL call it."""
        return f"{self.name}-{self.id}"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline with its versions that have steps, newest first, and where it runs if it was ever deployed."""

    id: int
    name: str
    workspace_id: int
    workspace_name: str
    created_at: datetime | None
    versions: tuple[PipelineVersion, ...]
    deployment: Deployment | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a pipeline row of the graph. Versions without steps are left out: creating makes an empty one."""
        deployment = row["deployment"]
        versions = (PipelineVersion.of(version) for version in row["pipeline_versions"])
        return cls(
            id=int(row["id"]),
            name=str(row["pipeline_id"]),
            workspace_id=int(row["workspace"]["id"]),
            workspace_name=str(row["workspace"]["name"]),
            created_at=parse_time(row["created_at"]),
            versions=tuple(version for version in versions if version.steps),
            deployment=deployment
            and Deployment(int(deployment["id"]), str(deployment["deploy_id"]), bool(deployment["deployed"])),
        )


class Pipelines:
    """The pipelines part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, workspace_id: int) -> tuple[Pipeline, ...]:
        """The pipelines of a workspace, by name."""
        return tuple(self.by_id(pipeline_id) for _, pipeline_id in sorted(self._names(workspace_id)))

    def get(self, workspace_id: int, name: str) -> Pipeline:
        """The pipeline of that name; the error lists those there are."""
        found = dict(self._names(workspace_id))
        if name in found:
            return self.by_id(found[name])
        hint = f"There are: {', '.join(sorted(found))}." if found else "It has none yet: `modelyard pipeline create`."
        raise NotFoundError(f"There is no pipeline {name!r} in this workspace.", hint=hint)

    def by_id(self, pipeline_id: int) -> Pipeline:
        """One pipeline by its id."""
        data = self._transport.query(_PIPELINE, {"id": pipeline_id})
        with reading("the pipeline query"):
            row = data["pipeline_by_pk"]
            if row is not None:
                return Pipeline.of(row)
        raise NotFoundError(f"There is no pipeline with the id {pipeline_id} that you may see.")

    def create(self, workspace_id: int, name: str, steps: Sequence[ModelVersion]) -> Pipeline:
        """Save a pipeline that runs these models one after the other; a name that exists gets a new version."""
        references = ({"name": step.name, "version": step.version, "sha": step.sha} for step in steps)
        definition = {"id": name, "steps": [{"ModelInference": {"models": [model]}} for model in references]}
        body = {"pipeline_id": name, "workspace_id": workspace_id, "definition": definition}
        answer = self._transport.call("/v1/api/pipelines/create", body)
        with reading("pipelines/create"):
            pipeline_id = int(answer["pipeline_pk_id"])
        return self.by_id(pipeline_id)

    def _names(self, workspace_id: int) -> tuple[tuple[str, int], ...]:
        answer = self._transport.call("/v1/api/pipelines/list_pipelines", {"workspace_id": workspace_id})
        with reading("pipelines/list_pipelines"):
            return tuple((str(row["pipeline"]["name"]), int(row["pipeline"]["id"])) for row in answer["pipelines"])
