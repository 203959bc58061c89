"""What the routes of this dialect share: errors, realms, issuer URLs."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.web.call import Call, json_bytes
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

STATUS: Final[Mapping[ErrorKind, int]] = {**HTTP_STATUS, ErrorKind.FAILED_PRECONDITION: 400}

_ADMIN = "/auth/admin/"

_CODES = {
    ErrorKind.UNAUTHENTICATED: "invalid_token",
    ErrorKind.FORBIDDEN: "access_denied",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.RATE_LIMITED: "temporarily_unavailable",
    ErrorKind.UNAVAILABLE: "temporarily_unavailable",
    ErrorKind.TIMED_OUT: "temporarily_unavailable",
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
    headers |= retry_headers(error)
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
