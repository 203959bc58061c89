"""A worker process: serves the application on the shared socket until told to end, then finishes what is under way."""

import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from modelyard.server.children import REASON_TOLD
from modelyard.server.membership import Membership, keep_what_is_loaded, run_member
from modelyard.server.protocol import OneWriteProtocol

# Longer than the idle time of usual load balancers (60 s), so that they, who know, close first.
_KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """Uvicorn that says when it serves and leaves signals to this module."""

    def __init__(self, config: uvicorn.Config, member: Membership) -> None:
        super().__init__(config)
        self._member = member

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve from here on: the lifespan has started and the socket is listened to."""
        await super().startup(sockets)
        self._member.tell_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM drains. Uvicorn's own version raises the signal again at the end, which would hide exit code 0."""
        signal.signal(signal.SIGTERM, self._drain)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield

    def _drain(self, *_: object) -> None:
        self.should_exit = True


def work(member: Membership) -> int:
    """Load everything while the controller prepares, wait until it has, then serve."""
    listening, gate = member.inherited
    worker_id = f"{member.name}-{secrets.token_hex(4)}"
    application = member.application.build_application(member.settings, worker_id)
    server = Server(_config(application, member.settings.drain_seconds), member)
    keep_what_is_loaded()
    os.read(gate, 1)  # nothing is ever written: the end of the pipe is the gate's opening
    server.run(sockets=[socket.socket(fileno=listening)])
    return 0 if server.started else REASON_TOLD


def _config(application: object, drain_seconds: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,  # type: ignore[arg-type]  # an ASGI application: its type belongs to uvicorn, not to bootstrap
        loop="uvloop",
        http=OneWriteProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
        log_config=None,
    )


if __name__ == "__main__":
    sys.exit(run_member(sys.argv[1:], work))
