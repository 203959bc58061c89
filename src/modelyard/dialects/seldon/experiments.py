"""Experiments on Pipelines, canaries and shadows.

The published API gives a canary or a shadow no body: the candidate is the pipeline ``{name}-canary`` or
``{name}-shadow`` of the namespace, which is made first.
"""

from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied, remove
from modelyard.core.serving.entities import Form, Pipeline
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.dialects.seldon.core2 import Sent, read_sent, shown_part, status_of
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.fields import whole
from modelyard.dialects.seldon.flow_versions import (
    Change,
    change,
    change_of,
    change_part,
    existing_part,
    get_part,
    newest_flow,
)
from modelyard.dialects.seldon.flows import renamed
from modelyard.dialects.seldon.places import PL, place_of
from modelyard.dialects.seldon.splits import canary_of, names_candidate, shadow_of, split_of
from modelyard.web.call import Call

EXPERIMENT: Final = f"{PL}/experiment"


@seldon.get(EXPERIMENT, Permission.PIPELINE_READ)
async def get_pipeline_experiment(call: Call) -> Response:
    """The pipeline's experiment."""
    return _shown(*await call.services.store.read(get_part, call.actor, *place_of(call), "experiment"))


@seldon.post(EXPERIMENT, Permission.PIPELINE_DEPLOY)
async def create_pipeline_experiment(call: Call) -> Response:
    """Share the pipeline's requests among the candidates; there can be one experiment."""
    sent = await _sent(call)
    asked = change_of(call, {"experiment": sent.document}, expected=sent.resource_version, added="experiment")
    return _shown(await call.services.store.write(change, call.actor, *place_of(call), asked), sent.document)


@seldon.route("PUT", EXPERIMENT, Permission.PIPELINE_DEPLOY)
async def update_pipeline_experiment(call: Call) -> Response:
    """Share the requests like this instead."""
    sent = await _sent(call)
    asked = change_of(call, {"experiment": sent.document}, expected=sent.resource_version)
    applied = await call.services.store.write(change_part, call.actor, *place_of(call), "experiment", asked)
    return _shown(applied, sent.document)


@seldon.route("DELETE", EXPERIMENT, Permission.PIPELINE_DEPLOY)
async def delete_pipeline_experiment(call: Call) -> Response:
    """The pipeline answers everything itself again; the candidates stay."""
    asked = change_of(call, {"experiment": None})
    await call.services.store.write(change_part, call.actor, *place_of(call), "experiment", asked)
    return json({})


@seldon.post(f"{EXPERIMENT}/canary", Permission.PIPELINE_DEPLOY)
async def create_canary_experiment(call: Call) -> Response:
    """Give ``{name}-canary`` the share ``weight``, in percent."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    given = call.request.query_params.get("weight")
    if given is None:
        raise invalid("weight is missing: say how many percent of the requests the canary gets", field="weight")
    return await _started(call, "canary", canary_of(name, whole("weight", given, 0, 100)))


@seldon.route("PUT", f"{EXPERIMENT}/canary", Permission.PIPELINE_DEPLOY)
async def promote_canary(call: Call) -> Response:
    """The canary takes the pipeline's place."""
    return await _ended(call, "canary", promote=True)


@seldon.route("DELETE", f"{EXPERIMENT}/canary", Permission.PIPELINE_DEPLOY)
async def remove_canary(call: Call) -> Response:
    """The canary is removed, and the pipeline answers everything itself again."""
    return await _ended(call, "canary", promote=False)


@seldon.post(f"{EXPERIMENT}/shadow", Permission.PIPELINE_DEPLOY)
async def create_shadow_experiment(call: Call) -> Response:
    """Give ``{name}-shadow`` a copy of every request."""
    return await _started(call, "shadow", shadow_of(place_of(call)[1]))


@seldon.route("PUT", f"{EXPERIMENT}/shadow", Permission.PIPELINE_DEPLOY)
async def promote_shadow(call: Call) -> Response:
    """The shadow takes the pipeline's place."""
    return await _ended(call, "shadow", promote=True)


@seldon.route("DELETE", f"{EXPERIMENT}/shadow", Permission.PIPELINE_DEPLOY)
async def remove_shadow(call: Call) -> Response:
    """The shadow is removed."""
    return await _ended(call, "shadow", promote=False)


async def _sent(call: Call) -> Sent:
    """The experiment in the body, for someone who may change the pipeline."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    sent = read_sent(await call.json(dict), "Experiment", namespace, f"{name}-experiment")
    split_of(name, sent.spec)
    return sent


async def _started(call: Call, kind: str, experiment: dict[str, Any]) -> Response:
    asked = change_of(call, {"experiment": experiment}, added="experiment")
    await call.services.store.write(_start, call.actor, *place_of(call), kind, asked)
    return json({})


def _start(  # as ``change``
    tx: Tx, actor: Actor, namespace: str, name: str, kind: str, asked: Change
) -> Applied:
    pipeline = pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_DEPLOY)
    candidate = f"{name}-{kind}"
    if tx.first(Pipeline, workspace_id=pipeline.workspace_id, name=candidate, form=Form.DATAFLOW) is None:
        message = f"there is no pipeline {candidate!r} to be the {kind} of {name!r}: create it first, then ask again"
        raise invalid(message, name=candidate)
    return change(tx, actor, namespace, name, asked)


async def _ended(call: Call, kind: str, *, promote: bool) -> Response:
    asked = change_of(call, {"experiment": None})
    await call.services.store.write(_end, call.actor, *place_of(call), kind, asked, promote=promote)
    return json({})


def _end(  # as ``change``
    tx: Tx, actor: Actor, namespace: str, name: str, kind: str, asked: Change, *, promote: bool
) -> None:
    """End the experiment and remove the candidate, after its document became the pipeline's if that is wanted."""
    newest, candidate = newest_flow(tx, actor, namespace, name, Permission.PIPELINE_DEPLOY), f"{name}-{kind}"
    if not names_candidate(existing_part(newest, name, "experiment"), candidate):
        raise not_found(kind, f"of pipeline {name}")
    parts = asked.parts
    if promote:
        other = newest_flow(tx, actor, namespace, candidate, Permission.PIPELINE_DEPLOY)
        parts = parts | {"document": renamed(other.definition["document"], candidate, name)}
    change(tx, actor, namespace, name, replace(asked, parts=parts))
    remove(tx, actor, namespace, candidate, Form.DATAFLOW)


def _shown(applied: Applied, document: dict[str, Any]) -> Response:
    kinds = ["ExperimentReady", "CandidatesReady", *(["MirrorReady"] if document["spec"].get("mirror") else [])]
    return json(shown_part(applied, "Experiment", document, status_of(applied, [], *kinds)))
