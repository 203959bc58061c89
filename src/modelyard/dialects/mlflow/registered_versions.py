"""``/model-versions/*``."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.kernel.search import total_order
from modelyard.core.tracking import registered_versions as core
from modelyard.core.tracking.registered_versions import NewRegisteredVersion
from modelyard.core.tracking.registry_views import VersionView
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
    renamed,
)
from modelyard.dialects.mlflow.experiments import Pair
from modelyard.dialects.mlflow.model_folder import register
from modelyard.dialects.mlflow.prompts import without_prompts
from modelyard.web.call import Call

_PAGE, _PAGE_MAX = 10_000, 200_000
_NAMES = {"version_number": "number", "source_path": "source"}


class CreateVersion(msgspec.Struct):
    """What is registered."""

    name: str
    source: str
    run_id: str | None = None
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None
    tags: list[Pair] = []


class VersionNumber(msgspec.Struct):
    """Which version of which model."""

    name: str
    version: str


class UpdateVersion(VersionNumber):
    """A new description."""

    description: str | None = None


class TransitionStage(VersionNumber, kw_only=True):
    """Which stage, and whether those that are there give way."""

    stage: str
    archive_existing_versions: bool = False


class VersionTag(VersionNumber, kw_only=True):
    """A tag to put on."""

    key: str
    value: str = ""


class VersionTagKey(VersionNumber, kw_only=True):
    """A tag to take off."""

    key: str


class SearchVersions(msgspec.Struct):
    """Which versions, in which order, which part of them."""

    filter: str | None = None
    max_results: int = _PAGE
    order_by: list[str] = []
    page_token: str | None = None


@mlflow.post(f"{API}/model-versions/create", Permission.MODEL_EDIT, body=CreateVersion)
async def create_model_version(call: Call) -> Response:
    """Register what a run made as the next version of a model."""
    asked = await body(call, CreateVersion)
    new = NewRegisteredVersion(
        asked.name,
        asked.source,
        asked.run_id or None,
        asked.model_id or None,
        asked.run_link,
        asked.description,
        {tag.key: tag.value for tag in asked.tags},
    )
    return _version(await register(call, new))


@mlflow.get(f"{API}/model-versions/get", Permission.MODEL_READ)
async def get_model_version(call: Call) -> Response:
    """One version."""
    asked = query(call, VersionNumber)
    return _version(await call.services.store.glance(core.get_version, call.actor, asked.name, asked.version))


@mlflow.route("PATCH", f"{API}/model-versions/update", Permission.MODEL_EDIT, body=UpdateVersion)
async def update_model_version(call: Call) -> Response:
    """Give a version another description."""
    asked = await body(call, UpdateVersion)
    changed = await call.services.store.write(
        core.describe_version, call.actor, asked.name, asked.version, asked.description
    )
    return _version(changed)


@mlflow.post(f"{API}/model-versions/transition-stage", Permission.MODEL_EDIT, body=TransitionStage)
async def transition_stage(call: Call) -> Response:
    """Move a version to a stage."""
    asked = await body(call, TransitionStage)
    changed = await call.services.store.write(
        core.move_version,
        call.actor,
        asked.name,
        asked.version,
        asked.stage,
        archive_others=asked.archive_existing_versions,
    )
    return _version(changed)


@mlflow.route("DELETE", f"{API}/model-versions/delete", Permission.MODEL_DELETE, body=VersionNumber)
async def delete_model_version(call: Call) -> Response:
    """Remove a version."""
    asked, services = await body(call, VersionNumber), call.services
    gone = await services.store.write(core.delete_version, call.actor, asked.name, asked.version)
    shas = [version.sha for version in gone]
    await asyncio.to_thread(drop_unreferenced, services.store, services.artifacts, shas)
    return answer()


@mlflow.get(f"{API}/model-versions/search", Permission.MODEL_READ)
async def search_model_versions(call: Call) -> Response:
    """Versions that fit a filter."""
    asked = query(call, SearchVersions)
    page = page_of(asked.page_token, asked.max_results, _PAGE_MAX)
    conditions, orders = grammar.model_versions(asked.filter, asked.order_by)
    order = total_order(orders, grammar.MODEL_VERSIONS.default, grammar.MODEL_VERSIONS.ties)
    conditions, order = renamed((without_prompts(conditions), order), _NAMES)
    found = await call.services.store.read(core.search_versions, call.actor, conditions, order, page)
    shown = [version_json(version) for version in found[: page.limit - 1]]
    return answer(present(model_versions=shown) | next_token(found, page))


@mlflow.get(f"{API}/model-versions/get-download-uri", Permission.MODEL_READ)
async def get_download_uri(call: Call) -> Response:
    """Where the files of a version are."""
    asked = query(call, VersionNumber)
    found = await call.services.store.glance(core.get_version, call.actor, asked.name, asked.version)
    return answer({"artifact_uri": found.version.storage_location})


@mlflow.post(f"{API}/model-versions/set-tag", Permission.MODEL_EDIT, body=VersionTag)
async def set_model_version_tag(call: Call) -> Response:
    """Put a tag on a version."""
    asked = await body(call, VersionTag)
    await call.services.store.write(core.set_version_tag, call.actor, asked.name, asked.version, asked.key, asked.value)
    return answer()


@mlflow.route("DELETE", f"{API}/model-versions/delete-tag", Permission.MODEL_MANAGE, body=VersionTagKey)
async def delete_model_version_tag(call: Call) -> Response:
    """Take a tag off a version."""
    asked = await body(call, VersionTagKey)
    await call.services.store.write(core.delete_version_tag, call.actor, asked.name, asked.version, asked.key)
    return answer()


def version_json(found: VersionView) -> dict[str, Any]:
    """A version as MLflow writes it."""
    version = found.version
    return present(
        name=version.name,
        version=str(version.number),
        creation_timestamp=version.creation_timestamp,
        last_updated_timestamp=version.last_updated_timestamp,
        user_id=version.user_name,
        current_stage=version.stage,
        description=version.description,
        source=version.source,
        run_id=version.run_id or "",
        status=version.status,
        status_message=version.status_message,
        tags=pairs(found.tags),
        run_link=version.run_link or "",
        aliases=list(found.aliases),
        model_id=version.logged_model_id,
    )


def _version(found: VersionView) -> Response:
    return answer({"model_version": version_json(found)})
