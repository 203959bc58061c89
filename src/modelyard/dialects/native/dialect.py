"""What all calls of the native API share: its routes, its errors, its way to write times."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.call import json_bytes
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

STATUS: Final[Mapping[ErrorKind, int]] = HTTP_STATUS


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
    return retry_headers(error)


native = Dialect("native", render_error)
