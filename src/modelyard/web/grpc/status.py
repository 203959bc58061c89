"""How gRPC says how a call ended: ``grpc-status`` and ``grpc-message``."""

from enum import IntEnum
from typing import Final
from urllib.parse import quote

from modelyard.core.kernel.errors import ErrorKind

Fields = list[tuple[bytes, bytes]]
"""Header fields of HTTP/2, in order."""

_MESSAGE_BYTES = 2000
"""Of a message: it travels in a header, where each byte may take three, and clients refuse headers beyond 8 KiB."""
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Code(IntEnum):
    """Status codes, as gRPC's documentation numbers them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


CODE: Final = {
    ErrorKind.INVALID: Code.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: Code.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN: Code.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: Code.NOT_FOUND,
    ErrorKind.CONFLICT: Code.ABORTED,
    ErrorKind.FAILED_PRECONDITION: Code.FAILED_PRECONDITION,
    ErrorKind.TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    ErrorKind.RATE_LIMITED: Code.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: Code.UNAVAILABLE,
    ErrorKind.TIMED_OUT: Code.DEADLINE_EXCEEDED,
    ErrorKind.INTERNAL: Code.INTERNAL,
}
"""How gRPC says each kind of error."""


def failure(code: Code, message: str) -> dict[str, str]:
    """The fields of a call that failed; a message that is too long for them is cut."""
    return {"grpc-status": str(int(code)), "grpc-message": quote(_shortened(message), safe=_PLAIN)}


def failed(code: Code, message: str) -> Fields:
    """The same as HTTP/2 sends it."""
    return [(name.encode(), value.encode()) for name, value in failure(code, message).items()]


def _shortened(text: str) -> str:
    data = text.encode(errors="replace")
    return data.decode() if len(data) <= _MESSAGE_BYTES else data[:_MESSAGE_BYTES].decode(errors="ignore") + "…"
