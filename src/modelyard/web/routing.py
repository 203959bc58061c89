"""Routes that declare the permission they need.

There is no other way to add a route: ``Dialect.route`` asks for the permission, and the server refuses to start when
its router holds anything else. Each request is authenticated before its body is read. When an answer succeeds without
the declared permission having been asked for in the core, it is replaced by an error: a forgotten check cannot leak.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.web.basic import is_basic
from modelyard.web.call import Call, record_refusal
from modelyard.web.services import Services

_LOG = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[Response]]
ErrorRenderer = Callable[[DomainError, Request], Response]
Declare = Callable[[Handler], Handler]


class Public:
    """Declares that anybody may call a route."""


PUBLIC: Final = Public()
_ANONYMOUS: Final = Actor("", "anonymous")


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a route takes and gives, for the reference that is made of the routes.

    ``body`` and ``response`` are types that msgspec knows (None where there is none, or none to be shown); in a
    multipart body, ``body`` is that of the part ``metadata`` beside a part ``file``. ``success`` is the status of a
    success.
    """

    body: Any = None
    accepts: str = "application/json"
    response: Any = None
    success: int = 200


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One declared route; an ASGI application that serves it."""

    method: str
    path: str
    permission: Permission | Public
    handler: Handler
    shapes: Shapes
    render_error: ErrorRenderer
    services: Callable[[], Services]
    basic: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except DomainError as error:
            response = self.render_error(error, request)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001  # the edge: the caller gets the dialect's shape and no inner detail
            response = self.render_error(_internal(request), request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        services = self.services()
        address = request.client.host if request.client else None
        if isinstance(self.permission, Public):
            return await self.handler(Call(request, _ANONYMOUS.for_request(address), services))
        actor = (await self._caller(services, request, address)).for_request(address)
        call = Call(request, actor, services)
        try:
            response = await self.handler(call)
        except DomainError as error:
            await record_refusal(call, self.permission, error)
            raise
        if response.status_code < 400 and self.permission not in actor.checked:
            raise RuntimeError(f"{self.path} answered without asking for its permission {self.permission}")
        return response

    async def _caller(self, services: Services, request: Request, address: str | None) -> Actor:
        authorization = request.headers.get("authorization")
        if self.basic and is_basic(authorization):
            return await services.basic.authenticate(authorization or "", address)
        return await services.authenticator.authenticate(authorization)


class Dialect:
    """The routes of one dialect and its way to render an error; ``basic`` where its clients use HTTP Basic."""

    def __init__(self, name: str, render_error: ErrorRenderer, *, basic: bool = False) -> None:
        self.name = name
        self._basic = basic
        self._render_error = render_error
        self._declared: list[tuple[str, str, Permission | Public, Handler, Shapes]] = []

    def route(self, method: str, path: str, permission: Permission | Public, **shapes: Any) -> Declare:
        """Declare the decorated function as the handler of ``method path``; ``shapes`` are the fields of ``Shapes``."""

        def declare(handler: Handler) -> Handler:
            self._declared.append((method, path, permission, handler, Shapes(**shapes)))
            return handler

        return declare

    def post(self, path: str, permission: Permission | Public, **shapes: Any) -> Declare:
        """``route`` for POST."""
        return self.route("POST", path, permission, **shapes)

    def get(self, path: str, permission: Permission | Public, **shapes: Any) -> Declare:
        """``route`` for GET."""
        return self.route("GET", path, permission, **shapes)

    def routes(self, services: Callable[[], Services]) -> list[Route]:
        """The declared routes, served with what ``services()`` gives once the process is up."""
        return [
            Route(
                path,
                Endpoint(method, path, permission, handler, shapes, self._render_error, services, self._basic),
                methods=[method],
            )
            for method, path, permission, handler, shapes in self._declared
        ]


def direct_routes(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], Endpoint]:
    """(method, path) to endpoint, for the routes whose path has no parameter: found at once among hundreds."""
    found = {}
    for route in routes:
        endpoint = getattr(route, "endpoint", None)
        if isinstance(endpoint, Endpoint) and "{" not in endpoint.path:
            found[endpoint.method, endpoint.path] = endpoint
    return found


def access_table(routes: Iterable[BaseRoute]) -> list[tuple[str, str, str]]:
    """(method, path, permission or "public") of every route, sorted; raises on a route that declares none."""
    table = []
    for route in routes:
        endpoint = getattr(route, "endpoint", None)
        if not isinstance(endpoint, Endpoint):
            raise TypeError(f"{route} declares no permission; add it with Dialect.route")
        permission = "public" if isinstance(endpoint.permission, Public) else str(endpoint.permission)
        table.append((endpoint.method, endpoint.path, permission))
    return sorted(table)


def _internal(request: Request) -> DomainError:
    request_id = new_uuid()
    _LOG.exception("request %s failed: %s %s", request_id, request.method, request.url.path)
    return DomainError(
        ErrorKind.INTERNAL,
        f"internal error; an administrator finds the cause in the server's log under request {request_id}",
        request_id=request_id,
    )
