"""Messages of gRPC as they lie in the body of a request: a flag, the length, the bytes (PROTOCOL-HTTP2 of gRPC)."""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

from modelyard.web.grpc.status import Code

PREFIX_BYTES: Final = 5
ENCODINGS: Final = b"identity,deflate,gzip"
"""Those of messages that are understood."""
_PREFIX: Final = struct.Struct(">BI")
_BITS: Final = {b"gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}


class FramingError(Exception):
    """The call cannot be answered as it came."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def framed(message: bytes) -> bytes:
    """The message as it is sent."""
    return _PREFIX.pack(0, len(message)) + message


def require_size(received: bytes | bytearray, limit: int) -> None:
    """What has come of a body so far promises no more than ``limit`` bytes."""
    if (len(received) >= PREFIX_BYTES and _PREFIX.unpack_from(received)[1] > limit) or len(
        received
    ) > limit + PREFIX_BYTES:
        raise _too_large(limit)


def unframed(body: bytes | bytearray, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The only message in a body, of ``limit`` bytes at most."""
    if len(body) < PREFIX_BYTES:
        raise FramingError(Code.INVALID_ARGUMENT, "the call brings no message")
    compressed, length = _PREFIX.unpack_from(body)
    if len(body) != PREFIX_BYTES + length:
        raise FramingError(Code.INVALID_ARGUMENT, f"the call's message is to have {length} bytes, and has others")
    message = bytes(body[PREFIX_BYTES:])
    if not compressed:
        return message
    return _decompressed(message, headers.get(b"grpc-encoding", b"identity"), limit)


def _decompressed(message: bytes, encoding: bytes, limit: int) -> bytes:
    bits = _BITS.get(encoding)
    if bits is None:
        named = encoding[:40].decode("latin-1")
        raise FramingError(Code.UNIMPLEMENTED, f"messages in {named!r} are not understood, only in gzip and deflate")
    stream = zlib.decompressobj(bits)
    try:
        content = stream.decompress(message, limit + 1)
    except zlib.error as error:
        raise FramingError(Code.INVALID_ARGUMENT, f"the compressed message is damaged: {error}") from error
    if len(content) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise FramingError(Code.INVALID_ARGUMENT, "the compressed message is damaged: it ends too early")
    return content


def _too_large(limit: int) -> FramingError:
    return FramingError(Code.RESOURCE_EXHAUSTED, f"the message exceeds the limit of {limit} bytes; send fewer rows")
