"""Pipelines and their versions."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import Deploy, deploy
from modelyard.core.serving.entities import Pipeline, PipelineVersion
from modelyard.core.serving.pipelines import (
    PipelineView,
    copy_pipeline,
    create_pipeline,
    delete_pipeline,
    delete_pipeline_versions,
    get_pipeline,
    get_pipeline_version,
    list_pipeline_versions,
    list_pipelines,
    pipeline_by_id,
)
from modelyard.dialects.wallaroo.dialect import json, timestamp, wallaroo
from modelyard.dialects.wallaroo.steps import shown
from modelyard.dialects.wallaroo.topics import topic_name
from modelyard.dialects.wallaroo.workspaces import workspace
from modelyard.web.call import Call


class CreateBody(msgspec.Struct):
    """A pipeline's name (the API calls it ``pipeline_id``) and the definition of its new version."""

    pipeline_id: str
    workspace_id: int
    definition: dict[str, Any] | None = None


class ListBody(msgspec.Struct):
    """In which workspace; in all of the caller's without one."""

    workspace_id: int | None = None
    workspace_name: str | None = None


class NamedBody(msgspec.Struct):
    """A pipeline by name in a workspace."""

    pipeline_name: str
    workspace_id: int


class OldNamedBody(msgspec.Struct):
    """The same; the name is called ``pipeline_id``."""

    pipeline_id: str
    workspace_id: int


class VersionBody(msgspec.Struct):
    """A version by uuid."""

    version: str


class VersionsBody(msgspec.Struct):
    """Versions by uuid."""

    pipeline_versions: list[str]


class CopyBody(msgspec.Struct):
    """A pipeline's number, and the name and workspace of its copy; ``deploy`` names a deployment to make of it."""

    name: str
    workspace_id: int
    source_pipeline: int
    deploy: str | None = None
    engine_config: dict[str, Any] | None = None
    pipeline_version: str | None = None


class TopicBody(msgspec.Struct):
    """A pipeline by number, or by name and workspace."""

    workspace_id: int | None = None
    pipeline_name: str | None = None
    pipeline_pk_id: int | None = None


@wallaroo.post("/v1/api/pipelines/create", Permission.PIPELINE_EDIT, body=CreateBody)
async def create(call: Call) -> Response:
    """Make a pipeline, or a new version of it when there is one of this name."""
    body = await call.json(CreateBody)
    version = await call.services.store.write(
        create_pipeline, call.actor, body.workspace_id, body.pipeline_id, body.definition or {}
    )
    return json(
        {
            "pipeline_pk_id": version.pipeline_id,
            "pipeline_variant_pk_id": version.id,
            "pipeline_variant_version": version.version,
        }
    )


@wallaroo.post("/v1/api/pipelines/copy", Permission.PIPELINE_EDIT, body=CopyBody)
async def copy(call: Call) -> Response:
    """Make a pipeline with the definition of another."""
    body = await call.json(CopyBody)
    version, deployment = await call.services.store.write(_copied, call.actor, body)
    return json(
        {
            "pipeline_pk_id": version.pipeline_id,
            "pipeline_variant_pk_id": version.id,
            "pipeline_version": None,
            "deployment": deployment,
        }
    )


@wallaroo.post("/v1/api/pipelines/list_pipelines", Permission.PIPELINE_READ, body=ListBody)
async def list_(call: Call) -> Response:
    """Pipelines, each with its newest version."""
    body = await call.json(ListBody)
    found = await call.services.store.read(
        list_pipelines, call.actor, workspace_id=body.workspace_id, workspace_name=body.workspace_name
    )
    return json({"pipelines": [_item(view, view.newest) for view in found]})


@wallaroo.post("/v1/api/pipelines/list_pipeline_versions", Permission.PIPELINE_READ, body=OldNamedBody)
async def list_versions(call: Call) -> Response:
    """The versions of a pipeline, newest first."""
    body = await call.json(OldNamedBody)
    found = await call.services.store.read(list_pipeline_versions, call.actor, body.workspace_id, body.pipeline_id)
    return json({"pipeline_versions": [_item(view, version) for view, version in found]})


@wallaroo.post("/v1/api/pipelines/get_pipeline_by_name", Permission.PIPELINE_READ, body=NamedBody)
async def get_by_name(call: Call) -> Response:
    """One pipeline by its name."""
    body = await call.json(NamedBody)
    view = await call.services.store.read(get_pipeline, call.actor, body.workspace_id, body.pipeline_name)
    return json(
        {
            "pipeline": _pipeline(view.pipeline),
            "plateau_topic": topic_name(view.pipeline),
            "workspace": workspace(view.workspace),
        }
    )


@wallaroo.post("/v1/api/pipelines/get_version", Permission.PIPELINE_READ, body=VersionBody)
async def get_version(call: Call) -> Response:
    """One version by its uuid."""
    body = await call.json(VersionBody)
    pipeline, version = await call.services.store.read(get_pipeline_version, call.actor, body.version)
    definition = shown(pipeline.name, version.definition)
    return json({"pipeline_id": pipeline.name, "version": version.version, "definition": definition})


@wallaroo.post("/v1/api/pipelines/delete_pipeline", Permission.PIPELINE_EDIT, body=OldNamedBody)
async def delete(call: Call) -> Response:
    """Remove a pipeline that is not deployed."""
    body = await call.json(OldNamedBody)
    await call.services.store.write(delete_pipeline, call.actor, body.workspace_id, body.pipeline_id)
    return json({"pipeline_id": body.pipeline_id, "workspace_id": body.workspace_id})


@wallaroo.post("/v1/api/pipelines/delete_pipeline_versions", Permission.PIPELINE_EDIT, body=VersionsBody)
async def delete_versions(call: Call) -> Response:
    """Remove versions that are not deployed."""
    body = await call.json(VersionsBody)
    await call.services.store.write(delete_pipeline_versions, call.actor, body.pipeline_versions)
    return json({"pipeline_versions": body.pipeline_versions})


@wallaroo.post("/v1/api/plateau/get_topic_name", Permission.LOGS_READ, body=TopicBody)
async def get_topic_name(call: Call) -> Response:
    """The name under which a pipeline's log is read."""
    body = await call.json(TopicBody)
    return json({"topic_name": topic_name(await call.services.store.read(_pipeline_of, call.actor, body))})


@wallaroo.post("/v1/api/plateau/get_pipeline_topic_name", Permission.LOGS_READ, body=TopicBody)
async def get_pipeline_topic_name(call: Call) -> Response:
    """The same by the pipeline's name."""
    return await get_topic_name(call)


@wallaroo.post("/v1/api/admin/get_pipeline_external_url", Permission.PIPELINE_READ, body=NamedBody)
async def get_external_url(call: Call) -> Response:
    """Where a deployed pipeline answers."""
    body = await call.json(NamedBody)
    view = await call.services.store.read(get_pipeline, call.actor, body.workspace_id, body.pipeline_name)
    if view.deployment is None:
        raise not_found("deployment of pipeline", body.pipeline_name)
    base = call.services.public_url or f"{call.request.url.scheme}://{call.request.url.netloc}"
    place = f"{view.deployment.name}-{view.deployment.id}/{view.pipeline.name}"
    return json({"url": f"{base.rstrip('/')}/v1/api/pipelines/infer/{place}"})


@wallaroo.post("/v1/api/admin/get_pipeline_internal_url", Permission.PIPELINE_READ, body=NamedBody)
async def get_internal_url(call: Call) -> Response:
    """The same: there is one address for all."""
    return await get_external_url(call)


def _copied(tx: Tx, actor: Actor, body: CopyBody) -> tuple[PipelineVersion, dict[str, int] | None]:
    version = copy_pipeline(tx, actor, body.source_pipeline, body.workspace_id, body.name, body.pipeline_version)
    if not body.deploy:
        return version, None
    command = Deploy(body.deploy, version_id=version.id, engine_config=body.engine_config)
    return version, {"id": deploy(tx, actor, command).id}


def _pipeline_of(tx: Tx, actor: Actor, body: TopicBody) -> Pipeline:
    if body.pipeline_pk_id is not None:
        return pipeline_by_id(tx, actor, body.pipeline_pk_id, Permission.LOGS_READ)
    if body.workspace_id is None or not body.pipeline_name:
        raise invalid("say which pipeline: pipeline_pk_id, or workspace_id and pipeline_name")
    return get_pipeline(tx, actor, body.workspace_id, body.pipeline_name, Permission.LOGS_READ).pipeline


def _pipeline(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": pipeline.id,
        "name": pipeline.name,
        "created_at": timestamp(pipeline.created_at),
        "updated_at": timestamp(pipeline.updated_at),
    }


def _item(view: PipelineView, version: PipelineVersion) -> dict[str, Any]:
    return {
        "pipeline": _pipeline(view.pipeline),
        "plateau_topic": topic_name(view.pipeline),
        "workspace": workspace(view.workspace),
        "deployment": {"maximum_replicas": 1, "prewarmed_replicas": 1} if view.deployment else None,
        "pipeline_version": {
            "id": view.pipeline.name,
            "workspace_id": version.workspace_id,
            "created_at": timestamp(version.created_at),
            "created_by": version.created_by,
            "created_on_version": version.created_on_version,
            "steps": shown(view.pipeline.name, version.definition).get("steps", []),
            "version": version.version,
        },
    }
