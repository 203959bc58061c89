"""uvicorn's HTTP protocol with one write a response instead of two, and without a task where none is needed.

uvicorn writes head and body of a response apart, and uvloop sends the first write at once: two system calls and often
two packets. Here a write waits until the event loop comes round, or until the next write joins it.

uvicorn starts a task for each request when its head is there. Here a POST that arrives in one piece is shown to the
application first (``at_once``); what it can answer without waiting for anything is answered there and then, and what
waits for a model's process or a lane when that has answered.

uvicorn sets a timer after each response, and takes it back with the next request. Here one runs on, and looks when it
ends how long nothing was asked.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from modelyard.web.inference.pending import Pending


class Response(Protocol):
    """What an application answers at once."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


AtOnce = Callable[[Any, bytes], Response | Pending[Any] | None]
"""From an ASGI scope and the whole body to the response or who will have it, or to None where that takes a task."""


class JoiningTransport:
    """A transport whose ``write`` joins what is written in one go; everything else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = b""
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.set_protocol = transport.set_protocol

    def write(self, data: bytes) -> None:
        """Send the data together with what waits, or let it wait for more."""
        if self._waiting:
            self._transport.write(self._waiting + data)
            self._waiting = b""
        else:
            self._waiting = data
            self._loop.call_soon(self._flush)

    def write_now(self, data: bytes) -> None:
        """Send the data, behind what waits."""
        self._transport.write(self._waiting + data if self._waiting else data)
        self._waiting = b""

    def close(self) -> None:
        """Send what waits, and close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what waits is lost, as it would be in the transport."""
        self._waiting = b""
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._waiting:
            self._transport.write(self._waiting)
            self._waiting = b""


class _Awaited:
    """Stands where uvicorn has the cycle of a request, while its response is still to come."""

    def __init__(self, pending: Pending[Any]) -> None:
        self.pending = pending
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.message_event = asyncio.Event()


class OneWriteProtocol(HttpToolsProtocol):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_once: AtOnce | None = getattr(self.config.app, "at_once", None)
        self._held: bytes | None = None
        """The body so far of a request that is held back until it is complete; None when none is."""
        self._awaited: _Awaited | None = None
        self._idle_since = math.inf
        """When the last response was complete, as the loop counts; infinite while a request is under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for an answer any more."""
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()
        if self._awaited is not None:
            self._awaited.pending.leave()

    def data_received(self, data: bytes) -> None:
        """What arrived in one piece; a request of which more is to come is held back no longer."""
        super().data_received(data)
        if self._held is not None:
            self._release()

    def on_headers_complete(self) -> None:
        if self._at_once is not None and self._may_be_held():
            self._held = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held = self._held + body if self._held else body

    def on_message_complete(self) -> None:
        if self._held is not None:
            if self._answered(self._held):
                self._held = None
                return
            self._release()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what the client sent meanwhile; else it is idle from now on."""
        is_idle = not self.pipeline
        if not is_idle or self.timeout_keep_alive_task is None or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        if is_idle:
            self._idle_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, or look again when it may have been idle for long enough."""
        self.timeout_keep_alive_task = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        elif left < math.inf:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = math.inf

    def _may_be_held(self) -> bool:
        """Whether nothing of this request has to be said or done before its body is there."""
        idle = self.cycle is None or self.cycle.response_complete
        return (
            idle
            and self.parser.get_method() == b"POST"
            and not self.expect_100_continue
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and not self.parser.should_upgrade()
        )

    def _release(self) -> None:
        """Go on as uvicorn does, with a task."""
        held, self._held = self._held, None
        super().on_headers_complete()
        if held:
            super().on_body(held)

    def _answered(self, body: bytes) -> bool:
        """Whether the application answered at once. A connection that is not kept is left to uvicorn."""
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return False
        scope, url = self.scope, httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"], scope["path"], scope["raw_path"] = "POST", unquote(path) if "%" in path else path, url.path
        scope["query_string"] = url.query or b""
        assert self._at_once is not None  # noqa: S101  # nothing is held otherwise
        response = self._at_once(scope, body)
        if response is None:
            return False
        if isinstance(response, Pending):
            self.cycle = self._awaited = _Awaited(response)  # type: ignore[assignment]  # as far as uvicorn looks at it
            response.then(self._answer_late)
        else:
            self._respond(response)
        return True

    def _answer_late(self, response: Response) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is None or self.transport.is_closing():
            return
        awaited.response_complete = True
        self._respond(response, keep=awaited.keep_alive)

    def _respond(self, response: Response, *, keep: bool = True) -> None:
        lines = [STATUS_LINE[response.status]]
        for name, value in (*self.server_state.default_headers, *response.headers):
            lines += (name, b": ", value, b"\r\n")
        lines += (b"\r\n", response.body)
        self.transport.write_now(b"".join(lines))  # type: ignore[attr-defined]  # a JoiningTransport
        if not keep:
            self.transport.close()
        self.on_response_complete()
