"""Models and their versions: uploading, listing."""

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from modelyard.client.errors import NotFoundError
from modelyard.client.schemas import Schemas, tensor_text
from modelyard.client.times import parse_time
from modelyard.client.transport import Transport, reading

# Called with the bytes sent so far.
Progress = Callable[[int], None]

# The server looks into the file before it answers, which takes longer than other calls.
UPLOAD_TIMEOUT_SECONDS = 600.0
# Between two looks at how far a version has come.
WAIT_SECONDS = 0.5
_UNDECLARED = Schemas()


@dataclass(frozen=True)
class ModelVersion:
    """One uploaded file of a model. `version` is its uuid, `sha` the SHA-256 of the file, `size` its bytes."""

    id: int
    name: str
    version: str
    sha: str
    file_name: str
    size: int
    status: str
    framework: str
    created_at: datetime | None
    created_by: str | None
    deployed: bool
    error: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a ModelVersion of the API."""
        file = row["file_info"]
        return cls(
            id=int(row["id"]),
            name=str(row["name"]),
            version=str(file["version"]),
            sha=str(file["sha"]),
            file_name=str(file["file_name"]),
            size=int(file["size"]),
            status=str(row["status"]),
            framework=_framework(row.get("conversion") or {}),
            created_at=parse_time(row.get("created_at")),
            created_by=row.get("created_by"),
            deployed=bool(row.get("deployed")),
            error=row.get("error_summary"),
        )


@dataclass(frozen=True)
class Model:
    """A name in a workspace and the versions uploaded under it, newest first."""

    id: int
    name: str
    workspace_id: int
    created_at: datetime | None
    versions: tuple[ModelVersion, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a ListModelsItem of the API."""
        model = row["model"]
        versions = (ModelVersion.of(item["model_version"]) for item in row["model_versions"])
        return cls(
            id=int(model["id"]),
            name=str(model["name"]),
            workspace_id=int(model["workspace_id"]),
            created_at=parse_time(model.get("created_at")),
            versions=tuple(sorted(versions, key=lambda version: version.id, reverse=True)),
        )


@dataclass(frozen=True)
class Stage:
    """One stage on a version's way to being served. `log` is all that was printed in it."""

    stage: str
    state: str
    message: str
    log: str | None


@dataclass(frozen=True)
class VersionDetails:
    """What is known of one version. `runtime` and `file_class` say what serves it and what its file is.

    `environment` is the digest of its packages and `lock` their versions, both None where it needs none. `inputs` and
    `outputs` are its tensors like `x: float32[20]`, none as long as they are not known.
    """

    id: int
    name: str
    number: int
    version: str
    framework: str
    status: str
    error: str | None
    runtime: str | None
    file_class: str | None
    parity: dict[str, Any] | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    environment: str | None
    lock: str | None
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a version of the native API."""
        runtime, environment = row["runtime"] or {}, row["environment"] or {}
        signature = row["signature"] or {}
        return cls(
            id=int(row["id"]),
            name=str(row["name"]),
            number=int(row["number"]),
            version=str(row["version"]),
            framework=str(row["framework"]),
            status=str(row["status"]),
            error=row["error"],
            runtime=runtime.get("kind"),
            file_class=runtime.get("file_class"),
            parity=runtime.get("parity"),
            inputs=tuple(map(tensor_text, signature.get("inputs", ()))),
            outputs=tuple(map(tensor_text, signature.get("outputs", ()))),
            environment=environment.get("digest"),
            lock=environment.get("lock"),
            stages=tuple(Stage(each["stage"], each["state"], each["message"], each["log"]) for each in row["stages"]),
        )

    @property
    def done(self) -> bool:
        """Whether it is ready, or has failed."""
        return self.status in ("ready", "error")


class CountedFile(io.FileIO):
    """A file that tells how far it has been read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path)
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes of the file."""
        chunk = super().read(-1 if size is None else size) or b""
        self._progress(self.tell())
        return chunk


class Models:
    """The models part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, workspace_id: int) -> tuple[Model, ...]:
        """The models of a workspace, by name."""
        answer = self._transport.call("/v1/api/models/list", {"workspace_id": workspace_id})
        with reading("models/list"):
            found = [Model.of(row) for row in answer["models"]]
        return tuple(sorted(found, key=lambda model: model.name))

    def get(self, workspace_id: int, name: str) -> Model:
        """The model of that name; the error lists those there are."""
        found = self.list(workspace_id)
        for model in found:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in found)
        hint = f"There are: {names}." if names else "It has none yet: `modelyard model upload NAME FILE`."
        raise NotFoundError(f"There is no model {name!r} in this workspace.", hint=hint)

    def version(self, version_id: int) -> ModelVersion:
        """One version by its id."""
        answer = self._transport.call("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
        with reading("models/get_version_by_id"):
            return ModelVersion.of(answer["model_version"]["model_version"])

    def details(self, workspace_id: int, name: str, version: str = "latest") -> VersionDetails:
        """One version by its number, its uuid or `latest`."""
        path = f"/api/v1/models/{workspace_id}/{quote(name, safe='')}/versions/{quote(version, safe='')}"
        answer = self._transport.send("GET", path).json()
        with reading("models/versions"):
            return VersionDetails.of(answer)

    def wait(
        self, workspace_id: int, version: ModelVersion, stage: Callable[[str], None] = lambda _: None
    ) -> VersionDetails:
        """Wait until a version is ready or has failed; `stage` is told in which stage it is."""
        while not (found := self.details(workspace_id, version.name, version.version)).done:
            stage(found.stages[-1].stage if found.stages else found.status)
            time.sleep(WAIT_SECONDS)
        return found

    def upload(
        self,
        workspace_id: int,
        name: str,
        path: Path,
        framework: str = "onnx",
        progress: Progress = lambda _: None,
        requirements: Sequence[str] = (),
        schemas: Schemas = _UNDECLARED,
    ) -> ModelVersion:
        """Send a file as a new version of a model, streamed from disk. One of another framework than ONNX is not ready
        at once: see `wait`. `schemas` are for those that do not say themselves what they take and give.

        Raises OSError when the file cannot be read and InvalidRequestError when the server finds it is no model.
        """
        metadata = {
            "name": name,
            "visibility": "private",
            "workspace_id": workspace_id,
            "conversion": {"framework": framework, "python_version": "3.8", "requirements": list(requirements)},
            **schemas.as_body(),
        }
        with CountedFile(path, progress) as file:
            parts = {
                "metadata": (None, json.dumps(metadata).encode(), "application/json"),
                "file": (path.name, file, "application/octet-stream"),
            }
            response = self._transport.send(
                "POST", "/v1/api/models/upload", files=parts, timeout=UPLOAD_TIMEOUT_SECONDS
            )
        with reading("models/upload"):
            version_id = int(response.json()["insert_models"]["returning"][0]["models"][0]["id"])
        return self.version(version_id)


def _framework(conversion: dict[str, Any]) -> str:
    """By its own name, also where the API's other clients are told another."""
    return str(conversion.get("own_framework") or conversion.get("framework", ""))
