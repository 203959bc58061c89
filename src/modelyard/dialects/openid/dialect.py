"""What the routes of this dialect share: errors, realms, issuer URLs."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found, retry_after
from modelyard.web.call import Call, json_bytes
from modelyard.web.routing import Dialect

STATUS = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.FAILED_PRECONDITION: 400,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}

_ADMIN = "/auth/admin/"

_CODES = {
    ErrorKind.UNAUTHENTICATED: "invalid_token",
    ErrorKind.FORBIDDEN: "access_denied",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.RATE_LIMITED: "temporarily_unavailable",
    ErrorKind.UNAVAILABLE: "temporarily_unavailable",
    ErrorKind.INTERNAL: "server_error",
}


def without_last_slash(path: str) -> str:
    """The path under which a route is declared: Keycloak's JavaScript client adds a slash to the names of lists."""
    return path.rstrip("/") if path.startswith(_ADMIN) else path


def render_error(error: DomainError, request: Request) -> Response:
    """The error for OAuth's readers (``error_description``) and those of Keycloak's admin API (``errorMessage``)."""
    del request
    code = _CODES.get(error.kind, "invalid_request")
    headers = {"www-authenticate": f'Bearer error="{code}"'} if error.kind is ErrorKind.UNAUTHENTICATED else {}
    if error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        headers["retry-after"] = retry_after(error)
    body = {"error": code, "error_description": error.message, "errorMessage": error.message}
    return json(body, STATUS[error.kind], headers)


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps (RFC 6749, section 5.1)."""
    kept = {"cache-control": "no-store", "pragma": "no-cache", **(headers or {})}
    return Response(json_bytes(value), status, kept, media_type="application/json")


def realm_of(call: Call) -> str:
    """The realm in the path; ``NOT_FOUND`` unless it is served."""
    realm: str = call.request.path_params["realm"]
    if realm not in call.services.issuer.realms:
        raise not_found("realm", realm)
    return realm


def issuer_url(call: Call) -> str:
    """The realm's issuer identifier: below the configured public URL, else below the one the client used."""
    return f"{base_url(call)}/auth/realms/{realm_of(call)}"


def base_url(call: Call) -> str:
    """The server's public URL, without a slash at its end."""
    base = call.services.public_url or f"{call.request.url.scheme}://{call.request.url.netloc}"
    return base.rstrip("/")


def origin(call: Call) -> str:
    """Scheme, host and port of the public URL (RFC 6454)."""
    parts = urlsplit(base_url(call))
    return f"{parts.scheme}://{parts.netloc}"


REALM = "/auth/realms/{realm}"
PROTOCOL = f"{REALM}/protocol/openid-connect"

openid = Dialect("openid", render_error)
