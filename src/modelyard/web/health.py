"""Health: ``/livez`` (this process answers) and ``/readyz`` (it can do its work)."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from modelyard.core.kernel.errors import DomainError
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC, Dialect


def _render(error: DomainError, request: Request) -> Response:
    del request
    return JSONResponse({"error": error.message}, 503)


health = Dialect("health", _render)


@health.get("/livez", PUBLIC)
async def livez(call: Call) -> Response:
    """The process is alive."""
    del call
    return PlainTextResponse("ok\n")


@health.get("/readyz", PUBLIC)
async def readyz(call: Call) -> Response:
    """The store is reachable; with ``?verbose`` says what was looked at."""
    try:
        await asyncio.to_thread(call.services.store.generations)
        checks = {"store": "ok"}
    except DomainError as error:
        checks = {"store": error.message}
    ready = set(checks.values()) == {"ok"}
    if "verbose" in call.request.query_params:
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)
    return PlainTextResponse("ok\n" if ready else "not ready\n", 200 if ready else 503)
