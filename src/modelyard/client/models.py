"""Models and their versions: uploading, listing."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from modelyard.client.errors import NotFoundError
from modelyard.client.times import parse_time
from modelyard.client.transport import Transport, reading

# Called with the bytes sent so far.
Progress = Callable[[int], None]

# The server looks into the file before it answers, which takes longer than other calls.
UPLOAD_TIMEOUT_SECONDS = 600.0


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
            framework=str((row.get("conversion") or {}).get("framework", "")),
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

    def upload(
        self,
        workspace_id: int,
        name: str,
        path: Path,
        framework: str = "onnx",
        progress: Progress = lambda _: None,
    ) -> ModelVersion:
        """Send a file as a new version of a model, streamed from disk.

        Raises OSError when the file cannot be read and InvalidRequestError when the server finds it is no model.
        """
        metadata = {
            "name": name,
            "visibility": "private",
            "workspace_id": workspace_id,
            "conversion": {"framework": framework, "python_version": "3.8", "requirements": []},
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
