"""The HTTP protocol of the workers: one write a response, and nothing lost, late or out of order."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from running import RunningServer

CONFIG = b"GET /v1/api/config HTTP/1.1\r\nhost: x\r\n\r\n"


@contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
        yield raw


def read(raw: socket.socket, ends: bytes) -> bytes:
    data = b""
    while not data.endswith(ends):
        more = raw.recv(65536)
        if not more:
            break
        data += more
    return data


def test_a_response_arrives_whole_in_one_piece(live_server: RunningServer) -> None:
    with connected(live_server) as raw:
        for _ in range(20):
            raw.sendall(CONFIG)
            piece = raw.recv(65536)
            assert piece.startswith(b"HTTP/1.1 200 OK\r\n")
            assert piece.endswith(b'{"default_arch":"x86"}')


def test_pipelined_requests_are_answered_in_order(live_server: RunningServer) -> None:
    paths = ["/livez", "/v1/api/config", "/nothing-1", "/livez", "/nothing-2"]
    with connected(live_server) as raw:
        raw.sendall(b"".join(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode() for path in paths))
        data = read(raw, b'nothing-2","status":"error","source":"platform"}')
    marks = [b"ok\n", b"default_arch", b"nothing-1", b"ok\n", b"nothing-2"]
    at = 0
    for mark in marks:
        at = data.index(mark, at) + len(mark)
    assert data.count(b"HTTP/1.1 ") == len(paths)


def test_a_client_that_waits_for_leave_to_send_gets_it(live_server: RunningServer) -> None:
    head = b"POST /v1/graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    with connected(live_server) as raw:
        raw.sendall(head)
        first = raw.recv(65536)
    assert first.startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 401 "))


def test_answers_without_a_body_end(live_server: RunningServer) -> None:
    with connected(live_server) as raw:
        raw.sendall(b"HEAD /v1/api/docs HTTP/1.1\r\nhost: x\r\n\r\n")
        head = read(raw, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        etag = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"etag"))[6:]
        raw.sendall(b"GET /v1/api/docs HTTP/1.1\r\nhost: x\r\nif-none-match: " + etag + b"\r\n\r\n")
        assert read(raw, b"\r\n\r\n").startswith(b"HTTP/1.1 304 ")
        raw.sendall(CONFIG)
        assert b"default_arch" in raw.recv(65536)


def test_a_client_that_wants_to_close_is_answered_first(live_server: RunningServer) -> None:
    with connected(live_server) as raw:
        raw.sendall(CONFIG.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        data = read(raw, b"never")
    assert data.endswith(b'{"default_arch":"x86"}')
    assert b"connection: close" in data


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /v1/graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x-a: b\r\n" * 20_000 + b"\r\n",
    ],
)
def test_broken_http_is_refused_or_cut_and_the_server_goes_on(live_server: RunningServer, request_: bytes) -> None:
    with connected(live_server) as raw:
        try:
            raw.sendall(request_)
            answer = raw.recv(65536)
        except (ConnectionError, TimeoutError):
            answer = b""
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100"))
    with connected(live_server) as raw:
        raw.sendall(CONFIG)
        assert b"default_arch" in raw.recv(65536)


def test_many_idle_connections_hinder_nobody(live_server: RunningServer) -> None:
    address = urlsplit(live_server.url)
    idle = [socket.create_connection((address.hostname, address.port), timeout=5) for _ in range(300)]
    try:
        for raw in idle[::2]:
            raw.sendall(b"POST /v1/graphql HTTP/1.1\r\nhost: x\r\ncontent-le")
        with connected(live_server) as raw:
            raw.sendall(CONFIG)
            assert b"default_arch" in raw.recv(65536)
    finally:
        for raw in idle:
            raw.close()
