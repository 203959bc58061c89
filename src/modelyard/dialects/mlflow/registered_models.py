"""``/registered-models/*``."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.kernel.search import total_order
from modelyard.core.tracking import registered_versions as versions
from modelyard.core.tracking import registry as core
from modelyard.core.tracking.registry import NewModel
from modelyard.core.tracking.registry_views import ModelView
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.dialect import (
    API,
    answer,
    body,
    mlflow,
    next_token,
    page_of,
    pairs,
    present,
    query,
)
from modelyard.dialects.mlflow.experiments import Pair
from modelyard.dialects.mlflow.prompts import without_prompts
from modelyard.dialects.mlflow.registered_versions import version_json
from modelyard.web.call import Call

_PAGE, _PAGE_MAX = 100, 1000


class CreateModel(msgspec.Struct):
    """What a registered model begins with."""

    name: str
    description: str | None = None
    tags: list[Pair] = []


class ModelName(msgspec.Struct):
    """Which registered model."""

    name: str


class RenameModel(msgspec.Struct):
    """A new name."""

    name: str
    new_name: str


class UpdateModel(msgspec.Struct):
    """A new description."""

    name: str
    description: str | None = None


class SearchModels(msgspec.Struct):
    """Which registered models, in which order, which part of them."""

    filter: str | None = None
    max_results: int = _PAGE
    order_by: list[str] = []
    page_token: str | None = None


class LatestVersions(msgspec.Struct):
    """Of which model, in which stages."""

    name: str
    stages: list[str] = []


class ModelTag(msgspec.Struct):
    """A tag to put on."""

    name: str
    key: str
    value: str = ""


class ModelTagKey(msgspec.Struct):
    """A tag to take off."""

    name: str
    key: str


class Alias(msgspec.Struct):
    """Which alias of a model."""

    name: str
    alias: str


class AliasOf(msgspec.Struct):
    """Which alias points to which version."""

    name: str
    alias: str
    version: str


@mlflow.post(f"{API}/registered-models/create", Permission.MODEL_REGISTER, body=CreateModel)
async def create_registered_model(call: Call) -> Response:
    """Register a name for versions."""
    asked = await body(call, CreateModel)
    new = NewModel(asked.name, asked.description, {tag.key: tag.value for tag in asked.tags})
    return _model(await call.services.store.write(core.create_model, call.actor, new))


@mlflow.get(f"{API}/registered-models/get", Permission.MODEL_READ)
async def get_registered_model(call: Call) -> Response:
    """One registered model."""
    return _model(await call.services.store.glance(core.get_model, call.actor, query(call, ModelName).name))


@mlflow.post(f"{API}/registered-models/rename", Permission.MODEL_EDIT, body=RenameModel)
async def rename_registered_model(call: Call) -> Response:
    """Give a registered model another name."""
    asked = await body(call, RenameModel)
    return _model(await call.services.store.write(core.rename_model, call.actor, asked.name, asked.new_name))


@mlflow.route("PATCH", f"{API}/registered-models/update", Permission.MODEL_EDIT, body=UpdateModel)
async def update_registered_model(call: Call) -> Response:
    """Give a registered model another description."""
    asked = await body(call, UpdateModel)
    return _model(await call.services.store.write(core.describe_model, call.actor, asked.name, asked.description))


@mlflow.route("DELETE", f"{API}/registered-models/delete", Permission.MODEL_DELETE, body=ModelName)
async def delete_registered_model(call: Call) -> Response:
    """Remove a registered model with its versions."""
    asked, services = await body(call, ModelName), call.services
    gone = await services.store.write(core.delete_model, call.actor, asked.name)
    shas = [version.sha for version in gone]
    await asyncio.to_thread(drop_unreferenced, services.store, services.artifacts, shas)
    return answer()


@mlflow.get(f"{API}/registered-models/search", Permission.MODEL_READ)
async def search_registered_models(call: Call) -> Response:
    """Registered models that fit a filter."""
    asked = query(call, SearchModels)
    page = page_of(asked.page_token, asked.max_results, _PAGE_MAX)
    conditions, orders = grammar.registered_models(asked.filter, asked.order_by)
    order = total_order(orders, grammar.REGISTERED_MODELS.default, grammar.REGISTERED_MODELS.ties)
    found = await call.services.store.read(core.search_models, call.actor, without_prompts(conditions), order, page)
    shown = [model_json(model) for model in found[: page.limit - 1]]
    return answer(present(registered_models=shown) | next_token(found, page))


@mlflow.get(f"{API}/registered-models/get-latest-versions", Permission.MODEL_READ)
async def get_latest_versions(call: Call) -> Response:
    """The newest version of each stage."""
    return await _latest(call, query(call, LatestVersions))


@mlflow.post(f"{API}/registered-models/get-latest-versions", Permission.MODEL_READ, body=LatestVersions)
async def post_latest_versions(call: Call) -> Response:
    """The same by POST."""
    return await _latest(call, await body(call, LatestVersions))


@mlflow.post(f"{API}/registered-models/set-tag", Permission.MODEL_EDIT, body=ModelTag)
async def set_registered_model_tag(call: Call) -> Response:
    """Put a tag on a registered model."""
    asked = await body(call, ModelTag)
    await call.services.store.write(core.set_model_tag, call.actor, asked.name, asked.key, asked.value)
    return answer()


@mlflow.route("DELETE", f"{API}/registered-models/delete-tag", Permission.MODEL_MANAGE, body=ModelTagKey)
async def delete_registered_model_tag(call: Call) -> Response:
    """Take a tag off a registered model."""
    asked = await body(call, ModelTagKey)
    await call.services.store.write(core.delete_model_tag, call.actor, asked.name, asked.key)
    return answer()


@mlflow.post(f"{API}/registered-models/alias", Permission.MODEL_EDIT, body=AliasOf)
async def set_alias(call: Call) -> Response:
    """Point an alias to a version."""
    asked = await body(call, AliasOf)
    await call.services.store.write(versions.set_alias, call.actor, asked.name, asked.alias, asked.version)
    return answer()


@mlflow.get(f"{API}/registered-models/alias", Permission.MODEL_READ)
async def get_by_alias(call: Call) -> Response:
    """The version an alias points to."""
    asked = query(call, Alias)
    found = await call.services.store.glance(versions.version_by_alias, call.actor, asked.name, asked.alias)
    return answer({"model_version": version_json(found)})


@mlflow.route("DELETE", f"{API}/registered-models/alias", Permission.MODEL_EDIT, body=Alias)
async def delete_alias(call: Call) -> Response:
    """Remove an alias."""
    asked = await body(call, Alias)
    await call.services.store.write(versions.delete_alias, call.actor, asked.name, asked.alias)
    return answer()


def model_json(found: ModelView) -> dict[str, Any]:
    """A registered model as MLflow writes it."""
    model = found.model
    return present(
        name=model.name,
        creation_timestamp=model.creation_timestamp,
        last_updated_timestamp=model.last_updated_timestamp,
        description=model.description or None,
        latest_versions=[version_json(version) for version in found.latest],
        tags=pairs(found.tags),
        aliases=[{"alias": alias.alias, "version": str(alias.number)} for alias in found.aliases],
    )


def _model(found: ModelView) -> Response:
    return answer({"registered_model": model_json(found)})


async def _latest(call: Call, asked: LatestVersions) -> Response:
    found = await call.services.store.read(versions.latest_versions, call.actor, asked.name, asked.stages)
    return answer(present(model_versions=[version_json(version) for version in found]))
