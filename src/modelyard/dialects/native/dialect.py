"""What all calls of the native API share: its routes, its errors, its way to write times."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind, retry_after
from modelyard.web.call import json_bytes
from modelyard.web.routing import Dialect

STATUS = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.FAILED_PRECONDITION: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}


def render_error(error: DomainError, request: Request) -> Response:
    """The error as problem details (RFC 9457): ``code`` is the kind of error, its details are further members."""
    status = 507 if error.details.get("full") else STATUS[error.kind]
    problem = {
        **error.details,
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "instance": request.url.path,
        "code": str(error.kind),
    }
    return Response(json_bytes(problem), status, _headers(error), media_type="application/problem+json")


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps: it may hold what is shown once."""
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(json_bytes(value), status, kept, media_type="application/json")


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 with microseconds and offset, as ``2026-03-01T12:00:00.123456+00:00``; None for none."""
    return moment.isoformat(timespec="microseconds") if moment is not None else None


def _headers(error: DomainError) -> dict[str, str]:
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return {"www-authenticate": 'Bearer realm="master"'}
    again = error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE)
    return {"retry-after": retry_after(error)} if again else {}


native = Dialect("native", render_error)
