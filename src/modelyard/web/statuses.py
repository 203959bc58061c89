"""Kinds of errors in HTTP, as far as dialects agree on them."""

from collections.abc import Mapping
from typing import Final

from modelyard.core.kernel.errors import DomainError, ErrorKind, retry_after

HTTP_STATUS: Final[Mapping[ErrorKind, int]] = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.FAILED_PRECONDITION: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.TIMED_OUT: 504,
    ErrorKind.INTERNAL: 500,
}
"""A dialect's own table begins with this one, and says what it does otherwise."""
_AGAIN: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE})


def retry_headers(error: DomainError) -> dict[str, str]:
    """``retry-after`` for an error after which the same request may be sent again, otherwise nothing."""
    return {"retry-after": retry_after(error)} if error.kind in _AGAIN else {}
