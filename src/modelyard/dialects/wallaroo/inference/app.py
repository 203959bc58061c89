"""``POST /v1/api/pipelines/infer/{namespace}/{pipeline}`` as bare ASGI.

In this order: who is asking (before anything is read), which deployment, may they, the body, the model, the log, the
answer. No database, no lock, no file is opened on the way of a warm request.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import orjson
from starlette.types import Receive, Scope, Send

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.inference_log import LogWriter
from modelyard.core.serving.pipelines import own_pipeline
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.wallaroo.dataset import from_query
from modelyard.dialects.wallaroo.dialect import STATUS, error_body, error_headers
from modelyard.dialects.wallaroo.inference.answer import encode
from modelyard.dialects.wallaroo.inference.request import columns_of
from modelyard.web.refusals import record_route_refusal

_LOG = logging.getLogger(__name__)

PREFIX = "/v1/api/pipelines/infer/"
_INLINE_BYTES = 32 * 1024
"""Bodies up to this size are answered on the event loop: handing them to a thread would cost more than the model."""


class CallerChecks(Protocol):
    """Who is asking, and whether they may: at once when it is known, else by asking the store."""

    def cached(self, authorization: bytes | None) -> Actor | None:
        """The caller, when this process has verified the header before."""

    async def resolve(self, authorization: bytes | None) -> Actor:
        """The caller; ``UNAUTHENTICATED`` when there is none."""

    def allowed(self, actor: Actor, permission: Permission, pipeline_id: int) -> bool | None:
        """True when this process knows that the actor holds the permission on the pipeline, else None."""

    async def require(
        self, actor: Actor, permission: Permission, pipeline_id: int, ask: Callable[[Tx, Actor], None]
    ) -> None:
        """Decide by what ``ask`` finds in the store and raises, and remember a yes."""


class InferenceApp:
    """Answers inference requests with what ``routes`` holds, and logs them; ``audit`` records who may not."""

    def __init__(  # what it works with
        self, routes: RouteTable, callers: CallerChecks, log: LogWriter, body_limit: int, audit: BoundedRecorder
    ) -> None:
        self._routes = routes
        self._callers = callers
        self._log = log
        self._body_limit = body_limit
        self._audit = audit
        self._threads = ThreadPoolExecutor(2, "inference")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            authorization = headers.get(b"authorization")
            route = self._known(scope, authorization) or await self._admitted(scope, authorization)
            body = await self._body(headers.get(b"content-length"), receive)
            if len(body) <= _INLINE_BYTES:
                answer, kind = self._infer(route, body, headers, scope["query_string"])
            else:
                answer, kind = await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._infer, route, body, headers, scope["query_string"]
                )
            length = b"%d" % len(answer)
            await send(_start(200, [(b"content-type", kind), (b"content-length", length)]))
            await send({"type": "http.response.body", "body": answer})
        except DomainError as error:
            await _refuse(send, error)
        except _Gone:
            return
        except Exception:  # noqa: BLE001  # the edge: no inner detail leaves
            _LOG.exception("inference failed: %s", scope["path"])
            await _refuse(send, DomainError(ErrorKind.INTERNAL, "internal error; see the server's log"))

    def _known(self, scope: Scope, authorization: bytes | None) -> Route | None:
        """The route, when this process knows already who asks and that they may: nothing to wait for."""
        actor = self._callers.cached(authorization)
        if actor is None or scope["method"] != "POST" or not actor.in_scope(Permission.PIPELINE_INFER):
            return None
        route = self._route(scope["path"])
        return route if self._callers.allowed(actor, Permission.PIPELINE_INFER, route.pipeline_id) else None

    async def _admitted(self, scope: Scope, authorization: bytes | None) -> Route:
        """The route, once it is known who asks and that they may; that they may not is recorded."""
        actor = self._callers.cached(authorization) or await self._callers.resolve(authorization)
        if scope["method"] != "POST":
            raise invalid("inference is asked for by POST")
        async with self._recording(actor, scope):
            ask(actor, Permission.PIPELINE_INFER)
        route = self._route(scope["path"])
        if not self._callers.allowed(actor, Permission.PIPELINE_INFER, route.pipeline_id):
            decide = partial(_may_infer, route=route, shown=_shown(scope["path"]))
            async with self._recording(actor, scope):
                await self._callers.require(actor, Permission.PIPELINE_INFER, route.pipeline_id, decide)
        return route

    @asynccontextmanager
    async def _recording(self, actor: Actor, scope: Scope) -> AsyncIterator[None]:
        """Records that what is asked inside was refused; a deployment that is not there does not belong inside."""
        try:
            yield
        except DomainError as error:
            who = actor.for_request(scope["client"][0] if scope.get("client") else None)
            route = f"POST {scope['path']}"
            await record_route_refusal(self._audit, who, route, Permission.PIPELINE_INFER, error)
            raise

    def _route(self, path: str) -> Route:
        namespace, _, pipeline = path[len(PREFIX) :].partition("/")
        route = self._routes.get(namespace)
        if route is None or (pipeline and pipeline != route.pipeline_name):
            raise not_found("deployment", _shown(path))
        return route

    def _infer(self, route: Route, body: bytes, headers: dict[bytes, bytes], query: bytes) -> tuple[bytes, bytes]:
        began = time.perf_counter_ns()
        content_type = headers.get(b"content-type", b"")
        columns = columns_of(body, content_type)
        parsed = time.perf_counter_ns() - began
        result = route.graph.run(columns)
        result.elapsed.insert(0, parsed)
        taken = route.graph.columns
        extra = {} if len(columns) == len(taken) else {n: v for n, v in columns.items() if n not in taken}
        now = time.time_ns() // 1_000_000
        answer = encode(route, now, result, extra, headers.get(b"accept", b""), from_query(query))
        self._log.append(route, now, result, extra)
        return answer

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


def _may_infer(tx: Tx, actor: Actor, route: Route, shown: str) -> None:
    own = own_pipeline(route.workspace_id, route.pipeline_name)
    require(tx, actor, Permission.PIPELINE_INFER, route.workspace_id, "deployment", shown, own)


class _Gone(Exception):  # noqa: N818  # no error: the client left
    """The client went away before it had sent its request."""


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _refuse(send: Send, error: DomainError) -> None:
    body = orjson.dumps(error_body(error, "engine"))
    headers = {"content-type": "application/json", **error_headers(error), "content-length": str(len(body))}
    await send(_start(STATUS[error.kind], [(name.encode(), value.encode()) for name, value in headers.items()]))
    await send({"type": "http.response.body", "body": body})


def _shown(path: str) -> str:
    return path[len(PREFIX) :][:200]
