"""Serving one model: requests from all connections, one after another, on the thread that loaded it.

Answers that come piece by piece are made at the same time, see ``together``: between two pieces all else goes on.
"""

import contextlib
import os
import re
import select
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from modelyard_runtime.generation import Answer, Question
from modelyard_runtime.model import Array, Model, Rejected, Tensor
from modelyard_runtime.together import Together
from modelyard_runtime.wire import Decoder, Encoder, Frame, Inbox, Kind, MalformedError, say

_SEND_SECONDS = 10.0
_LONG_SECONDS = 0.001
"""Whoever waited longer than that may have gone meanwhile."""
_QUIET_SECONDS = 0.5
"""So long there must be no connection before a process that drains ends."""
DRAIN, REST = b"drain\n", b"rest\n"
"""What to tell a process over its control channel, see ``Server``."""
_FULL_SECONDS = 0.02
"""So long nobody is looked at again when none of those who get pieces can take any."""
_REASON = 500
_FOLDERS = re.compile(r"(?<![\w/])/(?:[^\s/'\"]+/)+")


@dataclass(slots=True)
class Progress:
    """What the process is at, for its heartbeats: ``since`` is when the running request began, monotonic seconds.

    ``waiting`` counts the requests that have come and are not begun; any thread may call it.
    """

    waiting: Callable[[], int] = lambda: 0
    done: int = 0
    since: float | None = None


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    inbox: Inbox = field(default_factory=Inbox)
    decoder: Decoder = field(default_factory=Decoder)
    encoder: Encoder = field(default_factory=Encoder)
    has_asked: bool = False
    is_last: bool = False
    """Nothing more can come over it."""


class Server:
    """Answers whoever connects to ``listener``, until told to drain and everybody has gone, or to rest."""

    def __init__(self, model: Model, listener: socket.socket, control: socket.socket, progress: Progress) -> None:
        """Over ``control`` comes ``DRAIN`` or ``REST``; its end tells to end at once."""
        self._model = model
        self._control = control
        self._outputs = tuple(model.outputs)
        self._listener = listener
        self._progress = progress
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, _Connection] = {}
        self._together = Together(told)
        self._draining = self._resting = False
        self._quiet_since = 0.0
        self._waited = False
        """Whether the request that comes next has waited for others."""
        progress.waiting = self._count

    def drain(self) -> None:
        """End once nobody is connected any longer; safe in a signal handler."""
        self._draining = True
        self._quiet_since = time.monotonic()

    def run(self) -> None:
        """Serve. Those who wait are answered in the order in which they are found to wait."""
        waking, waker = socket.socketpair()
        for end in (waking, waker, self._listener):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(waking, selectors.EVENT_READ, lambda: waking.recv(64))
        self._selector.register(self._control, selectors.EVENT_READ, self._obey)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        pause: float | None = None
        while not self._finished():
            ready = self._selector.select(pause)
            began = time.monotonic()
            for at, (key, _) in enumerate(ready):
                self._waited = self._waited or at > 0
                key.data()
            self._waited = time.monotonic() - began > _LONG_SECONDS
            pause = self._turn() if self._together else _QUIET_SECONDS / 2 if self._draining else None

    def _turn(self) -> float:
        """Make a piece of each answer; how long nothing has to be done then."""

        def begin() -> None:
            self._progress.since = time.monotonic()

        completed, is_full = self._together.turn(begin)
        self._progress.since = None
        self._progress.done += completed
        self._waited = True
        if self._resting:
            for connection in list(self._connections.values()):
                self._make_last(connection)
        return _FULL_SECONDS if is_full else 0.0

    def _obey(self) -> None:
        told = self._control.recv(64)
        if not told:
            os._exit(1)  # nobody watches over this process any longer
        if REST in told:
            self._rest()
        self.drain()

    def _rest(self) -> None:
        """Answer what has come, and end. Who comes from now on waits at the listener, for another process.

        A request that was not there as a whole is refused by the kernel, so that whoever sends it knows that it was not
        run; what is asked first over a new connection is waited for.
        """
        if self._resting:
            return
        while self._accept():
            pass
        self._resting = True
        self._selector.unregister(self._listener)
        for connection in list(self._connections.values()):
            self._make_last(connection)

    def _make_last(self, connection: _Connection) -> None:
        if connection.has_asked and not connection.is_last and connection.socket not in self._together:
            connection.is_last = True
            with contextlib.suppress(OSError):  # the other side has gone
                connection.socket.shutdown(socket.SHUT_RD)  # what is in its queue can still be read

    def _count(self) -> int:
        """Requests that have come and are not begun."""
        asking = select.poll()
        for descriptor in (*tuple(self._connections), self._listener.fileno()):
            asking.register(descriptor, select.POLLIN)
        return sum(event == select.POLLIN for _, event in asking.poll(0)) + self._together.waiting

    def _finished(self) -> bool:
        if self._resting:
            return not self._connections
        if self._connections:
            self._quiet_since = time.monotonic()
        return self._draining and time.monotonic() - self._quiet_since > _QUIET_SECONDS

    def _accept(self) -> bool:
        """Whether somebody came."""
        try:
            accepted, _ = self._listener.accept()
        except OSError:  # who came has gone, or there are too many
            return False
        connection = _Connection(accepted)
        accepted.setblocking(False)
        self._connections[accepted.fileno()] = connection
        self._selector.register(accepted, selectors.EVENT_READ, lambda: self._receive(connection))
        self._receive(connection)  # who connects has something to ask
        return True

    def _receive(self, connection: _Connection) -> None:
        try:
            if not connection.inbox.fill(connection.socket):
                self._close(connection)
                return
            while (frame := connection.inbox.take()) is not None:
                self._answer(connection, frame)
                if self._resting:
                    self._make_last(connection)
        except BlockingIOError:
            return
        except (OSError, MalformedError):
            self._close(connection)

    def _answer(self, connection: _Connection, frame: Frame) -> None:
        if connection.socket in self._together:
            raise MalformedError("the request before is not answered yet")
        if frame.kind is Kind.GENERATE:
            self._generate(connection, frame)
            return
        if frame.kind is not Kind.PREDICT:
            raise MalformedError("only requests are expected here")
        inputs, connection.has_asked = connection.decoder.decode(frame), True
        if self._waited and not connection.is_last and gone(connection.socket):
            raise MalformedError("who asked has gone")
        self._progress.since = time.monotonic()
        try:
            answer = self._predicted(connection.encoder, frame.id, inputs)
        finally:
            self._progress.since = None
            self._progress.done += 1
        _send(connection.socket, answer)

    def _generate(self, connection: _Connection, frame: Frame) -> None:
        try:
            question = Question.from_bytes(bytes(frame.body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise MalformedError("that is no question") from error
        connection.has_asked = True
        self._together.add(connection.socket, frame.id, lambda: Answer(self._model, question))

    def _predicted(self, encoder: Encoder, number: int, inputs: dict[str, Array]) -> bytes:
        try:
            outputs = self._model.predict(inputs)
            tensors = [(tensor.name, tensor.dtype, np.asarray(outputs[tensor.name])) for tensor in self._outputs]
            return encoder.encode(Kind.ANSWER, number, tensors)
        except Rejected as error:
            return say(Kind.REJECTED, number, str(error)[:_REASON])
        except Exception as error:  # noqa: BLE001  # the model's own code: it may raise whatever it likes
            return say(Kind.FAILED, number, told(error))

    def _close(self, connection: _Connection) -> None:
        self._together.leave(connection.socket)
        del self._connections[connection.socket.fileno()]
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _send(connection: socket.socket, answer: bytes) -> None:
    """Send all of it; what does not fit at once waits for the other side, though not for ever."""
    try:
        sent = connection.send(answer)
    except BlockingIOError:
        sent = 0
    if sent < len(answer):
        connection.settimeout(_SEND_SECONDS)
        connection.sendall(memoryview(answer)[sent:])
        connection.setblocking(False)


def gone(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def told(error: BaseException) -> str:
    """An exception for people far away: its type and what it says, without the folders of this machine."""
    return f"{type(error).__name__}: {without_folders(str(error))}"[:_REASON]


def without_folders(text: str) -> str:
    """The text with the names of files only, where it has absolute paths."""
    return _FOLDERS.sub("", text)


def example(inputs: Sequence[Tensor]) -> dict[str, Array]:
    """One row of zeros and empty texts."""
    return {tensor.name: _zeros(tensor) for tensor in inputs}


def _zeros(tensor: Tensor) -> Array:
    shape = (1, *(1 if size is None else size for size in tensor.shape[1:]))
    if tensor.dtype in ("string", "json"):
        return np.full(shape, "" if tensor.dtype == "string" else None, dtype=object)
    return np.zeros(shape, dtype=tensor.dtype)
