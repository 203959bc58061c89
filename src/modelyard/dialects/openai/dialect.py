"""What all calls of OpenAI's API share: its routes and its errors."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

ROOT: Final = "/openai/v1"

STATUS: Final[Mapping[ErrorKind, int]] = HTTP_STATUS
_TYPES: Final = {
    ErrorKind.UNAUTHENTICATED: "authentication_error",
    ErrorKind.FORBIDDEN: "permission_error",
    ErrorKind.RATE_LIMITED: "rate_limit_error",
    ErrorKind.UNAVAILABLE: "server_error",
    ErrorKind.TIMED_OUT: "server_error",
    ErrorKind.INTERNAL: "server_error",
}
_CODES: Final = {ErrorKind.NOT_FOUND: "model_not_found", ErrorKind.UNAUTHENTICATED: "invalid_api_key"}


def error_body(error: DomainError) -> dict[str, Any]:
    """The error; ``param`` names the field at fault, where there is one."""
    kind = _TYPES.get(error.kind, "invalid_request_error")
    code, param = _CODES.get(error.kind, str(error.kind)), error.details.get("param")
    return {"error": {"message": error.message, "type": kind, "param": param, "code": code}}


def engine_body(error: DomainError) -> dict[str, Any]:
    """The error as Wallaroo's engine says it, below the URL of a pipeline."""
    code = STATUS[error.kind]
    return {"code": code, "status": "error", "error": error.message, "msg": error.message, "source": "engine"}


def error_headers(error: DomainError) -> dict[str, str]:
    """Clients of this API also send again what was answered by 409 or 500, unless they are told not to."""
    if again := retry_headers(error):
        return again
    fields = {"x-should-retry": "false"}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        fields["www-authenticate"] = 'Bearer realm="master"'
    return fields


def render_error(error: DomainError, request: Request) -> Response:
    """The error as this dialect's answer."""
    del request
    return json(error_body(error), STATUS[error.kind], error_headers(error))


def render_missing(request: Request, status: int, message: str) -> Response:
    """What there is no route for."""
    del request
    return json({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}, status)


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


openai = Dialect("openai", render_error, prefixes=(f"{ROOT}/",), missing=render_missing)
