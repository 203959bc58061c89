"""Messages in the bodies of gRPC calls."""

import gzip
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.web.grpc.framing import FramingError, framed, require_size, unframed
from modelyard.web.grpc.status import Code, failure

LIMIT = 1000
PACKED = {"gzip": gzip.compress, "deflate": zlib.compress}


def body(message: bytes, compressed: int = 0) -> bytes:
    return struct.pack(">BI", compressed, len(message)) + message


def refused(data: bytes, **headers: str) -> Code:
    with pytest.raises(FramingError) as caught:
        unframed(data, {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}, LIMIT)
    return caught.value.code


@given(st.binary(max_size=LIMIT), st.sampled_from(["", *PACKED]))
def test_a_message_comes_as_it_was_sent(message: bytes, encoding: str) -> None:
    headers = {b"grpc-encoding": encoding.encode()} if encoding else {}
    sent = body(PACKED[encoding](message), 1) if encoding else framed(message)
    assert unframed(sent, headers, LIMIT) == message


def test_what_is_no_message_is_refused() -> None:
    assert refused(b"") is refused(b"\0\0\0\0") is Code.INVALID_ARGUMENT
    assert refused(framed(b"abc")[:-1]) is refused(framed(b"abc") + framed(b"")) is Code.INVALID_ARGUMENT
    assert refused(body(b"abc", 1), grpc_encoding="br") is refused(body(b"abc", 1)) is Code.UNIMPLEMENTED
    assert refused(body(b"abc", 1), grpc_encoding="gzip") is Code.INVALID_ARGUMENT
    assert refused(body(gzip.compress(b"abc")[:-9], 1), grpc_encoding="gzip") is Code.INVALID_ARGUMENT


def test_a_message_that_grows_when_it_is_unpacked_is_refused_before_it_does() -> None:
    bomb = gzip.compress(bytes(10**8), 9)
    assert unframed(body(gzip.compress(bytes(LIMIT)), 1), {b"grpc-encoding": b"gzip"}, LIMIT) == bytes(LIMIT)
    assert refused(body(bomb, 1), grpc_encoding="gzip") is Code.RESOURCE_EXHAUSTED


def test_a_size_that_is_promised_is_refused_before_it_has_come() -> None:
    require_size(b"\0", LIMIT)
    require_size(framed(bytes(LIMIT)), LIMIT)
    for received in (struct.pack(">BI", 0, LIMIT + 1), bytes(LIMIT + 6)):
        with pytest.raises(FramingError, match="exceeds the limit of 1000 bytes"):
            require_size(received, LIMIT)


@given(st.text())
def test_messages_of_errors_are_fit_for_headers(text: str) -> None:
    told = failure(Code.NOT_FOUND, text)
    assert told["grpc-status"] == "5"
    assert told["grpc-message"].isascii()
    assert told["grpc-message"].isprintable()
    assert len(told["grpc-message"]) < 8000
