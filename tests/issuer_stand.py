"""An issuer on loopback that publishes whatever a test tells it to, as slowly and as wrongly as the test wants."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import Key, RSAKey

from modelyard.issuer_settings import DISCOVERY, IssuerSettings

Answer = Callable[[BaseHTTPRequestHandler], None]
AUDIENCE = "urn:modelyard"


class IssuerStand:
    """``answers`` maps paths to what is done there; ``key`` is what it publishes and signs with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {DISCOVERY: self.discovery(), "/jwks": self.keys(self.key)}

    @property
    def settings(self) -> IssuerSettings:
        """For a server that believes this issuer."""
        return IssuerSettings(url=self.url, audiences=(AUDIENCE,))

    def discovery(self, **changed: object) -> Answer:
        """Its discovery document."""
        return sends({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **changed})

    def keys(self, *keys: Key) -> Answer:
        """A JWK set of these."""
        return sends({"keys": [key.as_dict(private=False) for key in keys]})

    def claims(self, **changed: object) -> dict[str, object]:
        """The claims of a good access token; None leaves one out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "s-1", "exp": now + 600, "iat": now, "scope": "api"}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(self, header: dict[str, object] | None = None, **changed: object) -> str:
        """A token signed with RS256, whatever it says; what is changed of its header goes into ``header``."""
        whole = {"alg": "RS256", "kid": self.key.kid, "typ": "at+jwt"} | (header or {})
        text = f"{part({k: v for k, v in whole.items() if v is not None})}.{part(self.claims(**changed))}"
        key = self.key.private_key
        assert isinstance(key, RSAPrivateKey)
        return f"{text}.{encoded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def part(value: object) -> str:
    """The value as a part of a token."""
    return encoded(json.dumps(value).encode())


def encoded(content: bytes) -> str:
    """The bytes as tokens have them (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def issuer_stand(tls: ssl.SSLContext | None = None) -> Iterator[IssuerStand]:
    """An issuer that answers until the end of the block; over https with ``tls``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand.asked.append(self.path)
            answer = stand.answers.get(self.path, missing)
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing: tests look at ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stand = IssuerStand(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sends(body: object, status: int = 200, **headers: str) -> Answer:
    """Answer with the JSON (or the bytes) and these headers."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


missing = sends({}, 404)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(400):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def drips_headers(handler: BaseHTTPRequestHandler) -> None:
    """The same before the body begins."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(400):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def floods(handler: BaseHTTPRequestHandler) -> None:
    """More than anybody wants to read, without saying how much it will be."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(4096):
        handler.wfile.write(b" " * 65_536)
