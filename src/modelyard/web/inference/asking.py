"""Asking a deployment from a handler, as if the request had come in by the deployment's own URL."""

import asyncio

from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.routes import Route
from modelyard.web.call import Call
from modelyard.web.inference.protocol import Answer, Headers
from modelyard.web.services import Serving


async def ask(call: Call, route: Route, protocol: str, path: str, body: bytes) -> Answer:
    """What the deployment answers to the JSON ``body`` at the ``path`` of one of the protocols; logged as ever.

    The caller must hold the permission to infer, or is refused as at the deployment's own URL.
    """
    serving = call.services.serving
    headers = {b"content-type": b"application/json"}
    scope: Scope = {**call.request.scope, "path": path, "raw_path": path.encode(), "query_string": b""}
    await serving.admission.require(call.actor, route, f"{route.workspace}/{route.pipeline_name}", scope)
    return await asyncio.to_thread(_ask, serving, route, protocol, body, headers, scope)


def _ask(  # as a protocol's ``answer``
    serving: Serving, route: Route, protocol: str, body: bytes, headers: Headers, scope: Scope
) -> Answer:
    try:
        answer = serving.protocols[protocol].answer(route, body, headers, scope)
    except Exception as error:
        serving.keeper.failed(route, error)
        if isinstance(error, DomainError) and "node" in error.details:
            error.message = f"unit {error.details['node']!r}: {error.message}"
        raise
    serving.keeper.keep(route, answer.time_ms, answer.result, answer.columns, answer.extra)
    return answer
