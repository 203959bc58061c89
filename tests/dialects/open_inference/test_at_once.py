"""Requests that are answered without a task: in whatever pieces they arrive, each is answered once and in order."""

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from served import Served, fraud

GET = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def raw(served: Served) -> Iterator[socket.socket]:
    served.infer("ccfraud", fraud())  # from here on the server knows who asks
    address = urlsplit(served.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as made:
        yield made


def request(served: Served, number: str, *more: str, version: str = "1.1") -> bytes:
    body = json.dumps(fraud(id=number)).encode()
    lines = ["host: x", f"authorization: Bearer {served.caller.token}", f"content-length: {len(body)}", *more]
    head = f"POST /v2/models/ccfraud/infer HTTP/{version}\r\n" + "\r\n".join(lines)
    return head.encode() + b"\r\n\r\n" + body


def read(raw: socket.socket, marks: list[bytes]) -> bytes:
    data = b""
    while not all(mark in data for mark in marks):
        more = raw.recv(65536)
        assert more, data
        data += more
    return data


def mark(number: str) -> bytes:
    return b'"id":"%s"' % number.encode()


def test_requests_behind_one_another_are_answered_in_order(served: Served, raw: socket.socket) -> None:
    raw.sendall(request(served, "a") + GET + request(served, "b") + request(served, "c") + GET)
    data = read(raw, [mark("a"), mark("b"), mark("c")])
    while data.count(b"HTTP/1.1 200") < 5:
        data += raw.recv(65536)
    assert data.index(mark("a")) < data.index(b"ok\n") < data.index(mark("b")) < data.index(mark("c"))
    assert data.endswith(b"ok\n")


@pytest.mark.parametrize("cut", [1, 40, -500, -1])
def test_a_request_in_two_pieces_is_answered_as_a_whole(served: Served, raw: socket.socket, cut: int) -> None:
    whole = request(served, "a")
    for _ in range(2):
        raw.sendall(whole[:cut])
        time.sleep(0.05)
        raw.sendall(whole[cut:])
        assert b"dense_1" in read(raw, [mark("a")])


def test_a_piece_may_hold_the_end_of_one_request_and_the_next(served: Served, raw: socket.socket) -> None:
    first = request(served, "a")
    raw.sendall(first[:-10])
    time.sleep(0.05)
    raw.sendall(first[-10:] + request(served, "b"))
    data = read(raw, [mark("a"), mark("b")])
    assert data.index(mark("a")) < data.index(mark("b"))


def test_a_connection_that_is_not_to_be_kept_is_closed_behind_the_answer(served: Served, raw: socket.socket) -> None:
    raw.sendall(request(served, "a", "connection: close"))
    data = read(raw, [mark("a")])
    assert b"connection: close" in data
    assert raw.recv(100) == b""


def test_an_old_client_is_answered_and_left(served: Served, raw: socket.socket) -> None:
    raw.sendall(request(served, "a", version="1.0"))
    read(raw, [mark("a")])
    assert raw.recv(100) == b""


def test_who_asks_for_leave_to_send_gets_it(served: Served, raw: socket.socket) -> None:
    whole = request(served, "a", "expect: 100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    raw.sendall(head + b"\r\n\r\n")
    assert raw.recv(65536).startswith(b"HTTP/1.1 100 ")
    raw.sendall(body)
    assert b"dense_1" in read(raw, [mark("a")])


def test_a_body_in_chunks_is_a_body(served: Served, raw: socket.socket) -> None:
    body = json.dumps(fraud(id="a")).encode()
    whole = request(served, "a").partition(b"\r\n\r\n")[0]
    head = b"\r\n".join(line for line in whole.split(b"\r\n") if not line.startswith(b"content-length"))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:50], body[50:])) + b"0\r\n\r\n"
    raw.sendall(head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
    assert b"dense_1" in read(raw, [mark("a")])


def test_rubbish_behind_a_request_does_not_spoil_its_answer(served: Served, raw: socket.socket) -> None:
    raw.sendall(request(served, "a") + b"\x00\x01\x02\r\n\r\n")
    data = read(raw, [b"HTTP/1.1 400"])
    assert data.index(mark("a")) < data.index(b"HTTP/1.1 400")


def test_a_refusal_keeps_the_connection(served: Served, raw: socket.socket) -> None:
    wrong = request(served, "a").replace(b'"FP32"', b'"FP16"')
    raw.sendall(wrong)
    assert b"expected datatype FP32" in read(raw, [b"}"])
    raw.sendall(request(served, "b"))
    assert b"dense_1" in read(raw, [mark("b")])
