"""One client's connection: calls come in over HTTP/2 (RFC 9113), and are shown to an ASGI application.

What the application answers at once is answered within the round of the event loop that brought the call, without a
task, as over HTTP/1.1. Fields of its responses that gRPC does not know are sent as trailers.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import FrameTooLargeError, ProtocolError
from hyperframe.frame import GoAwayFrame
from starlette.types import Scope

from modelyard.web.grpc.call import Application, Call
from modelyard.web.grpc.framing import ENCODINGS, FramingError, framed, require_size, unframed
from modelyard.web.grpc.http2 import CALLS, CONNECTION_WINDOW, FRAMES_BYTES, STREAM_WINDOW, Http, Resets
from modelyard.web.grpc.status import Code, failed
from modelyard.web.inference.pending import Pending

_LOG = logging.getLogger(__name__)

_MOST_CALLS = 4 * CALLS
"""Refused beyond this: a client that has just connected does not know yet how many there may be."""
_STALLED_SECONDS = 60.0
"""A call of which nothing more comes, or whose answer nobody takes, ends after so long."""
_OF_HTTP: Final = frozenset({b"content-type", b"content-length"})
_RESPONSE: Final = [(b":status", b"200"), (b"content-type", b"application/grpc"), (b"grpc-accept-encoding", ENCODINGS)]


class Connection(asyncio.Protocol):
    """See the module. ``limit`` is how many bytes a message may have; ``ended`` is told when it is lost."""

    def __init__(self, application: Application, limit: int, ended: Callable[["Connection"], None]) -> None:
        self._application = application
        self._limit = limit
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: dict[int, Call] = {}
        self._newest = 0
        self._silent = self._received = 0
        self._is_full = self._is_leaving = False
        self._resets = Resets()
        self._sweep: asyncio.TimerHandle | None = None
        self._http = Http()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is TCP's
        self._transport = transport
        self._client = transport.get_extra_info("peername")
        self._http.begin()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._sweep is not None:
            self._sweep.cancel()
        for call in self._calls.values():
            call.leave()
        self._calls.clear()
        self._ended(self)

    def data_received(self, data: bytes) -> None:
        try:
            events = self._http.receive_data(data)
            self._silent = 0 if events else self._silent + len(data)
            if self._silent > FRAMES_BYTES:
                raise FrameTooLargeError("a frame is larger than was agreed")
            for event in events:
                self._take(event)
        except ProtocolError as error:
            _LOG.info("a gRPC connection broke off: %s", error)
            self.close()
            return
        self._flush()

    def pause_writing(self) -> None:
        """The client takes nothing for now: it is not read from either, or what it is told would pile up here."""
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        self._transport.resume_reading()
        self._go_on()
        self._flush()

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way."""
        return not self._calls

    def leave(self) -> None:
        """Take no more calls; those under way are answered."""
        self._is_leaving = True
        self._transport.write(GoAwayFrame(0, last_stream_id=self._newest).serialize())

    def close(self) -> None:
        """End it after what was written."""
        self._flush()
        self._transport.close()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=stream, headers=fields):
                self._begin(stream, fields)
            case DataReceived(stream_id=stream):
                self._open_windows(event)
                if (call := self._calls.get(stream)) is not None:
                    self._add(call, event.data)
            case StreamEnded(stream_id=stream):
                if (call := self._calls.get(stream)) is not None:
                    self._complete(call)
            case StreamReset(stream_id=stream):
                self._withdraw(stream)
            case WindowUpdated() | RemoteSettingsChanged():
                self._go_on()

    def _begin(self, stream: int, fields: Any) -> None:
        if self._is_leaving or len(self._calls) >= _MOST_CALLS:  # the client may make it elsewhere, or later
            self._http.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return
        self._newest = stream
        call = Call(stream, fields)
        if call.is_grpc:
            self._calls[stream] = call
        else:
            self._http.send_headers(stream, [(b":status", b"415")], end_stream=True)

    def _open_windows(self, event: DataReceived) -> None:
        """Let the client send as much again, once that is worth telling; what a call keeps is limited otherwise."""
        self._received += event.flow_controlled_length
        if self._received >= CONNECTION_WINDOW / 4:
            self._http.increment_flow_control_window(self._received)
            self._received = 0
        call = self._calls.get(event.stream_id)
        if call is not None and event.stream_ended is None:
            call.received += event.flow_controlled_length
            if call.received >= STREAM_WINDOW / 4:
                self._http.increment_flow_control_window(call.received, call.stream)
                call.received = 0

    def _add(self, call: Call, data: bytes) -> None:
        if call.trailers is not None:
            return
        call.body += data
        call.moved = time.monotonic()
        try:
            require_size(call.body, self._limit)
        except FramingError as error:
            self._fail(call, error.code, error.message)
            return
        if len(call.body) > STREAM_WINDOW and sum(len(each.body) for each in self._calls.values()) > 2 * self._limit:
            self._fail(call, Code.RESOURCE_EXHAUSTED, "too many large messages at once over one connection")

    def _complete(self, call: Call) -> None:
        call.is_complete = True
        if call.trailers is not None:
            return
        try:
            message = unframed(call.body, call.headers, self._limit)
        except FramingError as error:
            self._fail(call, error.code, error.message)
            return
        call.body = bytearray()
        scope = call.scope(self._client)
        response = self._application.at_once(scope, message)
        if isinstance(response, Pending):
            call.pending = response
            response.then(lambda late: self._answer_late(call, late.headers, late.body))
        elif response is not None:
            self._answer(call, response.headers, response.body)
        else:
            self._start(call, scope, message)

    def _start(self, call: Call, scope: Scope, message: bytes) -> None:
        work = call.run(self._application, scope, message, self._answer_late)
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answer_late(self, call: Call, fields: Sequence[tuple[bytes, bytes]], message: bytes) -> None:
        self._answer(call, fields, message)
        self._flush()

    def _fail(self, call: Call, code: Code, message: str) -> None:
        self._answer(call, failed(code, message), b"")

    def _answer(self, call: Call, fields: Sequence[tuple[bytes, bytes]], message: bytes) -> None:
        if self._calls.get(call.stream) is not call or call.trailers is not None:
            return  # nobody waits for it
        call.trailers = [field for field in fields if field[0] not in _OF_HTTP]
        try:
            if any(name == b"grpc-status" for name, _ in call.trailers):  # it failed, and has no message
                self._http.send_headers(call.stream, [*_RESPONSE, *call.trailers], end_stream=True)
                self._end(call)
            else:
                call.trailers.insert(0, (b"grpc-status", b"0"))
                call.answer = memoryview(framed(message))
                self._http.send_headers(call.stream, _RESPONSE)
                self._send(call)
        except ProtocolError:  # the client took the call back in the same breath
            self._calls.pop(call.stream, None)

    def _send(self, call: Call) -> None:
        """As much of the answer as the client takes now."""
        while call.answer:
            window = self._http.local_flow_control_window(call.stream)
            room = min(window, self._http.max_outbound_frame_size, len(call.answer))
            if room <= 0 or self._is_full:
                return
            self._http.send_data(call.stream, bytes(call.answer[:room]))
            call.answer = call.answer[room:]
            if call.answer:  # what is sent together goes in one piece
                call.moved = time.monotonic()
                self._flush()
        assert call.trailers is not None  # noqa: S101  # they came with the answer
        self._http.send_headers(call.stream, call.trailers, end_stream=True)
        self._end(call)

    def _end(self, call: Call) -> None:
        del self._calls[call.stream]
        if not call.is_complete:  # what still comes of it is not wanted
            self._http.reset_stream(call.stream, ErrorCodes.NO_ERROR)

    def _go_on(self) -> None:
        for call in [call for call in self._calls.values() if call.answer]:
            try:
                self._send(call)
            except ProtocolError:
                self._calls.pop(call.stream, None)

    def _withdraw(self, stream: int) -> None:
        call = self._calls.pop(stream, None)
        if call is not None:
            call.leave()
        if not self._resets.take():
            _LOG.warning("a gRPC connection is closed: its client takes back too many calls")
            self._http.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self.close()

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._transport.write(data)
        if self._calls and self._sweep is None:
            self._sweep = self._loop.call_later(_STALLED_SECONDS / 2, self._drop_stalled)

    def _drop_stalled(self) -> None:
        self._sweep = None
        oldest = time.monotonic() - _STALLED_SECONDS
        for call in list(self._calls.values()):
            call.moved = call.moved or time.monotonic()
            if call.moved < oldest and (call.answer or not call.is_complete):
                self._calls.pop(call.stream)
                self._http.reset_stream(call.stream, ErrorCodes.CANCEL)
        self._flush()
