"""Inference as bare ASGI, for every protocol.

In this order: who is asking (before anything is read), which deployment, may they, the body, the model, the log, the
answer. No database, no lock, no file is opened on the way of a warm request.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.keeping import Keeper
from modelyard.web.inference.protocol import Headers, InferenceProtocol, Several

_LOG = logging.getLogger(__name__)

_INLINE_BYTES = 32 * 1024
"""Bodies up to this size are answered on the event loop: handing them to a thread would cost more than the model."""


@dataclass(slots=True)
class Response:
    """What goes back to the client."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class InferenceApp:
    """Answers the inference requests of one protocol with what ``routes`` holds, and has them kept."""

    def __init__(  # what it works with
        self, protocol: InferenceProtocol, routes: RouteTable, admission: Admission, keeper: Keeper, body_limit: int
    ) -> None:
        self._protocol = protocol
        self._routes = routes
        self._admission = admission
        self._keeper = keeper
        self._body_limit = body_limit
        self._threads = ThreadPoolExecutor(2, "inference")
        self.claims = protocol.claims

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            authorization = self._admission.credential(headers, scope)
            route = self._known(scope, headers, authorization) or await self._admitted(scope, headers, authorization)
            body = await self._body(headers.get(b"content-length"), receive)
            if len(body) <= _INLINE_BYTES:
                response = self._infer(route, body, headers, scope)
            else:
                response = await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._infer, route, body, headers, scope
                )
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            response = self._refused(error, headers, scope)
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        await send({"type": "http.response.body", "body": response.body})

    def at_once(self, scope: Scope, body: bytes) -> Response | None:
        """The response to a small request, where nothing has to be waited for; otherwise None, and nothing was done."""
        if len(body) > min(_INLINE_BYTES, self._body_limit):
            return None
        headers = dict(scope["headers"])
        try:
            route = self._known(scope, headers, self._admission.credential(headers, scope))
            return self._infer(route, body, headers, scope) if route else None
        except Exception as error:  # noqa: BLE001  # the edge, as above
            return self._refused(error, headers, scope)

    def _known(self, scope: Scope, headers: Headers, authorization: bytes | None) -> Route | None:
        """The route, when this process knows already who asks and that they may: nothing to wait for."""
        actor = self._admission.known(authorization)
        if actor is None or scope["method"] != "POST":
            return None
        try:
            route = self._protocol.find(scope, headers, self._routes)
        except Several:
            return None
        return route if self._admission.may(actor, route) else None

    async def _admitted(self, scope: Scope, headers: Headers, authorization: bytes | None) -> Route:
        """The route, once it is known who asks and that they may."""
        actor = await self._admission.caller(authorization, scope)
        if scope["method"] != "POST":
            raise invalid("inference is asked for by POST")
        shown = self._protocol.shown(scope)
        try:
            route = self._protocol.find(scope, headers, self._routes)
        except Several as several:
            return await self._admission.choose(actor, several.routes, shown)
        await self._admission.require(actor, route, shown, scope)
        return route

    def _infer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Response:
        try:
            answer = self._protocol.answer(route, body, headers, scope)
        except Exception as error:
            self._keeper.failed(route, error)
            raise
        if answer.logged:
            self._keeper.keep(route, answer.time_ms, answer.result, answer.columns, answer.extra)
        length = b"%d" % len(answer.body)
        fields = [(b"content-type", answer.content_type), (b"content-length", length), *answer.headers]
        return Response(200, fields, answer.body)

    def _refused(self, error: Exception, headers: Headers, scope: Scope) -> Response:
        if not isinstance(error, DomainError):
            _LOG.error("inference failed: %s", scope["path"], exc_info=error)
            error = DomainError(ErrorKind.INTERNAL, "internal error; see the server's log")
        refusal = self._protocol.refusal(error, headers, scope)
        fields = {**refusal.headers, "content-length": str(len(refusal.body))}
        return Response(refusal.status, [(n.encode(), v.encode()) for n, v in fields.items()], refusal.body)

    async def _body(self, declared: bytes | None, receive: Receive) -> bytes:
        if declared is not None and declared.isdigit() and int(declared) > self._body_limit:
            raise self._too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        if not message.get("more_body"):
            body: bytes = message.get("body", b"")
            if len(body) > self._body_limit:
                raise self._too_large()
            return body
        return await self._chunks(message.get("body", b""), receive)

    async def _chunks(self, first: bytes, receive: Receive) -> bytes:
        chunks, size, more = [first], len(first), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            chunk, more = message.get("body", b""), message.get("more_body", False)
            chunks.append(chunk)
            size += len(chunk)
            if size > self._body_limit:
                raise self._too_large()
        return b"".join(chunks)

    def _too_large(self) -> DomainError:
        return DomainError(
            ErrorKind.TOO_LARGE, f"the request body exceeds the limit of {self._body_limit} bytes; send fewer rows"
        )


class _Gone(Exception):  # noqa: N818  # no error: the client left
    """The client went away before it had sent its request."""
