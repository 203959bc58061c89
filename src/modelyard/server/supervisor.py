"""The supervisor: claims the data folder and the address, keeps the controller and the workers running, ends them.

It imports the standard library and the settings alone, holds no connection and no model, and so has little reason to
die; when it does, its children die with it.
"""

import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum, auto

from modelyard.server.children import REASON_TOLD, Child, end_of
from modelyard.server.claims import StartError, claim_address, claim_folder, claim_grpc
from modelyard.server.handover import take_over
from modelyard.server.logs import configure_logging
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)

# Over the drain time: for the application to close its files and connections.
_CLOSING_SECONDS = 10.0

# One wish to end may arrive as several signals: from the terminal, from the shell script around us, from timeout(1).
_SAME_WISH_SECONDS = 1.0


class Phase(Enum):
    """Of the whole tree. It only moves forward."""

    STARTING = auto()
    SERVING = auto()
    ENDING = auto()


class Supervisor:
    """``since``: when the program started, by the monotonic clock. ``listener`` becomes the workers'."""

    def __init__(self, settings: Settings, listener: socket.socket, application: str, since: float) -> None:
        self._settings = settings
        self._since = since
        self._listener = listener
        self._phase = Phase.STARTING
        self._exit_code = 0
        self._ending_since = self._deadline = float("inf")
        self._events = selectors.DefaultSelector()
        gate, self._gate_key = os.pipe()
        shared = (listener.fileno(), gate)
        self._controller = Child("controller", "controller", settings, application, ())
        numbers = range(1, settings.workers + 1)
        self._workers = [Child("worker", f"worker-{number}", settings, application, shared) for number in numbers]
        self._children = [self._controller, *self._workers]

    def run(self) -> int:
        """Until the last process has ended; returns the exit code."""
        self._listen_for_signals()
        while self._phase is not Phase.ENDING or any(child.alive for child in self._children):
            self._start_what_is_due()
            for key, _ in self._events.select(self._patience()):
                key.data()
            for child in self._children:
                self._bury(child)
            if time.monotonic() > self._deadline:
                self._cut_off(f"not ended after {self._settings.drain_seconds} s of draining")
        return self._exit_code

    def _listen_for_signals(self) -> None:
        inbox, outbox = socket.socketpair()
        for end in (inbox, outbox):
            end.setblocking(False)
        signal.set_wakeup_fd(outbox.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number arrives in the inbox
        self._events.register(inbox, selectors.EVENT_READ, lambda: self._obey(inbox.recv(64), outbox))

    def _obey(self, numbers: bytes, _keeps_open: socket.socket) -> None:
        for number in numbers:
            if number in {signal.SIGTERM, signal.SIGINT}:
                self._end(signal.Signals(number).name)

    def _end(self, why: str) -> None:
        if self._phase is Phase.ENDING:
            if time.monotonic() - self._ending_since > _SAME_WISH_SECONDS:
                self._cut_off(f"{why} again")
            return
        _LOG.info("%s: finishing what is under way, for up to %d s", why, self._settings.drain_seconds)
        self._stop()

    def _stop(self) -> None:
        self._phase = Phase.ENDING
        self._ending_since = time.monotonic()
        self._deadline = self._ending_since + self._settings.drain_seconds + _CLOSING_SECONDS
        self._listener.close()
        for child in self._children:
            child.send(signal.SIGTERM)

    def _cut_off(self, why: str) -> None:
        _LOG.warning("%s: cutting off what is still under way", why)
        self._exit_code, self._deadline = 1, float("inf")
        for child in self._children:
            child.send(signal.SIGKILL)

    def _start_what_is_due(self) -> None:
        if self._phase is Phase.ENDING:
            return
        for child in self._children:
            if child.due_in() == 0 and (report := child.start()) is not None:
                self._events.register(report, selectors.EVENT_READ, self._hearing(child, report))

    def _patience(self) -> float | None:
        if self._phase is Phase.ENDING:
            return max(0.0, self._deadline - time.monotonic()) if self._deadline < float("inf") else None
        return min((due for child in self._children if (due := child.due_in()) is not None), default=None)

    def _hearing(self, child: Child, report: int) -> Callable[[], None]:
        def hear() -> None:
            child.ready = os.read(report, 1) == b"1"
            self._events.unregister(report)
            os.close(report)
            self._after_report(child)

        return hear

    def _after_report(self, child: Child) -> None:
        if self._phase is not Phase.STARTING:
            if child.ready:
                _LOG.info("%s is ready again", child.name)
            return
        if self._controller.ready and self._gate_key >= 0:
            os.close(self._gate_key)  # the end of the pipe is what the workers wait for
            self._gate_key = -1
        if all(child.ready for child in self._children):
            self._phase = Phase.SERVING
            print(self._announcement(), flush=True)

    def _announcement(self) -> str:
        host, port = self._settings.host, self._settings.port
        where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        workers = f"{self._settings.workers} worker{'s' if self._settings.workers > 1 else ''}"
        seconds = time.monotonic() - self._since
        return f"Modelyard is ready at {where} (data {self._settings.data}, {workers}) in {seconds:.1f} s"

    def _bury(self, child: Child) -> None:
        status = child.reap()
        if status is None or self._phase is Phase.ENDING:
            return
        if self._phase is Phase.SERVING:
            _LOG.error("%s %s; starting it again in %.1f s", child.name, end_of(status), child.due_in() or 0)
            return
        if status != REASON_TOLD:
            _LOG.critical("%s %s before the server was ready", child.name, end_of(status))
        self._exit_code = 1
        self._stop()


def main(arguments: Sequence[str]) -> int:
    """The program that ``modelyard.server.serve`` becomes."""
    settings_fd, application, since = arguments
    settings = take_over(int(settings_fd))
    configure_logging(settings, "supervisor")
    try:
        _lock = claim_folder(settings.data)
        listener = claim_address(settings.host, settings.port)
        if settings.grpc_port:
            claim_grpc(settings.host, settings.grpc_port)
    except StartError as error:
        print(f"Error: {error}.", file=sys.stderr)
        return 2
    return Supervisor(replace(settings, port=listener.getsockname()[1]), listener, application, float(since)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
