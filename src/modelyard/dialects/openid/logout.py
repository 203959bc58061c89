"""Signing out: by browser (OpenID Connect RP-Initiated Logout 1.0), and by refresh token as in Keycloak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from modelyard.core.identity.browser_sessions import sign_out
from modelyard.core.identity.entities import OAuthClient, Session
from modelyard.core.identity.redirects import is_registered
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.dialect import PROTOCOL, openid, origin, realm_of
from modelyard.dialects.openid.forms import client_of, oauth_errors, read_form, read_query
from modelyard.dialects.openid.pages import error_page, logout_page, message_page
from modelyard.dialects.openid.visits import Visit
from modelyard.issuers.embedded.oauth import OAuthError
from modelyard.issuers.embedded.tokens import read_id_hint
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

Claims = dict[str, Any]


@openid.get(f"{PROTOCOL}/logout", PUBLIC)
async def log_out(call: Call) -> Response:
    """Sign the browser out; asks first, unless an ID token shows that its own client wants it."""
    realm_of(call)
    return await _by_browser(call, {})


@openid.post(f"{PROTOCOL}/logout", PUBLIC)
@oauth_errors
async def log_out_by_form(call: Call) -> Response:
    """With a client and its ``refresh_token``: end that session, 204. Else as GET, or what our own page sends."""
    form = await read_form(call)
    if "csrf" in form:
        return await _by_browser(call, form)
    if "refresh_token" in form:
        client = await client_of(call, form)
        await call.services.issuer.inspection.sign_out(client, form["refresh_token"], call.address)
        return Response(status_code=204)
    return (await Visit.of(call)).redirect(_here(call, form))


@dataclass(frozen=True, slots=True)
class _Request:
    """``hint`` are the claims of the ID token; ``url`` is where to go afterwards, if anywhere."""

    hint: Claims | None
    url: str | None
    here: str


async def _by_browser(call: Call, form: Mapping[str, str]) -> Response:
    visit = await Visit.of(call)
    try:
        asked = await _read(call)
    except OAuthError as error:
        return visit.page(error_page(error.description), 400)
    confirmed = visit.proves(form.get("csrf", ""), "logout", asked.here)
    if visit.user is not None and not confirmed and not await _is_about(visit, asked.hint):
        html = logout_page(asked.here, visit.proof("logout", asked.here), visit.user.username)
        return visit.page(html, 403 if form else 200, asked.url)
    await visit.sign_out()
    if asked.hint is not None:
        await call.services.store.write(_end_hinted, asked.hint, call.address)
    if asked.url is not None:
        return visit.redirect(asked.url)
    return visit.page(message_page("Signed out", "You are signed out. You can close this page."))


async def _read(call: Call) -> _Request:
    given, doubled = read_query(call)
    if doubled:
        raise OAuthError("invalid_request", "The request says something more than once.")
    issuer = call.services.issuer
    hint = read_id_hint(issuer.keys, given["id_token_hint"], issuer.realms) if "id_token_hint" in given else None
    if "id_token_hint" in given and hint is None:
        raise OAuthError("invalid_request", "The ID token is not one of this server.")
    return _Request(hint, await _target(call, given, hint), _here(call, given))


async def _target(call: Call, given: Mapping[str, str], hint: Claims | None) -> str | None:
    """Where to go afterwards: an address that the client registered for that."""
    client_id = given.get("client_id") or (hint["aud"] if hint else None)
    if hint is not None and client_id != hint["aud"]:
        raise OAuthError("invalid_request", "The ID token was given to another client.")
    address = given.get("post_logout_redirect_uri")
    if address is None:
        return None
    client = await call.services.store.read(lambda tx: tx.get(OAuthClient, client_id or ""))
    if client is None or not is_registered(address, client.post_logout_uris, origin(call)):
        raise OAuthError("invalid_request", "The address to go to afterwards is not registered for a known client.")
    if "state" not in given:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'state': given['state']}, quote_via=quote)}"


async def _is_about(visit: Visit, hint: Claims | None) -> bool:
    """Whether the ID token came from a sign-in of this very browser session."""
    if hint is None or visit.session is None:
        return False
    session = await visit.call.services.store.read(lambda tx: tx.get(Session, str(hint.get("sid"))))
    return session is not None and session.browser_session_id == visit.session.id


def _end_hinted(tx: Tx, hint: Claims, address: str | None) -> None:
    session = tx.get(Session, str(hint.get("sid")))
    if session is not None and session.revoked_at is None:
        sign_out(tx, session, address)


def _here(call: Call, parameters: Mapping[str, str]) -> str:
    return f"{call.request.url.path}?{urlencode(parameters)}"
