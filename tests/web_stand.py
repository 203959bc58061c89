"""A web server of a test's own making: it answers what it is told, and remembers what it was asked."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

Query = dict[str, str]


@dataclass(frozen=True)
class Reply:
    """``instead`` is called with the handler in place of sending anything, where it is given."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    instead: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass
class WebStand:
    """``answers`` are by path; ``asked`` are the requests that came: path with query, headers."""

    port: int = 0
    secure: bool = False
    answers: dict[str, Reply | Callable[[Query], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.port}"

    def say(self, path: str, value: Any, status: int = 200) -> None:
        """Answer with JSON from now on."""
        self.answers[path] = Reply(msgspec.json.encode(value), status, {"Content-Type": "application/json"})

    def reply(self, path: str) -> Reply:
        parts = urlsplit(path)
        known = self.answers.get(parts.path, Reply(b"nothing here", 404))
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        return known(query) if callable(known) else known


@contextmanager
def web_stand(tls: ssl.SSLContext | None = None) -> Iterator[WebStand]:
    """Started on a free port of this machine, ended afterwards."""
    stand = WebStand(secure=tls is not None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand.asked.append((self.path, dict(self.headers)))
            reply = stand.reply(self.path)
            if reply.instead is not None:
                reply.instead(self)
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Whoever asked has gone."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stand.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
