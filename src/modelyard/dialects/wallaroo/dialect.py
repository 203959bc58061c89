"""What all calls of the Wallaroo dialect share: its routes, its errors, its way to write times."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.call import json_bytes
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

STATUS: Final[Mapping[ErrorKind, int]] = HTTP_STATUS

READ_WITH_400_ONLY = frozenset(
    {
        "/v1/api/models/upload_stream",
        "/v1/api/pipelines/create",
        "/v1/api/user",
        "/v1/api/users/activate",
        "/v1/api/users/deactivate",
        "/v1/api/users/invite",
        "/v1/api/workspaces/add_user",
        "/v1/api/workspaces/create",
        "/v1/api/workspaces/remove_user",
    }
)
"""Calls on which a request can collide with what is there, and whose error texts the published clients read only
where the API's description names the status: with 400, 401 and 500."""

_COLLISIONS = (ErrorKind.CONFLICT, ErrorKind.FAILED_PRECONDITION)
_CHALLENGE = {"www-authenticate": 'Bearer realm="master"'}


def status_of(error: DomainError, path: str = "") -> int:
    """The status that says this error on this call; 507 where the store of files is full."""
    if error.kind in _COLLISIONS and path in READ_WITH_400_ONLY:
        return STATUS[ErrorKind.INVALID]
    return 507 if error.details.get("full") else STATUS[error.kind]


def error_body(error: DomainError, source: str = "platform", path: str = "") -> dict[str, Any]:
    """The error in the one shape that all of the SDK's readers understand."""
    code = status_of(error, path)
    return {"code": code, "msg": error.message, "error": error.message, "status": "error", "source": source}


def error_headers(error: DomainError) -> dict[str, str]:
    """The headers that belong to an error's status (RFC 9110, 11.6.1 and 10.2.3)."""
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return _CHALLENGE
    return retry_headers(error)


def render_error(error: DomainError, request: Request) -> Response:
    """The error as this dialect's answer."""
    path = request.url.path
    return json(error_body(error, path=path), status_of(error, path), error_headers(error))


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, headers, media_type="application/json")


def timestamp(moment: datetime) -> str:
    """ISO 8601 with microseconds and offset, as ``2026-03-01T12:00:00.123456+00:00``."""
    return moment.isoformat(timespec="microseconds")


wallaroo = Dialect("wallaroo", render_error)
