"""Answers in Hasura's shape: ``{"data"}`` or ``{"errors": [{"message", "extensions": {"path", "code"}}]}``.

An error inside a document is answered with 200, as Hasura does and as GraphQL clients expect; a request that is
refused before a document could run with the status of its kind.
"""

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.call import json_bytes

CODES: dict[ErrorKind, str] = {
    ErrorKind.INVALID: "validation-failed",
    ErrorKind.UNAUTHENTICATED: "invalid-jwt",
    ErrorKind.FORBIDDEN: "permission-denied",
    ErrorKind.NOT_FOUND: "not-found",
    ErrorKind.CONFLICT: "constraint-violation",
    ErrorKind.FAILED_PRECONDITION: "data-exception",
    ErrorKind.TOO_LARGE: "bad-request",
    ErrorKind.RATE_LIMITED: "rate-limit-exceeded",
    ErrorKind.UNAVAILABLE: "unexpected",
    ErrorKind.TIMED_OUT: "unexpected",
    ErrorKind.INTERNAL: "unexpected",
}


def data(value: Any) -> Response:
    """A document that ran."""
    return _response({"data": value}, 200)


def failed(errors: Iterable[GraphQLError], code: str = "validation-failed") -> Response:
    """A document that did not; ``code`` is for errors that GraphQL itself found."""
    return _response({"errors": [_rendered(error, code) for error in errors]}, 200)


def refused(error: DomainError, status: int) -> Response:
    """A request whose document was not even looked at."""
    return _response({"errors": [_error(error.message, "$", CODES[error.kind])]}, status)


def _rendered(error: GraphQLError, code: str) -> dict[str, Any]:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path or ())
    cause = error.original_error
    if isinstance(cause, DomainError):
        return _error(cause.message, f"$.selectionSet{path}", CODES[cause.kind])
    return _error(error.message, f"$.selectionSet{path}" if path else "$", code)


def _error(message: str, path: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"path": path, "code": code}}


def _response(body: dict[str, Any], status: int) -> Response:
    return Response(json_bytes(body), status, media_type="application/json")
