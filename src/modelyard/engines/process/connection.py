"""One connection from a worker to a model's process: one request at a time."""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from modelyard.core.serving.tensors import Array
from modelyard.core.serving.waiting import current_wait
from modelyard.engines.process.addresses import address
from modelyard_runtime.wire import Decoder, Encoder, Frame, Inbox, Kind, MalformedError, Named, carry

Until = Callable[[], float | None]
"""When the request is of no more use, by the monotonic clock; it may come sooner while somebody waits for it."""

_LOOK_SECONDS = 0.25
_ANSWERS = frozenset({Kind.ANSWER, Kind.REJECTED, Kind.FAILED})
_GENERATED = frozenset({Kind.PIECE, Kind.END, Kind.REJECTED, Kind.FAILED})


class NotSentError(Exception):
    """The process has not seen the request: another one may be asked."""


class LostError(Exception):
    """The process may have seen the request, and no answer came."""


class LateError(Exception):
    """The answer did not come in time."""


class Connection:
    """Not thread-safe. After any error but those that the model tells of it must be closed."""

    def __init__(self, path: Path, until: float) -> None:
        """``NotSentError`` when nobody listens there."""
        self.path = path
        self._encoder, self._decoder, self._inbox = Encoder(), Decoder(), Inbox()
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_remaining(until))
            self._socket.connect(address(path))
            self._socket.setblocking(False)
        except OSError as error:
            self._socket.close()
            raise NotSentError from error

    def ask(self, tensors: Sequence[Named], end: float, until: Until) -> tuple[Frame, dict[str, Array]]:
        """(the answer, its tensors); ``end`` is the latest by which it must have come."""
        self._number += 1
        request = self._encoder.encode(Kind.PREDICT, self._number, tensors)
        self._send(request, end)
        frame = self._awaited(end, until)
        if frame.id != self._number or frame.kind not in _ANSWERS:
            raise LostError
        try:
            return frame, self._decoder.decode(frame) if frame.kind is Kind.ANSWER else {}
        except MalformedError as error:
            raise LostError from error

    def begin(self, question: bytes, end: float) -> None:
        """Ask for what comes piece by piece; ``next`` gives each of them."""
        self._number += 1
        self._send(carry(Kind.GENERATE, self._number, question), end)

    def next(self, end: float, until: Until) -> Frame:
        """The next frame of what has begun; one that is no ``PIECE`` is the last."""
        frame = self._awaited(end, until)
        if frame.id != self._number or frame.kind not in _GENERATED:
            raise LostError
        return frame

    def close(self) -> None:
        """End it; the process sees that nobody waits."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _send(self, request: bytes, end: float) -> None:
        try:
            sent = self._sent(request)
            while sent < len(request):
                current_wait()(self._socket.fileno(), True, _latest(end))
                sent += self._sent(memoryview(request)[sent:])
        except OSError as error:
            raise NotSentError from error  # it cannot run a request that it has not got whole

    def _sent(self, request: bytes | memoryview) -> int:
        try:
            return self._socket.send(request)
        except BlockingIOError:
            return 0

    def _awaited(self, end: float, until: Until) -> Frame:
        try:
            while (frame := self._inbox.take()) is None:
                sooner = until()
                self._fill(end if sooner is None else min(end, sooner))
        except (OSError, MalformedError) as error:
            raise LostError from error
        return frame

    def _fill(self, end: float) -> None:
        current_wait()(self._socket.fileno(), False, _latest(end))
        with contextlib.suppress(BlockingIOError):
            if not self._inbox.fill(self._socket):
                raise LostError


def _latest(end: float) -> float:
    """Until when to wait before one looks again whether it is of use; ``LateError`` when it is not."""
    now = time.monotonic()
    if now >= end:
        raise LateError
    return min(end, now + _LOOK_SECONDS)


def _remaining(end: float) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise LateError
    return seconds
