"""What all calls of the native API share: its routes and its errors."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.call import json_bytes
from modelyard.web.routing import Dialect

PROBLEMS: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID: (400, "The request is wrong"),
    ErrorKind.UNAUTHENTICATED: (401, "Not signed in"),
    ErrorKind.FORBIDDEN: (403, "Not allowed"),
    ErrorKind.NOT_FOUND: (404, "Not found"),
    ErrorKind.CONFLICT: (409, "It collides with what is there"),
    ErrorKind.FAILED_PRECONDITION: (409, "Not possible as things are"),
    ErrorKind.TOO_LARGE: (413, "Too large"),
    ErrorKind.RATE_LIMITED: (429, "Too much at once"),
    ErrorKind.UNAVAILABLE: (503, "Not available now"),
    ErrorKind.INTERNAL: (500, "The server failed"),
}
"""The status and the title of each kind of error."""

_HEADERS = {
    ErrorKind.UNAUTHENTICATED: {"www-authenticate": "Bearer"},
    ErrorKind.RATE_LIMITED: {"retry-after": "1"},
    ErrorKind.UNAVAILABLE: {"retry-after": "1"},
}


def render_error(error: DomainError, request: Request) -> Response:
    """The error as problem details (RFC 9457); ``code`` is its kind, and its machine-readable extras are members."""
    status, title = PROBLEMS[error.kind]
    problem = {
        **error.details,
        "type": f"urn:modelyard:problem:{error.kind.replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": error.message,
        "instance": request.url.path,
        "code": str(error.kind),
    }
    return Response(json_bytes(problem), status, _HEADERS.get(error.kind), "application/problem+json")


def json(value: Any) -> Response:
    """A JSON answer that no cache keeps."""
    return Response(json_bytes(value), 200, {"cache-control": "no-store"}, "application/json")


native = Dialect("native", render_error)
