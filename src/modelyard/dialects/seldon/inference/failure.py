"""Errors of the data plane, as messages: ``{"status": {…}, "meta": {"puid"}}``."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.dialects.seldon.dialect import STATUS
from modelyard.dialects.seldon.inference.message import puid_of
from modelyard.web.call import json_bytes
from modelyard.web.statuses import retry_headers

_REASONS = {
    ErrorKind.INVALID: "MICROSERVICE_BAD_DATA",
    ErrorKind.INTERNAL: "MICROSERVICE_INTERNAL_ERROR",
}


def failure(error: DomainError, puid: str) -> tuple[int, dict[str, Any]]:
    """(status, body). The text names the node that failed, where it was one, and the request."""
    status = 507 if error.details.get("full") else STATUS[error.kind]
    node = f"node {error.details['node']!r}: " if "node" in error.details else ""
    said = {
        "code": status,
        "info": f"{node}{error.message} (request {puid})",
        "reason": _REASONS.get(error.kind, error.kind.upper()),
        "status": "FAILURE",
    }
    return status, {"status": said, "meta": {"puid": puid}}


def failure_headers(error: DomainError, puid: str) -> dict[str, str]:
    """What goes with it."""
    headers = {"content-type": "application/json", "seldon-puid": puid, "x-content-type-options": "nosniff"}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer realm="deploy-realm"'
    headers |= retry_headers(error)
    return headers


def request_id_of(error: DomainError, given: str | None) -> str:
    """The id of the request that failed: the one in its body or its header, or a new one."""
    try:
        return error.details.get("request_id") or puid_of(given) or new_uuid()
    except DomainError:
        return new_uuid()


def render_failure(error: DomainError, request: Request) -> Response:
    """For the routes that describe a deployment and take feedback."""
    puid = request_id_of(error, request.headers.get("seldon-puid"))
    status, body = failure(error, puid)
    return Response(json_bytes(body), status, failure_headers(error, puid))
