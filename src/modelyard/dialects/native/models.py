"""Versions of models: how each became one that can be served, and what serves it."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.preparation_views import PreparationView, find_preparation
from modelyard.core.catalogue.runtimes import ModelRuntime, PreparationStage, RuntimeKind
from modelyard.core.kernel.errors import not_found
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_ID_DIGITS = 15


@native.get("/api/v1/models/{workspace}/{name}/versions/{version}", Permission.MODEL_READ)
async def version(call: Call) -> Response:
    """One version, by the workspace's number, the model's name and its own number, uuid or ``latest``."""
    path = call.request.path_params
    workspace = path["workspace"]
    if not (workspace.isascii() and workspace.isdecimal() and len(workspace) <= _ID_DIGITS):
        raise not_found("workspace", workspace[:80])
    asked = int(workspace), path["name"], path["version"]
    view = await call.services.store.read(find_preparation, call.actor, *asked)
    return json(_shown(view))


def _shown(view: PreparationView) -> dict[str, Any]:
    made = view.version
    return {
        "id": made.id,
        "workspace_id": made.workspace_id,
        "name": made.name,
        "number": view.number,
        "version": made.version,
        "file": {"name": made.file_name, "size": made.size, "sha256": made.sha},
        "framework": made.conversion.get("framework", "onnx"),
        "status": made.status,
        "error": made.error_summary,
        "signature": made.signature,
        "runtime": _runtime(view.runtime, served=made.signature is not None),
        "environment": _environment(view),
        "stages": [_stage(stage) for stage in view.stages],
        "created_at": timestamp(made.created_at),
        "updated_at": timestamp(made.updated_at),
    }


def _runtime(runtime: ModelRuntime | None, *, served: bool) -> dict[str, Any] | None:
    """A version without a runtime that can be served is the ONNX file that was uploaded."""
    if runtime is None:
        return {"kind": RuntimeKind.ONNX, "file_class": None, "parity": None} if served else None
    return {"kind": runtime.kind, "sha256": runtime.sha, "file_class": runtime.file_class, "parity": runtime.parity}


def _environment(view: PreparationView) -> dict[str, Any] | None:
    found = view.environment
    if found is None:
        return None
    return {"digest": found.id, "python": found.python, "requested": found.requested, "lock": found.lock}


def _stage(stage: PreparationStage) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "state": stage.state,
        "message": stage.message,
        "log": stage.log,
        "started_at": timestamp(stage.started_at),
        "finished_at": timestamp(stage.finished_at),
    }
