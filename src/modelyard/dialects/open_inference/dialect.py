"""What all calls of the Open Inference Protocol share: its routes and its errors."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.call import json_bytes
from modelyard.web.callers import by_place
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

STATUS: Final[Mapping[ErrorKind, int]] = {**HTTP_STATUS, ErrorKind.FAILED_PRECONDITION: 400}


def status_of(error: DomainError) -> int:
    """The status that says this error; 507 where the store of files is full."""
    return 507 if error.details.get("full") else STATUS[error.kind]


def error_body(error: DomainError) -> dict[str, Any]:
    """The error, and which node of the graph it came from, where one is at fault."""
    node = error.details.get("node")
    return {"error": f"node {node!r}: {error.message}" if node else error.message}


def error_headers(error: DomainError) -> dict[str, str]:
    """The headers that belong to an error's status (RFC 9110, 11.6.1 and 10.2.3)."""
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return {"www-authenticate": 'Bearer realm="master"'}
    return retry_headers(error)


def render_error(error: DomainError, request: Request) -> Response:
    """The error as this dialect's answer."""
    del request
    return json(error_body(error), status_of(error), error_headers(error))


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, headers, media_type="application/json")


open_inference = Dialect("open inference", render_error, caller=by_place)
