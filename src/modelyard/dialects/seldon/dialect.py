"""What all calls of the Seldon dialect share: its routes, its errors, its way to write times."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.web.call import json_bytes
from modelyard.web.callers import by_identity
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

BASE: Final = "/seldon-deploy/api/v1alpha1"

STATUS: Final[Mapping[ErrorKind, int]] = {**HTTP_STATUS, ErrorKind.FAILED_PRECONDITION: 424}


def render_error(error: DomainError, request: Request) -> Response:
    """The error in one shape for the plain and the gRPC-like operations: ``code, message, requestId, details``."""
    status = 507 if error.details.get("full") else STATUS[error.kind]
    request_id = error.details.get("request_id") or request_id_of(request)
    body: dict[str, Any] = {"code": status, "message": error.message, "requestId": request_id, "details": []}
    return Response(json_bytes(body), status, _headers(error, request_id), media_type="application/json")


def request_id_of(request: Request) -> str:
    """The id that the client gave the request, or a new one."""
    return request.headers.get("x-request-id", "")[:100] or new_uuid()


def json(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, media_type="application/json")


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with seconds, as ``2026-03-01T12:00:00Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def exactly(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as ``2026-03-01T12:00:00.250Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _headers(error: DomainError, request_id: str) -> dict[str, str]:
    headers = {"x-request-id": request_id}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer realm="deploy-realm"'
    headers |= retry_headers(error)
    return headers


def render_missing(request: Request, status: int, message: str) -> Response:
    """No such path, or not by this method: never a page and never a redirect, which the SDK takes for an answer."""
    request_id = request_id_of(request)
    body = {"code": status, "message": message, "requestId": request_id, "details": []}
    return Response(json_bytes(body), status, {"x-request-id": request_id}, media_type="application/json")


seldon = Dialect(
    "seldon", render_error, caller=by_identity, prefixes=("/seldon-deploy/",), missing=render_missing, segments=True
)
