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
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.web.call import Call, record_refusal
from modelyard.web.callers import Caller, by_bearer
from modelyard.web.paths import original
from modelyard.web.services import Services

_LOG = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[Response]]
ErrorRenderer = Callable[[DomainError, Request], Response]
MissingRenderer = Callable[[Request, int, str], Response]
"""(request, status 404 or 405, message) -> the answer where there is no such route."""
Declare = Callable[[Handler], Handler]


def render_missing(request: Request, status: int, message: str) -> Response:
    """Where the path belongs to no dialect, or to one that says no more than this."""
    del request
    body = {"code": status, "msg": message, "error": message, "status": "error", "source": "platform"}
    return JSONResponse(body, status)


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
    caller: Caller = by_bearer
    segments: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.segments:
            given = scope.get("path_params", {})
            scope = {**scope, "path_params": {name: original(value) for name, value in given.items()}}
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
        actor = (await self.caller(services, request)).for_request(address)
        call = Call(request, actor, services)
        try:
            response = await self.handler(call)
        except DomainError as error:
            await record_refusal(call, self.permission, error)
            raise
        if response.status_code < 400 and self.permission not in actor.checked:
            raise RuntimeError(f"{self.path} answered without asking for its permission {self.permission}")
        return response


class _Declared(Route):
    """A declared route; of another method it answers as its dialect says that (RFC 9110, section 15.5.6)."""

    def __init__(self, endpoint: Endpoint, missing: MissingRenderer, methods: set[str]) -> None:
        super().__init__(endpoint.path, endpoint, methods=[endpoint.method])
        self._missing = missing
        self._allow = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        message = f"{scope['method'][:20]} is not possible at {scope['path'][:200]}; use {self._allow}"
        response = self._missing(Request(scope), 405, message)
        response.headers["allow"] = self._allow
        await response(scope, receive, send)


class Dialect:
    """The routes of one dialect, its way to render an error, and how its clients say who they are.

    ``prefixes`` are what paths begin with that belong to it whether there is a route or not: what is missing there is
    said by ``missing``. With ``segments`` an encoded slash in a path separates nothing: it is part of a parameter.
    """

    def __init__(  # what may differ
        self,
        name: str,
        render_error: ErrorRenderer,
        *,
        caller: Caller = by_bearer,
        prefixes: tuple[str, ...] = (),
        missing: MissingRenderer = render_missing,
        segments: bool = False,
    ) -> None:
        self.name = name
        self.missing = missing
        self._caller = caller
        self._prefixes = prefixes
        self.segments = segments
        self._render_error = render_error
        self._declared: list[tuple[str, str, Permission | Public, Handler, Shapes]] = []

    def owns(self, path: str) -> bool:
        """Whether the path belongs to this dialect, with or without a route."""
        return any(path == prefix.rstrip("/") or path.startswith(prefix) for prefix in self._prefixes)

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
        methods: dict[str, set[str]] = {}
        for method, path, *_ in self._declared:
            methods.setdefault(path, set()).add(method)
        return [
            _Declared(
                Endpoint(
                    method, path, permission, handler, shapes, self._render_error, services, self._caller, self.segments
                ),
                self.missing,
                methods[path],
            )
            for method, path, permission, handler, shapes in self._declared
        ]


class NoSuchRoute:
    """Answers what no route is there for: in the words of the dialect that the path belongs to."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = tuple(dialects)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        missing = next((each.missing for each in self._dialects if each.owns(path)), render_missing)
        response = missing(Request(scope), 404, f"there is nothing at {path[:200]}")
        await response(scope, receive, send)


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
