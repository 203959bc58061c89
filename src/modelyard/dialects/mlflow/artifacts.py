"""``/mlflow-artifacts/*`` and the other ways to artifacts: bytes go through this server."""

import asyncio
import mimetypes
from typing import Any

import msgspec
from starlette.responses import FileResponse, Response

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition
from modelyard.core.tracking import artifacts as core
from modelyard.core.tracking.artifacts import Entry
from modelyard.core.tracking.runs import get_run
from modelyard.dialects.mlflow.dialect import API, ARTIFACTS, answer, mlflow, query
from modelyard.dialects.mlflow.runs import RunId
from modelyard.web.call import Call

_FILE = f"{ARTIFACTS}/artifacts/{{path:path}}"
_SHOWN_INERT = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-cache",
}
"""What somebody uploaded never runs as a page of this server."""


class ArtifactPath(msgspec.Struct):
    """Which folder."""

    path: str = ""


class RunArtifactPath(RunId):
    """Which folder or file of a run."""

    path: str = ""


@mlflow.get(f"{ARTIFACTS}/artifacts", Permission.EXPERIMENT_READ)
async def list_folder(call: Call) -> Response:
    """What lies directly in a folder; names without the folder."""
    entries = await call.services.store.read(core.list_artifacts, call.actor, query(call, ArtifactPath).path)
    return answer({"files": [_entry(entry, "") for entry in entries]} if entries else None)


@mlflow.get(_FILE, Permission.EXPERIMENT_READ)
async def download(call: Call) -> Response:
    """The bytes of one file."""
    return await _file(call, call.request.path_params["path"])


@mlflow.route("PUT", _FILE, Permission.EXPERIMENT_EDIT, accepts="application/octet-stream")
async def upload(call: Call) -> Response:
    """Keep the body as a file, in place of one of this name."""
    path: str = call.request.path_params["path"]
    services = call.services
    await services.store.read(core.may_write, call.actor, path)
    with services.artifacts.upload(upload_limit(call)) as incoming:
        async for chunk in call.request.stream():
            incoming.write(chunk)
        await asyncio.to_thread(core.keep_artifact, services.store, services.artifacts, call.actor, path, incoming)
    return Response(status_code=200)


@mlflow.route("DELETE", _FILE, Permission.EXPERIMENT_MANAGE)
async def delete(call: Call) -> Response:
    """Remove a file, or all files in a folder."""
    services, path = call.services, call.request.path_params["path"]
    await asyncio.to_thread(core.drop_artifacts, services.store, services.artifacts, call.actor, path)
    return answer()


@mlflow.get(f"{API}/artifacts/list", Permission.EXPERIMENT_READ)
async def list_of_run(call: Call) -> Response:
    """What lies directly in a folder of a run's artifacts."""
    asked = query(call, RunArtifactPath)
    found = await call.services.store.read(get_run, call.actor, asked.id)
    return await listing(call, found.run.artifact_uri, core.checked_path(asked.path) if asked.path else "")


@mlflow.get("/get-artifact", Permission.EXPERIMENT_READ)
async def get_artifact(call: Call) -> Response:
    """The bytes of one file of a run."""
    asked = query(call, RunArtifactPath)
    found = await call.services.store.read(get_run, call.actor, asked.id)
    return await _file(call, f"{_own_path(found.run.artifact_uri)}/{core.checked_path(asked.path)}")


async def listing(call: Call, root: str, folder: str) -> Response:
    """``{"root_uri", "files"}`` of one folder below an artifact root; names begin with the folder."""
    base = _own_path(root)
    entries = await call.services.store.read(core.list_artifacts, call.actor, f"{base}/{folder}" if folder else base)
    files = [_entry(entry, f"{folder}/" if folder else "") for entry in entries]
    return answer({"root_uri": root} | ({"files": files} if files else {}))


def upload_limit(call: Call) -> int:
    """How many bytes an upload may have; ``TOO_LARGE`` at once when it declares more."""
    limit = call.services.limits.upload_bytes
    declared = call.request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise DomainError(ErrorKind.TOO_LARGE, f"the upload exceeds the limit of {limit} bytes", limit=limit)
    return limit


async def _file(call: Call, path: str) -> Response:
    found = await call.services.store.read(core.find_artifact, call.actor, path)
    first = {"path": found.path, "sha": found.sha}  # training jobs read much: others within the minute are counted
    await call.services.audit.read(call.actor, Action.ARTIFACT_READ, "experiment", found.experiment_id, **first)
    place = await asyncio.to_thread(call.services.artifacts.path, found.sha)
    name = path.rpartition("/")[2]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FileResponse(place, headers=_SHOWN_INERT, media_type=kind, filename=name)


def _own_path(uri: str) -> str:
    path = core.location_path(uri)
    if path is None:
        raise failed_precondition(f"these artifacts lie at {uri[:200]}, a store that clients reach by themselves")
    return path


def _entry(entry: Entry, folder: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": f"{folder}{entry.path}", "is_dir": entry.size is None}
    return shown | {"file_size": entry.size} if entry.size else shown
