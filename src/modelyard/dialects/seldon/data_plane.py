"""What a deployment is and whether it answers, as Seldon's data plane says it."""

from typing import Any, Final

import orjson
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.serving.places import served
from modelyard.core.serving.routes import Route
from modelyard.dialects.seldon.inference.description import graph_metadata, node_metadata
from modelyard.dialects.seldon.inference.failure import render_failure
from modelyard.dialects.seldon.inference.message import puid_of
from modelyard.dialects.seldon.inference.reference import document
from modelyard.web.call import Call
from modelyard.web.callers import by_identity
from modelyard.web.routing import Dialect

_API: Final = "/seldon/{namespace}/{deployment}/api/v1.0"

seldon_data = Dialect("seldon data plane", render_failure, caller=by_identity)


def place_of(call: Call) -> tuple[str, str]:
    """The namespace and the deployment in the path."""
    parts = call.request.path_params
    return parts["namespace"], parts["deployment"]


def reply(body: dict[str, Any], puid: str) -> Response:
    """A message."""
    headers = {"seldon-puid": puid, "x-content-type-options": "nosniff"}
    encoded = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(encoded, headers=headers, media_type="application/json")


@seldon_data.get(f"{_API}/metadata", Permission.PIPELINE_INFER)
async def metadata(call: Call) -> Response:
    """All models of the deployment, what it takes and what it gives."""
    return _described(call, graph_metadata(await _route(call)))


@seldon_data.get(f"{_API}/metadata/{{node}}", Permission.PIPELINE_INFER)
async def metadata_of_node(call: Call) -> Response:
    """One of its models."""
    return _described(call, _node(await _route(call), call))


@seldon_data.get(f"{_API}/status", Permission.PIPELINE_INFER)
async def status(call: Call) -> Response:
    """The deployment is loaded, or 503."""
    return _ready(call, await _route(call))


@seldon_data.get(f"{_API}/status/{{node}}", Permission.PIPELINE_INFER)
async def status_of_node(call: Call) -> Response:
    """One of its models is loaded, or 503."""
    route = await _route(call)
    _node(route, call)
    return _ready(call, route)


@seldon_data.get(f"{_API}/health/status", Permission.PIPELINE_INFER)
async def health(call: Call) -> Response:
    """The same as the status of the deployment."""
    return _ready(call, await _route(call))


@seldon_data.get(f"{_API}/doc/", Permission.PIPELINE_INFER)
async def doc(call: Call) -> Response:
    """OpenAPI of the deployment's own addresses."""
    return _described(call, document(await _route(call)))


async def _route(call: Call) -> Route:
    """What this process serves under the path; ``UNAVAILABLE`` while it is not loaded."""
    place = place_of(call)
    await call.services.store.glance(served, call.actor, *place, Permission.PIPELINE_INFER)
    route = call.services.serving.routes.at(*place)
    if route is None:
        raise DomainError(ErrorKind.UNAVAILABLE, f"deployment {'/'.join(place)} is not loaded yet; try again shortly")
    return route


def _node(route: Route, call: Call) -> dict[str, Any]:
    name = call.request.path_params["node"]
    found = node_metadata(route).get(name)
    if found is None:
        raise not_found(f"node of deployment {route.workspace}/{route.pipeline_name}", name[:60])
    return found


def _described(call: Call, body: dict[str, Any]) -> Response:
    return reply(body, _puid(call))


def _ready(call: Call, route: Route) -> Response:
    puid = _puid(call)
    info = f"deployment {route.workspace}/{route.pipeline_name} is loaded"
    said = {"code": 200, "info": info, "reason": "", "status": "SUCCESS"}
    return reply({"status": said, "meta": {"puid": puid}}, puid)


def _puid(call: Call) -> str:
    return puid_of(call.request.headers.get("seldon-puid")) or new_uuid()
