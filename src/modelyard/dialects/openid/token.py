"""The token endpoint (RFC 6749, section 3.2), and what becomes of tokens that are out."""

from starlette.responses import Response

from modelyard.core.identity.clients import GrantType
from modelyard.dialects.openid.dialect import PROTOCOL, issuer_url, json, openid, realm_of
from modelyard.dialects.openid.forms import client_of, needed, oauth_errors, read_form
from modelyard.issuers.embedded.issuer import TokenRequest
from modelyard.issuers.embedded.oauth import OAuthError
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC


@openid.post(f"{PROTOCOL}/token", PUBLIC)
@oauth_errors
async def token(call: Call) -> Response:
    """Get a token: by password, refresh token, client credentials, authorization code or device code."""
    form = await read_form(call)
    issuer = call.services.issuer
    request = TokenRequest(
        await client_of(call, form), realm_of(call), issuer_url(call), form.get("scope"), call.address
    )
    answer: dict[str, object]
    match form.get("grant_type"):
        case GrantType.PASSWORD:
            username, password = needed(form, "username"), needed(form, "password")
            answer = await issuer.password(request, username, password, call.address)
        case GrantType.REFRESH_TOKEN:
            answer = await issuer.refresh(request, needed(form, "refresh_token"))
        case GrantType.CLIENT_CREDENTIALS:
            answer = await issuer.client_credentials(request)
        case GrantType.AUTHORIZATION_CODE:
            code, address = needed(form, "code"), needed(form, "redirect_uri")
            answer = await issuer.authorization_code(request, code, address, form.get("code_verifier"))
        case GrantType.DEVICE_CODE:
            answer = await issuer.device_code(request, needed(form, "device_code"))
        case None:
            raise OAuthError("invalid_request", "Missing form parameter: grant_type")
        case other:
            raise OAuthError("unsupported_grant_type", f"Unsupported grant_type {other[:60]}")
    return json(answer)


@openid.post(f"{PROTOCOL}/token/introspect", PUBLIC)
@oauth_errors
async def introspect(call: Call) -> Response:
    """Whether a token is good, and what it says (RFC 7662); for clients with a secret."""
    form = await read_form(call)
    client = await client_of(call, form)
    return json(await call.services.issuer.inspection.introspect(client, needed(form, "token")))


@openid.post(f"{PROTOCOL}/revoke", PUBLIC)
@oauth_errors
async def revoke(call: Call) -> Response:
    """End a token (RFC 7009): a refresh token ends its session; also for a token that is none, the answer is 200."""
    form = await read_form(call)
    client = await client_of(call, form)
    await call.services.issuer.inspection.revoke(client, needed(form, "token"), call.address)
    return Response(headers={"cache-control": "no-store"})
