"""Explainers of Pipelines: kept with the pipeline as they were sent.

Their artifacts are not run, and their status says so; the pipeline's ``explain`` has its own way to explain.
"""

from typing import Any, Final

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.applying import Applied
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.dialects.seldon.core2 import Sent, read_sent, shown_part
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.fields import an_object, text_or_none
from modelyard.dialects.seldon.flow_versions import change, change_of, change_part, get_part
from modelyard.dialects.seldon.places import PL, place_of
from modelyard.web.call import Call

EXPLAINER: Final = f"{PL}/explainer"
_WHY: Final = "kept, but not run: this server explains by KernelSHAP, see the pipeline's explain"


@seldon.get(EXPLAINER, Permission.PIPELINE_READ)
async def read_pipeline_explainer(call: Call) -> Response:
    """The pipeline's explainer."""
    namespace, name = place_of(call)
    return _shown(*await call.services.store.read(get_part, call.actor, namespace, name, "explainer"))


@seldon.post(EXPLAINER, Permission.PIPELINE_DEPLOY)
async def create_pipeline_explainer(call: Call) -> Response:
    """Keep an explainer with the pipeline; there can be one."""
    sent = await _sent(call)
    namespace, name = place_of(call)
    asked = change_of(call, {"explainer": sent.document}, expected=sent.resource_version, added="explainer")
    return _shown(await call.services.store.write(change, call.actor, namespace, name, asked), sent.document)


@seldon.route("PUT", EXPLAINER, Permission.PIPELINE_DEPLOY)
async def update_pipeline_explainer(call: Call) -> Response:
    """Keep this one in its place."""
    sent = await _sent(call)
    namespace, name = place_of(call)
    asked = change_of(call, {"explainer": sent.document}, expected=sent.resource_version)
    applied = await call.services.store.write(change_part, call.actor, namespace, name, "explainer", asked)
    return _shown(applied, sent.document)


@seldon.route("DELETE", EXPLAINER, Permission.PIPELINE_DEPLOY)
async def delete_pipeline_explainer(call: Call) -> Response:
    """Keep it no longer."""
    namespace, name = place_of(call)
    asked = change_of(call, {"explainer": None})
    await call.services.store.write(change_part, call.actor, namespace, name, "explainer", asked)
    return json({})


async def _sent(call: Call) -> Sent:
    """The explainer in the body, for someone who may change the pipeline."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    sent = read_sent(await call.json(dict), "Model", namespace, f"{name}-explainer")
    explainer = an_object(sent.spec.get("explainer") or {}, "spec.explainer")
    if text_or_none(explainer.get("type"), "spec.explainer.type") is None:
        raise invalid("spec.explainer.type is missing: say how to explain", field="spec.explainer.type")
    if explainer.get("pipelineRef") not in (None, "", name):
        raise invalid(f"spec.explainer.pipelineRef must be {name!r}, as in the URL", field="spec.explainer.pipelineRef")
    return sent


def _shown(applied: Applied, document: dict[str, Any]) -> Response:
    condition = {"type": "ModelReady", "status": "False", "reason": "NoRuntime", "message": _WHY}
    ready = {**condition, "type": "Ready"}
    return json(shown_part(applied, "Model", document, {"conditions": [condition, ready], "replicas": 0}))
