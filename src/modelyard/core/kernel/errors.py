"""The one error that use-cases raise.

A ``DomainError`` says what kind of failure it is and carries a message for a person. It knows no HTTP: every
dialect maps each kind to its own status and body in one table, and a test proves each table total.
"""

from enum import StrEnum
from typing import Any


class ErrorKind(StrEnum):
    """What went wrong, seen from the caller's side."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FAILED_PRECONDITION = "failed_precondition"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"
    INTERNAL = "internal"


class DomainError(Exception):
    """A failure the caller is told about.

    ``message`` names the thing, what was wrong with it, and what to do. ``details`` are machine-readable extras
    (JSON types only) that a dialect may add to its error body. ``by_model`` says that a model failed while it ran,
    which may be the request's fault or its own; ``by_caller`` that the caller had no more time, not the server.
    """

    by_model = False
    by_caller = False

    def __init__(self, kind: ErrorKind, message: str, **details: Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.details = details


def invalid(message: str, **details: Any) -> DomainError:
    """The request itself is wrong; sending it again unchanged cannot work."""
    return DomainError(ErrorKind.INVALID, message, **details)


def not_found(what: str, which: object) -> DomainError:
    """The thing does not exist, or the actor may not know that it does: both read the same."""
    return DomainError(ErrorKind.NOT_FOUND, f"{what} {which} not found")


def conflict(message: str, **details: Any) -> DomainError:
    """The request collides with what is already there."""
    return DomainError(ErrorKind.CONFLICT, message, **details)


def rate_limited(message: str, seconds: int) -> DomainError:
    """Too much at once; the same request may be answered after so many seconds."""
    return DomainError(ErrorKind.RATE_LIMITED, message, retry_after=seconds)


def timed_out(message: str, *, by_caller: bool = False) -> DomainError:
    """What was asked for took longer than it may; ``by_caller`` says that this was less than the server allows."""
    error = DomainError(ErrorKind.TIMED_OUT, message)
    error.by_caller = by_caller
    return error


def retry_after(error: DomainError) -> str:
    """Seconds to wait before the request is sent again, as the header Retry-After says it (RFC 9110, 10.2.3)."""
    return str(error.details.get("retry_after", 1))


def failed_precondition(message: str, **details: Any) -> DomainError:
    """The thing exists but is not in the state the request needs."""
    return DomainError(ErrorKind.FAILED_PRECONDITION, message, **details)
