"""What this server and its models are, and whether they are ready.

Who may infer with a deployment may read what it takes and gives; nobody else can tell that it is there.
"""

import asyncio
from typing import Any

from starlette.responses import Response

from modelyard import __version__
from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.routes import Route
from modelyard.dialects.open_inference.datatypes import described
from modelyard.dialects.open_inference.dialect import json, open_inference
from modelyard.dialects.open_inference.names import Address, candidates
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC
from modelyard.web.services import Services

EXTENSIONS = ["binary_tensor_data", "model_repository"]
NAME = "modelyard"
_PLATFORM = "onnx_onnxv1"
_BELOW = "/seldon/{namespace}/{deployment}/v2"


@open_inference.get("/v2", PUBLIC)
async def server_metadata(call: Call) -> Response:
    """This server's name, version and extensions of the protocol."""
    del call
    return json({"name": NAME, "version": __version__, "extensions": EXTENSIONS})


@open_inference.get("/v2/health/live", PUBLIC)
async def live(call: Call) -> Response:
    """The process answers."""
    del call
    return json({"live": True})


@open_inference.get("/v2/health/ready", PUBLIC)
async def ready(call: Call) -> Response:
    """The server can do its work."""
    found = await is_ready(call.services)
    return json({"live": True, "ready": found}, 200 if found else 503)


@open_inference.get("/v2/models/{model}", Permission.PIPELINE_INFER)
@open_inference.get("/v2/models/{model}/versions/{version}", Permission.PIPELINE_INFER)
@open_inference.get(f"{_BELOW}/models/{{model}}", Permission.PIPELINE_INFER)
@open_inference.get(f"{_BELOW}/models/{{model}}/versions/{{version}}", Permission.PIPELINE_INFER)
async def model_metadata(call: Call) -> Response:
    """The tensors that a model takes and gives."""
    address = _address(call)
    route = await deployment(call.services, call.actor, address, call.request.scope)
    return json(model_description(route, address))


@open_inference.get("/v2/models/{model}/ready", Permission.PIPELINE_INFER)
@open_inference.get("/v2/models/{model}/versions/{version}/ready", Permission.PIPELINE_INFER)
@open_inference.get(f"{_BELOW}/models/{{model}}/ready", Permission.PIPELINE_INFER)
@open_inference.get(f"{_BELOW}/models/{{model}}/versions/{{version}}/ready", Permission.PIPELINE_INFER)
async def model_ready(call: Call) -> Response:
    """A model is served; one that is not is not found."""
    address = _address(call)
    route = await deployment(call.services, call.actor, address, call.request.scope)
    return json({"name": address.model or route.pipeline_name, "ready": True})


@open_inference.get(_BELOW, Permission.PIPELINE_INFER)
async def deployment_metadata(call: Call) -> Response:
    """The same as of the server, for a deployment that there is."""
    await deployment(call.services, call.actor, _address(call), call.request.scope)
    return json({"name": NAME, "version": __version__, "extensions": EXTENSIONS})


@open_inference.get(f"{_BELOW}/health/live", Permission.PIPELINE_INFER)
@open_inference.get(f"{_BELOW}/health/ready", Permission.PIPELINE_INFER)
async def deployment_ready(call: Call) -> Response:
    """The deployment is served."""
    await deployment(call.services, call.actor, _address(call), call.request.scope)
    return json({"live": True, "ready": True})


async def is_ready(services: Services) -> bool:
    """Whether the store can be reached."""
    try:
        await asyncio.to_thread(services.store.generations)
    except DomainError:
        return False
    return True


async def deployment(services: Services, actor: Actor, address: Address, scope: Any) -> Route:
    """The deployment that the address means, for someone who may infer with it."""
    ask(actor, Permission.PIPELINE_INFER)
    serving = services.serving
    return await serving.admission.meant(actor, candidates(address, serving.routes), address.shown, scope)


def model_description(route: Route, address: Address) -> dict[str, Any]:
    """The metadata of a model."""
    return {
        "name": address.model or route.pipeline_name,
        "versions": [route.pipeline_version],
        "platform": _PLATFORM,
        "inputs": [described(spec) for spec in route.graph.inputs],
        "outputs": [described(spec) for spec in route.graph.outputs],
    }


def _address(call: Call) -> Address:
    path = call.request.path_params
    place = (path["namespace"], path["deployment"]) if "namespace" in path else None
    return Address(path.get("model", ""), path.get("version"), place)
