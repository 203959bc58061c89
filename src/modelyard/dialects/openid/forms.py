"""Form bodies and query strings, and how clients prove who they are in them."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from urllib.parse import parse_qsl, unquote_plus

from starlette.responses import Response

from modelyard.core.identity.entities import OAuthClient
from modelyard.dialects.openid.dialect import json, realm_of
from modelyard.issuers.embedded.oauth import OAuthError
from modelyard.web.call import Call

_FORM_BYTES = 64 * 1024
_MOST_FIELDS = 50
_SECRETS = {"client_secret", "password", "refresh_token", "token", "code_verifier"}

Handler = Callable[[Call], Awaitable[Response]]


def oauth_errors(handler: Handler) -> Handler:
    """Answers an ``OAuthError`` as RFC 6749 section 5.2 says."""

    @wraps(handler)
    async def answer(call: Call) -> Response:
        realm_of(call)
        try:
            return await handler(call)
        except OAuthError as error:
            headers = {"www-authenticate": 'Basic realm="clients"'} if error.error == "invalid_client" else None
            return json({"error": error.error, "error_description": error.description}, error.status, headers)

    return answer


async def read_form(call: Call) -> dict[str, str]:
    """The form's fields; a field given twice is refused (RFC 6749, section 3.2)."""
    if call.request.url.query and _SECRETS & set(call.request.query_params):
        raise OAuthError("invalid_request", "Credentials belong in the body, not in the URL")
    try:
        text = (await call.body(_FORM_BYTES)).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise OAuthError("invalid_request", "The body must be application/x-www-form-urlencoded") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A form parameter was given more than once")
    return form


def read_query(call: Call) -> tuple[dict[str, str], set[str]]:
    """The query's parameters that have a value (section 3.1), and the names that were given more than once."""
    try:
        pairs = parse_qsl(call.request.url.query, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise OAuthError("invalid_request", "Too many parameters") from error
    names = [name for name, _ in pairs]
    return dict(pairs), {name for name in names if names.count(name) > 1}


async def client_of(call: Call, form: Mapping[str, str]) -> OAuthClient:
    """The client that sent the form, when it proved to be it."""
    return await call.services.issuer.client(*_credentials(call, form), call.address)


def needed(form: Mapping[str, str], name: str) -> str:
    """The field's value, which may not be missing or empty."""
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"Missing parameter: {name}")
    return value


def _credentials(call: Call, form: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(client id, secret) from HTTP Basic or from the form (section 2.3.1), never from both."""
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id"), form.get("client_secret")
    if "client_secret" in form:
        raise OAuthError("invalid_request", "Authenticate the client by header or by body, not by both")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "The Authorization header is not valid HTTP Basic", 401) from error
    if form.get("client_id", unquote_plus(name)) != unquote_plus(name):
        raise OAuthError("invalid_request", "The header and the body name different clients")
    return unquote_plus(name), unquote_plus(secret)
