"""Asking a deployment from a handler, as if the request had come in by the deployment's own URL."""

from functools import partial

from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, timed_out
from modelyard.core.serving.deadlines import require_time
from modelyard.core.serving.routes import Route
from modelyard.web.call import Call
from modelyard.web.inference.lane import Job
from modelyard.web.inference.lanes import Gone
from modelyard.web.inference.patience import deadline_of
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
    deadline = deadline_of(dict(scope["headers"]), serving.lanes.seconds)
    job = Job(partial(_ask, serving, route, protocol, body, headers, scope), deadline, len(body))
    try:
        return await serving.lanes.run(route, job, call.request.receive)
    except Gone as gone:
        raise timed_out("the client went away before it was answered", by_caller=True) from gone


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
    require_time()
    serving.keeper.keep(route, answer.time_ms, answer.result, answer.columns, answer.extra)
    return answer
