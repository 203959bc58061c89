"""Asking a deployment from a handler, as if the request had come in by the deployment's own URL."""

import asyncio

from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.core.serving.routes import Route
from modelyard.web.call import Call
from modelyard.web.inference.protocol import Answer, Headers


async def ask(call: Call, route: Route, protocol: str, body: bytes, headers: Headers) -> Answer:
    """What the deployment answers to ``body`` in the protocol; logged as ever.

    The caller must hold the permission to infer, or is refused as at the deployment's own URL.
    """
    serving = call.services.serving
    speaking = serving.protocols.get(protocol)
    if speaking is None:
        raise failed_precondition(f"this server does not speak {protocol!r}")
    scope = dict(call.request.scope)
    await serving.admission.require(call.actor, route, f"{route.workspace}/{route.pipeline_name}", scope)
    return await asyncio.to_thread(_ask, call, route, protocol, body, headers)


def _ask(call: Call, route: Route, protocol: str, body: bytes, headers: Headers) -> Answer:
    serving = call.services.serving
    try:
        answer = serving.protocols[protocol].answer(route, body, headers, dict(call.request.scope))
    except DomainError as error:
        serving.keeper.failed(route, error)
        if "node" in error.details:
            error.message = f"unit {error.details['node']!r}: {error.message}"
        raise
    serving.keeper.keep(route, answer.time_ms, answer.result, answer.columns, answer.extra)
    return answer
