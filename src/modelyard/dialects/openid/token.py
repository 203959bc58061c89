"""The token endpoint (RFC 6749, section 3.2)."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from starlette.responses import Response

from modelyard.core.identity.clients import GrantType
from modelyard.dialects.openid.dialect import issuer_url, json, openid, realm_of
from modelyard.issuers.embedded.issuer import OAuthError, TokenRequest
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_FORM_BYTES = 64 * 1024


@openid.post("/auth/realms/{realm}/protocol/openid-connect/token", PUBLIC)
async def token(call: Call) -> Response:
    """Get a token: grants password, refresh_token, client_credentials."""
    realm_of(call)
    try:
        return json(await _granted(call))
    except OAuthError as error:
        headers = {"www-authenticate": 'Basic realm="clients"'} if error.error == "invalid_client" else None
        return json({"error": error.error, "error_description": error.description}, error.status, headers)


async def _granted(call: Call) -> dict[str, object]:
    form = await _form(call)
    issuer = call.services.issuer
    client = await issuer.client(*_credentials(call, form), call.address)
    request = TokenRequest(client, realm_of(call), issuer_url(call), form.get("scope"), call.address)
    answer: dict[str, object]
    match form.get("grant_type"):
        case GrantType.PASSWORD:
            username, password = _needed(form, "username"), _needed(form, "password")
            answer = await issuer.password(request, username, password, call.address)
        case GrantType.REFRESH_TOKEN:
            answer = await issuer.refresh(request, _needed(form, "refresh_token"))
        case GrantType.CLIENT_CREDENTIALS:
            answer = await issuer.client_credentials(request)
        case None:
            raise OAuthError("invalid_request", "Missing form parameter: grant_type")
        case other:
            raise OAuthError("unsupported_grant_type", f"Unsupported grant_type {other[:60]}")
    return answer


async def _form(call: Call) -> Mapping[str, str]:
    """The form's fields; a field given twice is refused (section 3.2)."""
    if call.request.url.query and {"client_secret", "password", "refresh_token"} & set(call.request.query_params):
        raise OAuthError("invalid_request", "Credentials belong in the body, not in the URL")
    try:
        pairs = parse_qsl((await call.body(_FORM_BYTES)).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise OAuthError("invalid_request", "The body must be application/x-www-form-urlencoded") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A form parameter was given more than once")
    return form


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


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"Missing parameter: {name}")
    return value
