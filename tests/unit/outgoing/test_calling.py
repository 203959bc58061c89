"""Calls to addresses that users chose, against web servers that do not behave."""

import gzip
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.outgoing import requesting
from modelyard.outgoing.addresses import Addresses
from modelyard.outgoing.calling import AnsweredError, Outgoing
from web_stand import Reply, WebStand, web_stand

CLOSED, OPENED = Outgoing(Addresses(())), Outgoing(Addresses(("127.0.0.0/8",)))
SECRET = {"Authorization": "Bearer very-secret"}


@pytest.fixture
def stand() -> Iterator[WebStand]:
    with web_stand() as made:
        yield made


def refused(outgoing: Outgoing, url: str, seconds: float = 5, most: int = 1000) -> DomainError:
    with pytest.raises(DomainError) as caught:
        outgoing.read(url, SECRET, most, seconds)
    assert "very-secret" not in caught.value.message
    return caught.value


def test_an_answer_is_read_with_the_headers_that_were_given(stand: WebStand) -> None:
    stand.answers["/a"] = Reply(b"hello")
    assert OPENED.read(f"{stand.url}/a?b=c%2Fd", SECRET, 5, 5) == b"hello"
    ((path, headers),) = stand.asked
    assert path == "/a?b=c%2Fd"
    assert (headers["Host"], headers["Authorization"]) == (f"127.0.0.1:{stand.port}", "Bearer very-secret")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_called_however_it_is_written(stand: WebStand, host: str) -> None:
    for scheme in ("http", "https"):
        error = refused(CLOSED, f"{scheme}://{host}:{stand.port}/")
        assert error.kind is ErrorKind.INVALID
        assert "outgoing_networks" in error.message
    assert stand.asked == []


def test_unknown_names_are_answered_like_those_that_lead_inside(stand: WebStand) -> None:
    unknown = refused(CLOSED, "http://no-such-host.invalid/").message.replace("no-such-host.invalid", "X")
    assert unknown == refused(CLOSED, f"http://localhost:{stand.port}/").message.replace("localhost", "X")


def test_a_name_is_called_at_the_address_that_was_looked_at(stand: WebStand) -> None:
    stand.answers["/"] = Reply(b"here")
    assert OPENED.read(f"http://localhost:{stand.port}/", {}, 10, 5) == b"here"
    assert stand.asked[0][1]["Host"] == f"localhost:{stand.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(stand: WebStand, status: int) -> None:
    with web_stand() as inner:
        stand.answers["/"] = Reply(b"", status, {"Location": f"{inner.url}/secret"})
        error = refused(OPENED, stand.url)
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "redirects" in error.message
        assert inner.asked == []


def test_other_statuses_are_told(stand: WebStand) -> None:
    with pytest.raises(AnsweredError) as caught:
        OPENED.read(stand.url, {}, 10, 5)
    assert caught.value.status == 404


def test_an_answer_that_is_too_large_is_cut_off(stand: WebStand) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    stand.answers["/"] = Reply(instead=endless)
    error = refused(OPENED, stand.url)
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "larger than 1000 bytes" in error.message


def test_a_compressed_answer_is_refused(stand: WebStand) -> None:
    stand.answers["/"] = Reply(gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})
    assert "compressed" in refused(OPENED, stand.url, most=10**9).message


def test_a_drip_of_bytes_keeps_nobody_longer_than_allowed(stand: WebStand) -> None:
    def body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        _drip(handler)

    def headers(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        _drip(handler)

    for instead in (body, headers, lambda _: time.sleep(5)):
        stand.answers["/"] = Reply(instead=instead)
        began = time.monotonic()
        assert refused(OPENED, stand.url, seconds=0.5).kind is ErrorKind.TIMED_OUT
        assert time.monotonic() - began < 4


def _drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def test_what_is_no_http_is_unavailable(stand: WebStand) -> None:
    for garbage in (
        b"\x00\x01\x02" * 100,
        b"HTTP/9 huh\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
        b"",
    ):
        stand.answers["/"] = Reply(instead=lambda handler, said=garbage: handler.wfile.write(said))  # type: ignore[misc]
        assert refused(OPENED, stand.url).kind is ErrorKind.UNAVAILABLE


def test_a_body_that_ends_early_is_unavailable(stand: WebStand) -> None:
    stand.answers["/"] = Reply(b"short", headers={"Content-Length": "500"})
    assert refused(OPENED, stand.url).kind is ErrorKind.UNAVAILABLE


def test_nobody_there_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert refused(OPENED, f"http://127.0.0.1:{port}/").kind is ErrorKind.UNAVAILABLE


def test_a_proxy_of_the_environment_is_not_used(stand: WebStand, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_stand() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        stand.answers["/"] = Reply(b"direct")
        assert OPENED.read(stand.url, {}, 10, 5) == b"direct"
        assert proxy.asked == []


def test_a_certificate_must_be_for_the_name_that_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, trusted = _certificate(tmp_path)
    with web_stand(tls) as secure:
        secure.answers["/"] = Reply(b"safe")
        requesting._tls.cache_clear()
        assert refused(OPENED, f"https://localhost:{secure.port}/").kind is ErrorKind.UNAVAILABLE
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        requesting._tls.cache_clear()
        assert OPENED.read(f"https://localhost:{secure.port}/", {}, 10, 5) == b"safe"
        assert refused(OPENED, f"https://127.0.0.1:{secure.port}/").kind is ErrorKind.UNAVAILABLE
    requesting._tls.cache_clear()


def _certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """For ``localhost`` and an address that nobody asks, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.9.9.9"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.PrivateFormat.PKCS8
    key_file, certificate = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, plain, serialization.NoEncryption()))
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key_file)
    return tls, certificate
