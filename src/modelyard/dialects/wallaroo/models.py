"""Models, their versions and configurations."""

import asyncio
from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Model, ModelConfig, ModelVersion
from modelyard.core.catalogue.models import (
    ModelView,
    VersionView,
    configure_version,
    get_config,
    get_model,
    get_version,
    list_models,
    list_versions,
)
from modelyard.core.catalogue.preparation_views import get_preparation
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.identity.entities import User
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.removal import delete_model, delete_model_versions, deployed_versions
from modelyard.dialects.wallaroo.dialect import json, timestamp, wallaroo
from modelyard.dialects.wallaroo.model_bodies import (
    ConfigBody,
    ConfigOfBody,
    IdBody,
    ListBody,
    NamedBody,
    OfModelBody,
    VersionBody,
    VersionsBody,
)
from modelyard.dialects.wallaroo.model_shown import conversion, status, upload_log
from modelyard.dialects.wallaroo.workspaces import workspace
from modelyard.web.call import Call, json_bytes


@wallaroo.post("/v1/api/models/list", Permission.MODEL_READ, body=ListBody)
async def list_(call: Call) -> Response:
    """Models with their versions."""
    body = await call.json(ListBody)
    return json({"models": await call.services.store.read(_listed_models, call.actor, body)})


@wallaroo.post("/v1/api/models/list_versions_for_model", Permission.MODEL_READ, body=NamedBody)
async def list_versions_for_model(call: Call) -> Response:
    """One model with its versions."""
    body = await call.json(NamedBody)
    where = ListBody(workspace_id=body.workspace_id)
    return json({"models": await call.services.store.read(_listed_models, call.actor, where, body.model_id)})


@wallaroo.post("/v1/api/models/list_versions", Permission.MODEL_READ, body=OfModelBody)
async def versions(call: Call) -> Response:
    """The versions of a model, newest last."""
    body = await call.json(OfModelBody)
    found = await call.services.store.read(list_versions, call.actor, name=body.model_id, model_id=body.models_pk_id)
    return json([_flat(version) for version in found])


@wallaroo.post("/v1/api/models/get", Permission.MODEL_READ, body=IdBody)
async def get(call: Call) -> Response:
    """One model with its workspace and versions."""
    body = await call.json(IdBody)
    view = await call.services.store.read(get_model, call.actor, body.id)
    home = {"id": view.workspace.id, "name": view.workspace.name}
    newest_first = [_flat(held.version) for held in reversed(view.versions)]  # the SDK takes the first as the latest
    return json({**_model(view.model), "models": newest_first, "workspace": home})


@wallaroo.post("/v1/api/models/get_by_id", Permission.MODEL_READ, body=IdBody)
async def get_by_id(call: Call) -> Response:
    """One model with the configuration of its newest version."""
    body = await call.json(IdBody)
    view = await call.services.store.read(get_model, call.actor, body.id)
    newest = _short_config(view.versions[-1].config) if view.versions else None
    return json({**_model(view.model), "model_config": newest})


@wallaroo.post("/v1/api/models/get_version_by_id", Permission.MODEL_READ, body=VersionBody)
async def get_version_by_id(call: Call) -> Response:
    """One version with its newest configuration."""
    body = await call.json(VersionBody)
    return json({"model_version": await call.services.store.read(_shown_version, call.actor, body.model_version_id)})


@wallaroo.post("/v1/api/models/get_model_version_by_id", Permission.MODEL_READ, body=VersionBody)
async def get_model_version_by_id(call: Call) -> Response:
    """The same under the name that the generated client uses."""
    return await get_version_by_id(call)


@wallaroo.post("/v1/api/models/insert_model_config", Permission.MODEL_EDIT, body=ConfigBody)
async def insert_model_config(call: Call) -> Response:
    """Configure a version; deployments take it up when they are deployed again."""
    body = await call.json(ConfigBody)
    config = await call.services.store.write(configure_version, call.actor, body.model_version_id, body.config())
    return json({"model_config": model_config(config)})


@wallaroo.post("/v1/api/models/get_config_by_id", Permission.MODEL_READ, body=ConfigOfBody)
async def get_config_by_id(call: Call) -> Response:
    """The newest configuration of a version."""
    body = await call.json(ConfigOfBody)
    config = await call.services.store.read(get_config, call.actor, body.model_id)
    return json({"model_config": _short_config(config)})


@wallaroo.post("/v1/api/models/get_upload_logs", Permission.MODEL_READ, body=VersionBody)
async def get_upload_logs(call: Call) -> Response:
    """What happened to an upload, line by line."""
    body = await call.json(VersionBody)
    lines = await call.services.store.read(_upload_log, call.actor, body.model_version_id)
    return json({"logs": lines[-body.lines :] if body.lines and body.lines > 0 else lines})


@wallaroo.post("/v1/api/models/delete_model", Permission.MODEL_DELETE, body=NamedBody)
async def delete(call: Call) -> Response:
    """Remove a model with all its versions; answers how many bytes that frees."""
    body = await call.json(NamedBody)
    gone = await call.services.store.write(delete_model, call.actor, body.workspace_id, body.model_id)
    return json({"bytes": await _free(call, gone)})


@wallaroo.post("/v1/api/models/delete_model_versions", Permission.MODEL_DELETE, body=VersionsBody)
async def delete_versions(call: Call) -> Response:
    """Remove versions; answers how many bytes that frees."""
    body = await call.json(VersionsBody)
    gone = await call.services.store.write(delete_model_versions, call.actor, body.model_versions)
    return json({"bytes": await _free(call, gone)})


async def _free(call: Call, gone: list[ModelVersion]) -> int:
    """Delete the files that nothing refers to any more; returns their bytes."""
    sizes = {version.sha: version.size for version in gone}
    services = call.services
    dropped = await asyncio.to_thread(drop_unreferenced, services.store, services.artifacts, sizes.keys())
    return sum(sizes[sha] for sha in dropped)


def _listed_models(tx: Tx, actor: Actor, body: ListBody, name: str | None = None) -> list[dict[str, Any]]:
    views = list_models(tx, actor, workspace_id=body.workspace_id, workspace_name=body.workspace_name)
    chosen = [view for view in views if name is None or view.model.name == name]
    names = _emails(tx, [v.version for view in chosen for v in view.versions])
    held = deployed_versions(tx)
    return [_item(view, names, held) for view in chosen]


def _shown_version(tx: Tx, actor: Actor, version_id: int) -> dict[str, Any]:
    view = get_version(tx, actor, version_id)
    held = deployed_versions(tx)
    return _configured(view, _emails(tx, [view.version]), held)


def _upload_log(tx: Tx, actor: Actor, version_id: int) -> list[str]:
    view = get_preparation(tx, actor, version_id)
    return upload_log(view.version, view.stages)


def _emails(tx: Tx, versions: list[ModelVersion]) -> dict[str, str]:
    users = tx.values(User, ("id", "email", "username"), id={version.created_by for version in versions})
    return {key: email or username for key, email, username in users}


def _item(view: ModelView, names: dict[str, str], held: set[int]) -> dict[str, Any]:
    versions = [_configured(version, names, held) for version in view.versions]
    return {"model": _model(view.model), "model_versions": versions, "workspace": workspace(view.workspace)}


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "owner_id": model.owner_id,
        "workspace_id": model.workspace_id,
        "created_at": timestamp(model.created_at),
        "updated_at": timestamp(model.updated_at),
    }


def _flat(version: ModelVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "model_id": version.name,
        "model_version": version.version,
        "models_pk_id": version.model_id,
        "sha": version.sha,
        "owner_id": version.created_by,
        "file_name": version.file_name,
        "image_path": version.image_path,
        "status": status(version),
    }


def description(version: ModelVersion, config: ModelConfig) -> str:
    """What answers of a split say of the model that was chosen: JSON text; its maker is named by id."""
    return json_bytes(_configured(VersionView(version, config), {}, {version.id})).decode()


def _configured(view: VersionView, names: dict[str, str], held: set[int]) -> dict[str, Any]:
    version = view.version
    return {
        "model_version": {
            "id": version.id,
            "name": version.name,
            "visibility": version.visibility,
            "workspace_id": version.workspace_id,
            "conversion": conversion(version),
            "image_path": version.image_path,
            "status": status(version),
            "task_id": None,
            "file_info": {
                "version": version.version,
                "sha": version.sha,
                "file_name": version.file_name,
                "size": version.size,
            },
            "created_on_version": version.created_on_version,
            "created_by": names.get(version.created_by, version.created_by),
            "created_at": timestamp(version.created_at),
            "deployed": version.id in held,
            "error_summary": version.error_summary,
        },
        "config": model_config(view.config),
    }


def model_config(config: ModelConfig) -> dict[str, Any]:
    """A configuration with every field."""
    return {
        "id": config.id,
        "model_version_id": config.model_version_id,
        "runtime": config.runtime,
        "filter_threshold": config.filter_threshold,
        "tensor_fields": config.tensor_fields,
        "input_schema": config.input_schema,
        "output_schema": config.output_schema,
        "batch_config": config.batch_config,
        "dynamic_batching_config": config.dynamic_batching,
        "continuous_batching_config": config.continuous_batching,
        "openai": config.openai,
        "queue_depth": None,
        "sidekick_uri": None,
    }


def _short_config(config: ModelConfig) -> dict[str, Any]:
    return {
        "id": config.id,
        "runtime": config.runtime,
        "tensor_fields": config.tensor_fields,
        "filter_threshold": config.filter_threshold,
    }
