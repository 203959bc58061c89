"""Which deployments the caller may have generate text, as OpenAI's list of models."""

from starlette.responses import Response

from modelyard.core.access.check import Own, allowed, ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.pipelines import own_pipeline
from modelyard.core.serving.routes import Route
from modelyard.dialects.openai.dialect import ROOT, json, openai
from modelyard.web.call import Call

_SHOWN = 200


@openai.get(f"{ROOT}/models", Permission.PIPELINE_INFER)
async def models(call: Call) -> Response:
    """All of them, by the names that requests give in ``model``."""
    return json({"object": "list", "data": [_shown(route) for route in await _mine(call)]})


@openai.get(f"{ROOT}/models/{{workspace}}/{{pipeline}}", Permission.PIPELINE_INFER)
async def model(call: Call) -> Response:
    """One of them."""
    name = "{workspace}/{pipeline}".format(**call.request.path_params)
    route = call.services.serving.routes.at(*name.split("/", 1))
    await call.services.store.read(_require, call.actor, route, name[:_SHOWN])
    if route is None or route.generation is None:
        raise failed_precondition(f"{name[:_SHOWN]} generates no text")
    return json(_shown(route))


def shown_name(route: Route) -> str:
    """The name that no other deployment has."""
    return f"{route.workspace}/{route.pipeline_name}"


async def _mine(call: Call) -> list[Route]:
    routes = [route for route in call.services.serving.routes.all() if route.generation is not None]
    return await call.services.store.read(_allowed, call.actor, sorted(routes, key=shown_name))


def _allowed(tx: Tx, actor: Actor, routes: list[Route]) -> list[Route]:
    ask(actor, Permission.PIPELINE_INFER)
    return [route for route in routes if allowed(tx, actor, Permission.PIPELINE_INFER, route.workspace_id, _own(route))]


def _require(tx: Tx, actor: Actor, route: Route | None, name: str) -> None:
    ask(actor, Permission.PIPELINE_INFER)
    if route is None:
        raise not_found("model", name)
    require(tx, actor, Permission.PIPELINE_INFER, route.workspace_id, "model", name, _own(route))


def _own(route: Route) -> Own:
    return own_pipeline(route.workspace_id, route.pipeline_name)


def _shown(route: Route) -> dict[str, object]:
    return {"id": shown_name(route), "object": "model", "created": 0, "owned_by": route.workspace}
