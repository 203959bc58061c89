"""Nothing is served whose permission nobody declared, and nothing that did not ask for what it declares."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC, Dialect, access_table
from modelyard.web.services import Services


class _AnyoneIsAnn:
    """Takes every caller for the same user."""

    async def authenticate(self, _: str | None) -> Actor:
        return Actor("ann", "ann", platform_roles=frozenset({"USER"}))


def _services() -> Any:
    return Services.__new__(Services)


async def _plain(request: Request) -> Response:
    return PlainTextResponse("served")


@pytest.mark.parametrize(
    "undeclared",
    [Route("/x", _plain), Mount("/x", routes=[]), WebSocketRoute("/x", _plain)],
    ids=["route", "mount", "websocket"],
)
def test_a_route_that_declares_nothing_stops_the_server_before_it_starts(undeclared: BaseRoute) -> None:
    with pytest.raises(TypeError, match="declares no permission"):
        access_table([undeclared])


def test_the_table_names_each_route_and_what_it_needs() -> None:
    dialect = _dialect(Permission.SIGNED_IN)
    assert access_table(dialect.routes(_services)) == [("GET", "/asks", "platform.signed_in")]
    assert access_table(_dialect(PUBLIC).routes(_services)) == [("GET", "/asks", "public")]


def _dialect(declared: Any) -> Dialect:
    def render(error: DomainError, request: Request) -> Response:
        return PlainTextResponse(error.kind, 500)

    dialect = Dialect("test", render)

    @dialect.get("/asks", declared)
    async def asks(call: Call) -> Response:
        require_platform(call.actor, Permission.SIGNED_IN)
        return PlainTextResponse("served")

    return dialect


@pytest.mark.parametrize("declared", [p for p in Permission if p is not Permission.SIGNED_IN])
def test_an_answer_without_the_declared_check_does_not_leave(declared: Permission) -> None:
    assert _get(_dialect(Permission.SIGNED_IN)).text == "served"
    answer = _get(_dialect(declared))
    assert answer.status_code == 500
    assert "served" not in answer.text


def _get(dialect: Dialect) -> httpx.Response:
    services = Services(**dict.fromkeys(Services.__slots__) | {"authenticator": _AnyoneIsAnn()})
    app = Starlette(routes=dialect.routes(lambda: services))

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get("/asks")

    return asyncio.run(get())
