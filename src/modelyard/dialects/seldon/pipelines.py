"""Pipelines of Seldon Core 2: models of the namespace that feed one another."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied, create, get_applied, list_applied, remove
from modelyard.core.serving.entities import Form
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.dialects.seldon.core2 import API_VERSION, listed, read_sent, same_name, shown, status_of
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.flow_versions import change, change_of, new_version
from modelyard.dialects.seldon.flows import ignored_fields, step_names
from modelyard.dialects.seldon.models import seldon_model
from modelyard.dialects.seldon.places import PIPELINES, PL, place_of
from modelyard.web.call import Call


@seldon.get(PIPELINES, Permission.PIPELINE_READ)
async def list_pipelines(call: Call) -> Response:
    """The Pipelines of a namespace that the caller may see."""
    namespace = call.request.path_params["namespace"]
    found = await call.services.store.read(list_applied, call.actor, namespace, Form.DATAFLOW)
    return _list("SeldonPipelineList", [seldon_pipeline(each) for each in found])


@seldon.post(PIPELINES, Permission.PIPELINE_DEPLOY)
async def create_pipeline(call: Call) -> Response:
    """Serve the steps under a new name."""
    namespace, query = call.request.path_params["namespace"], call.request.query_params
    sent = read_sent(await call.json(dict), "Pipeline", namespace)
    new = new_version({"document": sent.document}, query.get("action"), query.get("message"))
    return _shown(await call.services.store.write(create, call.actor, namespace, sent.name, new))


@seldon.get(PL, Permission.PIPELINE_READ)
async def read_pipeline(call: Call) -> Response:
    """One Pipeline."""
    namespace, name = place_of(call)
    return _shown(await call.services.store.read(get_applied, call.actor, namespace, name, Form.DATAFLOW))


@seldon.route("PUT", PL, Permission.PIPELINE_DEPLOY)
async def update_pipeline(call: Call) -> Response:
    """Serve these steps in place of those that are served; an experiment of the pipeline goes on."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    sent = same_name(read_sent(await call.json(dict), "Pipeline", namespace, name), name)
    asked = change_of(call, {"document": sent.document}, expected=sent.resource_version)
    return _shown(await call.services.store.write(change, call.actor, namespace, name, asked))


@seldon.route("DELETE", PL, Permission.PIPELINE_DEPLOY)
async def delete_pipeline(call: Call) -> Response:
    """Serve it no longer; its models stay. ``CONFLICT`` while it is a candidate of another one's experiment."""
    namespace, name = place_of(call)
    await call.services.store.write(remove, call.actor, namespace, name, Form.DATAFLOW)
    return json({})


@seldon.get(f"{PL}/models", Permission.PIPELINE_READ)
async def list_pipeline_models(call: Call) -> Response:
    """The Models that the steps run, those that the caller may see."""
    namespace, name = place_of(call)
    found = await call.services.store.read(_models, call.actor, namespace, name)
    return _list("SeldonModelList", [seldon_model(each) for each in found])


def seldon_pipeline(applied: Applied) -> dict[str, Any]:
    """A SeldonPipeline, with the status of now."""
    document: dict[str, Any] = applied.newest.definition["document"]
    status = status_of(applied, ignored_fields(document), "PipelineReady", "ModelsReady")
    return shown(applied, "Pipeline", document, status)


def _models(tx: Tx, actor: Actor, namespace: str, name: str) -> list[Applied]:
    steps = step_names(get_applied(tx, actor, namespace, name, Form.DATAFLOW).newest.definition["document"])
    by_name = {each.pipeline.name: each for each in list_applied(tx, actor, namespace, Form.MODEL)}
    return [by_name[step] for step in steps if step in by_name]


def _list(kind: str, items: list[dict[str, Any]]) -> Response:
    return json({"kind": kind, "apiVersion": API_VERSION, "metadata": {}, "items": [listed(item) for item in items]})


def _shown(applied: Applied) -> Response:
    return json(seldon_pipeline(applied))
