"""Asking a deployment through the control plane: its own protocol in, its own protocol out."""

import shlex
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import get_applied
from modelyard.core.serving.entities import Form, PipelineVersion
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.routes import Route
from modelyard.dialects.seldon.deployments import public_url
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.forms import form_in
from modelyard.dialects.seldon.objects import SELDON_PATH, V2_PATH, speaks_seldon
from modelyard.dialects.seldon.places import PL, SD, place_of
from modelyard.web.call import Call, json_bytes
from modelyard.web.inference.asking import ask

SELDON: Final = "seldon"
V2: Final = "open_inference below"
"""The protocol of pipelines, and of SeldonDeployments that say ``v2``."""

_PATHS: Final = {SELDON: SELDON_PATH, V2: V2_PATH}


@seldon.post(f"{SD}/predict", Permission.PIPELINE_INFER)
async def predict_seldon_deployment(call: Call) -> Response:
    """The body is what the deployment's own URL takes."""
    return await _predict(call, call.body)


@seldon.post(f"{SD}/predictfile", Permission.PIPELINE_INFER)
async def predict_file_seldon_deployment(call: Call) -> Response:
    """The same from an uploaded file."""
    return await _predict(call, partial(_file, call))


@seldon.post(f"{PL}/predictfile", Permission.PIPELINE_INFER)
async def predict_file_seldon_pipeline(call: Call) -> Response:
    """A pipeline asked with an uploaded file."""
    return await _predict(call, partial(_file, call))


@seldon.route("PUT", f"{SD}/predictcurl", Permission.PIPELINE_READ)
async def read_predict_curl_seldon_deployment(call: Call) -> Response:
    """The command that sends the body to the deployment's own URL."""
    return await _curl(call)


@seldon.route("PUT", f"{PL}/predictcurl", Permission.PIPELINE_READ)
async def read_predict_curl_seldon_pipeline(call: Call) -> Response:
    """The command that sends the body to the pipeline's own URL."""
    return await _curl(call)


async def _predict(call: Call, read: Callable[[], Awaitable[bytes]]) -> Response:
    """``read`` gives the body, which is not looked at before it is known that the caller may send one."""
    route, protocol = await _asked(call)
    answer = await ask(call, route, protocol, _path(route.workspace, route.pipeline_name, protocol), await read())
    return Response(answer.body, headers={"content-type": answer.content_type.decode()})


async def _asked(call: Call) -> tuple[Route, str]:
    """The deployment in memory and the protocol it speaks, for someone who may infer with it."""
    namespace, name = place_of(call)
    protocol = await call.services.store.read(_protocol, call.actor, namespace, name)
    route = call.services.serving.routes.at(namespace, name)
    if route is None:
        raise failed_precondition(f"deployment {namespace}/{name} is not ready yet; look at its status")
    return route, protocol


def _protocol(tx: Tx, actor: Actor, namespace: str, name: str) -> str:
    pipeline = pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_INFER)
    newest = tx.first(PipelineVersion, order_by="-id", pipeline_id=pipeline.id)
    return protocol_of(newest) if newest and pipeline.form == Form.PREDICTORS else V2


def protocol_of(version: PipelineVersion) -> str:
    """The protocol of a SeldonDeployment, by the name that this server gives it."""
    return SELDON if speaks_seldon(version.definition["document"]) else V2


def _path(namespace: str, name: str, protocol: str) -> str:
    """Where the deployment itself answers."""
    return f"/seldon/{namespace}/{name}/{_PATHS[protocol]}"


async def _file(call: Call) -> bytes:
    """The uploaded file ``predictFile``."""
    async with form_in(call, call.services.limits.body_bytes, "predictFile") as form:
        file = form.get("predictFile")
        if not isinstance(file, UploadFile):
            raise invalid("the upload has no file: send a multipart part named 'predictFile'")
        return await file.read()


async def _curl(call: Call) -> Response:
    namespace, name = place_of(call)
    applied = await call.services.store.read(get_applied, call.actor, namespace, name)
    payload = json_bytes(await call.json(object)).decode()
    protocol = protocol_of(applied.newest) if applied.pipeline.form == Form.PREDICTORS else V2
    url = public_url(call) + _path(namespace, name, protocol)
    parts = ["curl", "-X", "POST", url, "-H", "Authorization: Bearer $TOKEN", "-H", "Content-Type: application/json"]
    shown = " ".join(f'"{part}"' if "$TOKEN" in part else shlex.quote(part) for part in [*parts, "-d", payload])
    return json({"curl": shown})
