"""A call, from its headers to the end of its answer."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope, Send

from modelyard.web.grpc.status import Code, Fields, failed
from modelyard.web.inference.pending import Pending

_LOG = logging.getLogger(__name__)


class Response(Protocol):
    """What an application answers."""

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Its fields; without ``grpc-status`` the call went well."""

    @property
    def body(self) -> bytes:
        """The message."""


class Application(Protocol):
    """What answers calls: the body of a request is its message, the path its method."""

    def at_once(self, scope: Scope, body: bytes) -> Response | Pending[Any] | None:
        """See ``InferenceApp.at_once``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""


Answered = Callable[["Call", Sequence[tuple[bytes, bytes]], bytes], None]
"""Is told the fields and the message of an answer."""


class Call:
    """See the module. ``moved`` is when something of it came or went (monotonic)."""

    def __init__(self, stream: int, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self.stream = stream
        self.headers = headers = dict(fields)
        self.path = headers.get(b":path", b"").decode("latin-1")
        kind = headers.get(b"content-type", b"").partition(b"+")[0]
        self.is_grpc = headers.get(b":method") == b"POST" and kind == b"application/grpc"
        self.body = bytearray()
        self.received = 0
        """Bytes that the client does not know of that it may send as many again."""
        self.is_complete = False
        self.moved = 0.0
        self.pending: Pending[Any] | None = None
        self.left: asyncio.Event | None = None
        self.answer = memoryview(b"")
        """What is not sent yet."""
        self.trailers: Fields | None = None

    def leave(self) -> None:
        """Nobody waits for the answer any more."""
        if self.pending is not None:
            self.pending.leave()
        if self.left is not None:
            self.left.set()

    def scope(self, client: tuple[Any, ...] | None) -> Scope:
        """The request as ASGI has it, from the client's address."""
        return {
            "type": "http",
            "method": "POST",
            "http_version": "2",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode("latin-1"),
            "query_string": b"",
            "headers": [field for field in self.headers.items() if not field[0].startswith(b":")],
            "client": client and client[:2],
        }

    async def run(self, application: Application, scope: Scope, message: bytes, answered: Answered) -> None:
        """Have the application answer where it has to wait."""
        self.left = left = asyncio.Event()
        given, started = [message], list[Message]()

        async def receive() -> Message:
            if given:
                return {"type": "http.request", "body": given.pop()}
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(sent: Message) -> None:  # one of each
            if sent["type"] == "http.response.start":
                started.append(sent)
            else:
                answered(self, started[0]["headers"], sent["body"])

        try:
            await application(scope, receive, send)
        except Exception:  # noqa: BLE001  # the edge: no inner detail leaves
            _LOG.exception("gRPC call %s failed", self.path)
            answered(self, failed(Code.INTERNAL, "internal error; see the server's log"), b"")
