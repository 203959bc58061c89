"""Model registries outside: connected, shared between workspaces, looked through, and uploaded from."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ExternalRegistry
from modelyard.core.catalogue.registries import (
    NewRegistry,
    OpenRegistry,
    attach_registry,
    create_registry,
    detach_registry,
    get_registry,
    list_registries,
    open_registry,
)
from modelyard.core.catalogue.registry_models import RemoteFiles, RemoteModel, RemoteVersion
from modelyard.core.catalogue.registry_paths import RegisteredPath
from modelyard.core.catalogue.registry_uploads import may_upload_from, upload_from_registry
from modelyard.core.kernel.errors import rate_limited
from modelyard.dialects.wallaroo.dialect import json, timestamp, wallaroo
from modelyard.dialects.wallaroo.registry_bodies import (
    AttachmentBody,
    CreateBody,
    FromRegistryBody,
    RegisteredModelBody,
    RegisteredVersionBody,
    RegistriesBody,
    RegistryBody,
)
from modelyard.dialects.wallaroo.upload_metadata import new_version, require_isolation
from modelyard.web.call import Call

_RETRY_SECONDS = 5
_MASKED = "********"
_LARGEST = 10**14
"""Bytes; and ms since 1970, in the year 5138."""
_EACH, _ALL = 2, 20
"""Calls of registries that may be under way for one user, and for all of this process."""
# Registries may be slow: few are asked at once, on threads that nothing else waits for.
_calls = ThreadPoolExecutor(4, "registry")
_under_way: Counter[str] = Counter()
T = TypeVar("T")


@wallaroo.post("/v1/api/models/create_registry", Permission.SECRET_EDIT, body=CreateBody)
async def create(call: Call) -> Response:
    """Connect a model registry; its token is never shown again."""
    body = await call.json(CreateBody)
    new = NewRegistry(body.name, body.url, body.token, body.workspace_id)
    made = await call.services.store.write(create_registry, call.actor, call.services.sealer, new)
    return json({"id": made.id, "workspace_id": body.workspace_id})


@wallaroo.post("/v1/api/models/attach_registry_to_workspace", Permission.SECRET_EDIT, body=AttachmentBody)
async def attach(call: Call) -> Response:
    """Let another workspace use a registry."""
    body = await call.json(AttachmentBody)
    await call.services.store.write(attach_registry, call.actor, str(body.registry_id), body.workspace_id)
    return json({"id": str(body.registry_id), "workspace_id": body.workspace_id})


@wallaroo.post("/v1/api/models/remove_registry_from_workspace", Permission.SECRET_EDIT, body=AttachmentBody)
async def detach(call: Call) -> Response:
    """Let a workspace use a registry no longer."""
    body = await call.json(AttachmentBody)
    await call.services.store.write(detach_registry, call.actor, str(body.registry_id), body.workspace_id)
    return json({"id": str(body.registry_id), "workspace_id": body.workspace_id})


@wallaroo.post("/v1/api/models/get_registry", Permission.SECRET_READ, body=RegistryBody)
async def get(call: Call) -> Response:
    """One registry with its workspaces."""
    body = await call.json(RegistryBody)
    view = await call.services.store.read(get_registry, call.actor, str(body.registry_id))
    workspaces = [{"id": each.id, "name": each.name} for each in view.workspaces]
    return json({**_registry(view.registry), "workspaces": workspaces})


@wallaroo.post("/v1/api/models/list_registries", Permission.SECRET_READ, body=RegistriesBody)
async def list_(call: Call) -> Response:
    """Registries of a workspace, or all that the caller may see."""
    body = await call.json(RegistriesBody)
    found = await call.services.store.read(list_registries, call.actor, body.workspace_id)
    return json([_registry(each) for each in found])


@wallaroo.post("/v1/api/models/list_registry_models", Permission.SECRET_USE, body=RegistryBody)
async def models(call: Call) -> Response:
    """The registered models of a registry."""
    body = await call.json(RegistryBody)
    registry = await _opened(call, body.registry_id)
    found = await _answered(call, partial(call.services.registries.models, registry))
    return json({"registered_models": [_model(each) for each in found], "next_page_token": None})


@wallaroo.post("/v1/api/models/list_registry_model_versions", Permission.SECRET_USE, body=RegisteredModelBody)
async def versions(call: Call) -> Response:
    """The versions of a registered model, newest first."""
    body = await call.json(RegisteredModelBody)
    registry = await _opened(call, body.registry_id)
    found = await _answered(call, partial(call.services.registries.versions, registry, body.model_name))
    return json({"model_versions": [_version(each) for each in found], "next_page_token": None})


@wallaroo.post(
    "/v1/api/models/list_registry_model_version_artifacts", Permission.SECRET_USE, body=RegisteredVersionBody
)
async def artifacts(call: Call) -> Response:
    """What a registered version holds, with the paths by which it is uploaded."""
    body = await call.json(RegisteredVersionBody)
    registry = await _opened(call, body.registry_id)
    found = await _answered(call, partial(call.services.registries.files, registry, body.name, body.version))
    return json(_files(found))


@wallaroo.post("/v1/api/models/upload_from_registry", Permission.MODEL_EDIT, body=FromRegistryBody)
async def upload(call: Call) -> Response:
    """Upload what a registry holds: it is downloaded and made ready after the answer, see the upload's log."""
    body = await call.json(FromRegistryBody)
    new, registry_id = new_version(body, ""), str(body.registry_id)
    await call.services.store.read(may_upload_from, call.actor, new, registry_id)
    await require_isolation(call, new)
    version = await call.services.store.write(upload_from_registry, call.actor, new, registry_id, body.path)
    return json({"model_id": version.id})


async def _opened(call: Call, registry_id: UUID) -> OpenRegistry:
    services = call.services
    return await services.store.read(open_registry, call.actor, services.sealer, str(registry_id))


async def _answered(call: Call, ask: Callable[[], T]) -> T:
    """What a registry says, unless too many wait for one already."""
    who = call.actor.user_id
    if _under_way[who] >= _EACH or _under_way.total() >= _ALL:
        raise rate_limited("other calls of model registries are under way; wait for their answers", _RETRY_SECONDS)
    _under_way[who] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_calls, ask)
    finally:
        _under_way[who] -= 1
        if not _under_way[who]:
            del _under_way[who]


def _registry(registry: ExternalRegistry) -> dict[str, Any]:
    return {
        "id": registry.id,
        "name": registry.name,
        "url": registry.url,
        "token": _MASKED,
        "created_at": timestamp(registry.created_at),
        "updated_at": timestamp(registry.updated_at),
    }


def _model(model: RemoteModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "user_id": model.user_id or "",
        "creation_timestamp": _number(model.creation_timestamp),
        "last_updated_timestamp": _number(model.last_updated_timestamp),
        "latest_versions": [_version(each) for each in model.latest_versions],
    }


def _version(version: RemoteVersion) -> dict[str, Any]:
    """With exactly the members that the published clients know, which fail over others."""
    needed = {name: getattr(version, name) or "" for name in ("run_id", "source", "status")}
    times = {name: _number(getattr(version, name)) for name in ("creation_timestamp", "last_updated_timestamp")}
    return {**asdict(version), **needed, **times, "current_stage": version.current_stage or "None"}


def _number(told: int) -> int:
    """What a registry said, as far as JSON and calendars go."""
    return max(0, min(told, _LARGEST))


def _files(found: RemoteFiles) -> list[dict[str, Any]]:
    version = found.version
    entries = [*((path, size, False) for path, size in found.sizes.items()), *((p, 0, True) for p in found.folders)]
    return [
        {
            "path": f"/{path}",
            "full_path": str(RegisteredPath(version.name, version.version, None, path)),
            "file_size": _number(size),
            "is_dir": is_folder,
            "modification_time": _number(version.last_updated_timestamp),
        }
        for path, size, is_folder in sorted(entries)
    ]
