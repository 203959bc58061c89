"""SeldonDeployments: from manifests to what is served, and back."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.workspaces import workspace_by_slug
from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.applying import Applied, create, get_applied, list_applied, may_create, remove, update
from modelyard.core.serving.entities import Form
from modelyard.core.serving.pipelines import NewVersion, pipeline_at
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.manifests import Manifest, read_manifest
from modelyard.dialects.seldon.model_versions import model_versions
from modelyard.dialects.seldon.objects import API_VERSION, seldon_deployment
from modelyard.dialects.seldon.places import DEPLOYMENTS, SD, place_of
from modelyard.dialects.seldon.planning import plan_of, sources
from modelyard.web.call import Call


@seldon.get(DEPLOYMENTS, Permission.PIPELINE_READ)
async def list_seldon_deployments(call: Call) -> Response:
    """The SeldonDeployments of a namespace that the caller may see."""
    namespace = call.request.path_params["namespace"]
    found = await call.services.store.read(list_applied, call.actor, namespace, Form.PREDICTORS)
    items = [seldon_deployment(each, public_url(call)) for each in found]
    return json({"kind": "SeldonDeploymentList", "apiVersion": API_VERSION, "metadata": {}, "items": items})


@seldon.post(DEPLOYMENTS, Permission.PIPELINE_DEPLOY)
async def create_seldon_deployment(call: Call) -> Response:
    """Serve what the manifest describes, under a new name."""
    namespace = call.request.path_params["namespace"]
    manifest = read_manifest(await call.json(dict), namespace)
    await call.services.store.read(may_create, call.actor, namespace, manifest.name)
    versions = await model_versions(call, namespace, sources(manifest))
    new = _new(call, manifest, versions)
    applied = await call.services.store.write(create, call.actor, namespace, manifest.name, new)
    return _shown(call, applied)


@seldon.get(f"{DEPLOYMENTS}/validate", Permission.WORKSPACE_READ)
async def validate_nothing(call: Call) -> Response:
    """Published clients send no manifest with this, although it is described so: say how it can be done."""
    return await _validate(call)


@seldon.post(f"{DEPLOYMENTS}/validate", Permission.WORKSPACE_READ)
async def validate_seldon_deployment(call: Call) -> Response:
    """Whether the manifest could be applied; changes nothing."""
    return await _validate(call)


@seldon.get(SD, Permission.PIPELINE_READ)
async def read_seldon_deployment(call: Call) -> Response:
    """One SeldonDeployment."""
    namespace, name = place_of(call)
    return _shown(call, await call.services.store.read(get_applied, call.actor, namespace, name, Form.PREDICTORS))


@seldon.route("PUT", SD, Permission.PIPELINE_DEPLOY)
async def update_seldon_deployment(call: Call) -> Response:
    """Serve what the manifest describes in place of what is served."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    manifest = read_manifest(await call.json(dict), namespace, name)
    versions = await model_versions(call, namespace, sources(manifest))
    new = _new(call, manifest, versions)
    expected = manifest.resource_version
    applied = await call.services.store.write(update, call.actor, namespace, name, new, expected)
    return _shown(call, applied)


@seldon.route("DELETE", SD, Permission.PIPELINE_DEPLOY)
async def delete_seldon_deployment(call: Call) -> Response:
    """Serve it no longer, and forget it."""
    namespace, name = place_of(call)
    await call.services.store.write(remove, call.actor, namespace, name, Form.PREDICTORS)
    return json({})


def public_url(call: Call) -> str:
    """The server's address as clients see it."""
    url = call.services.public_url or str(call.request.base_url)
    return url.rstrip("/")


def definition(document: dict[str, Any], plan: dict[str, Any], versions: list[ModelVersion]) -> dict[str, Any]:
    """A pipeline version's definition for a document of this dialect."""
    models = [{"name": version.name, "version": version.version, "sha": version.sha} for version in versions]
    return {"document": document, "plan": plan, "models": models}


def _new(call: Call, manifest: Manifest, versions: list[ModelVersion]) -> NewVersion:
    plan = plan_of(manifest, sources(manifest))
    query = call.request.query_params
    made = definition(manifest.document, plan, versions)
    return NewVersion(made, Form.PREDICTORS, query.get("action"), query.get("message"))


async def _validate(call: Call) -> Response:
    namespace = call.request.path_params["namespace"]
    await call.services.store.read(workspace_by_slug, call.actor, namespace, Permission.WORKSPACE_READ)
    document = await call.json(dict)
    if not document:
        return json({"code": 400, "message": "no manifest: send the SeldonDeployment as the body of a POST"})
    try:
        manifest = read_manifest(document, namespace)
        plan_of(manifest, sources(manifest))
    except DomainError as error:
        return json({"code": 400, "message": error.message})
    return json({"code": 200, "message": "the manifest is valid"})


def _shown(call: Call, applied: Applied) -> Response:
    return json(seldon_deployment(applied, public_url(call)))
