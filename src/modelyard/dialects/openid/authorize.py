"""The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2): people sign in by browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.responses import Response

from modelyard.core.identity.authorization_codes import CodeRequest, issue_code
from modelyard.core.identity.consents import give_consent, has_consent
from modelyard.core.identity.entities import BrowserSession, OAuthClient
from modelyard.core.identity.redirects import is_registered
from modelyard.dialects.openid.dialect import PROTOCOL, issuer_url, openid, origin, realm_of
from modelyard.dialects.openid.forms import needed, read_form, read_query
from modelyard.dialects.openid.login import Login
from modelyard.dialects.openid.pages import consent_page, error_page
from modelyard.dialects.openid.visits import Visit
from modelyard.issuers.embedded.authorization import AuthorizationRequest, read_request
from modelyard.issuers.embedded.codes import digest, new_code
from modelyard.issuers.embedded.oauth import OAuthError
from modelyard.issuers.embedded.tokens import read_id_hint
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC


@openid.get(f"{PROTOCOL}/auth", PUBLIC)
async def authorize(call: Call) -> Response:
    """Sign a user in for a client: a page to log in or consent, or back to the client with a code or an error."""
    return await _answer(call, {})


@openid.post(f"{PROTOCOL}/auth", PUBLIC)
async def authorize_by_form(call: Call) -> Response:
    """What our pages send; a client's request by POST is led on to GET, where the browser shows its cookies."""
    try:
        form = await read_form(call)
    except OAuthError as error:
        return (await Visit.of(call)).page(error_page(error.description), 400)
    if "csrf" not in form:
        return (await Visit.of(call)).redirect(_here(call, form))
    return await _answer(call, form)


@dataclass(frozen=True, slots=True)
class _Reply:
    """Where the answer goes: to an address that the client registered."""

    client: OAuthClient
    redirect_uri: str
    state: str | None
    issuer: str

    def url(self, **parameters: str) -> str:
        """The address with the answer (RFC 6749 section 4.1.2), and who gives it (RFC 9207)."""
        state = {} if self.state is None else {"state": self.state}
        query = urlencode({**parameters, **state, "iss": self.issuer}, quote_via=quote)
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{query}"


async def _answer(call: Call, form: Mapping[str, str]) -> Response:
    visit = await Visit.of(call)
    try:
        given, doubled = read_query(call)
        reply = await _reply(call, given, doubled)
    except OAuthError as error:  # nobody to send the browser back to
        return visit.page(error_page(error.description), 400)
    try:
        _refuse_doubled(doubled)
        asked = read_request(reply.client, reply.redirect_uri, given)
        return await _Steps(visit, asked, reply, _here(call, given)).go(form)
    except OAuthError as error:
        return visit.redirect(reply.url(error=error.error, error_description=error.description))


def _refuse_doubled(names: set[str]) -> None:
    if names:
        raise OAuthError("invalid_request", f"Given more than once: {', '.join(sorted(names))}"[:200])


async def _reply(call: Call, given: Mapping[str, str], doubled: set[str]) -> _Reply:
    if doubled & {"client_id", "redirect_uri"}:
        raise OAuthError("invalid_request", "The request names more than one client or address to return to.")
    client = await call.services.store.read(lambda tx: tx.get(OAuthClient, needed(given, "client_id")))
    if client is None:
        raise OAuthError("invalid_client", "The program that sent you here is not known to this server.")
    redirect_uri = needed(given, "redirect_uri")
    if not is_registered(redirect_uri, client.redirect_uris, origin(call)):
        raise OAuthError("invalid_request", f"{client.id} did not register the address that it wants you to return to.")
    return _Reply(client, redirect_uri, given.get("state") if "state" not in doubled else None, issuer_url(call))


class _Steps:
    """From a good request to its answer: sign in, consent, code."""

    def __init__(self, visit: Visit, asked: AuthorizationRequest, reply: _Reply, here: str) -> None:
        self._visit = visit
        self._asked = asked
        self._reply = reply
        self._here = here
        purpose = f"To go on to {asked.client.id}."
        self._login = Login(visit, here, purpose, asked.login_hint, asked.redirect_uri)

    async def go(self, form: Mapping[str, str]) -> Response:
        """The next page, or the answer."""
        action = form.get("action")
        if action == "login" and (refused := await self._login.take(form)) is not None:
            return refused
        decided = action in ("approve", "deny") and self._visit.proves(form["csrf"], "consent", self._here)
        session = self._visit.session
        if session is None or not (action == "login" or decided or self._known_well(session)):
            self._refuse_silence("login_required")
            return self._login.page()
        if not self._is_expected(session):
            raise OAuthError("login_required", "Another user is signed in than the one of id_token_hint")
        if decided:
            await self._take_decision(session, approved=action == "approve")
        elif await self._consent_missing(session):
            self._refuse_silence("consent_required")
            return self._consent()
        return await self._code(session)

    def _refuse_silence(self, error: str) -> None:
        """A page is needed; ``prompt=none`` forbids all pages."""
        if "none" in self._asked.prompt:
            raise OAuthError(error, "The user would have to be asked, which prompt=none forbids")

    def _known_well(self, session: BrowserSession) -> bool:
        """Whether the client need not be told anything newer about the user."""
        if {"login", "select_account"} & self._asked.prompt:
            return False
        age = (datetime.now(UTC) - session.created_at).total_seconds()
        if self._asked.max_age is not None and age > self._asked.max_age:
            return False
        return self._is_expected(session)

    def _is_expected(self, session: BrowserSession) -> bool:
        if self._asked.id_token_hint is None:
            return True
        issuer = self._visit.call.services.issuer
        claims = read_id_hint(issuer.keys, self._asked.id_token_hint, issuer.realms)
        return claims is not None and claims["sub"] == session.user_id

    async def _consent_missing(self, session: BrowserSession) -> bool:
        if "consent" in self._asked.prompt:
            return True
        client, store = self._asked.client, self._visit.call.services.store
        return client.consent and not await store.read(has_consent, session.user_id, client.id, self._asked.scope)

    def _consent(self) -> Response:
        username = self._visit.user.username if self._visit.user else ""
        proof = self._visit.proof("consent", self._here)
        html = consent_page(self._here, proof, self._asked.client.id, username, self._asked.scope)
        return self._visit.page(html, 200, self._asked.redirect_uri)

    async def _take_decision(self, session: BrowserSession, *, approved: bool) -> None:
        if not approved:
            raise OAuthError("access_denied", "The user did not allow it")
        asked, store = self._asked, self._visit.call.services.store
        await store.write(give_consent, session.user_id, asked.client.id, asked.scope, self._visit.call.address)

    async def _code(self, session: BrowserSession) -> Response:
        asked, code = self._asked, new_code()
        request = CodeRequest(
            digest(code),
            asked.client.id,
            realm_of(self._visit.call),
            asked.redirect_uri,
            asked.scope,
            asked.code_challenge,
            asked.nonce,
        )
        await self._visit.call.services.store.write(issue_code, request, session)
        return self._visit.redirect(self._reply.url(code=code))


def _here(call: Call, parameters: Mapping[str, str]) -> str:
    return f"{call.request.url.path}?{urlencode(parameters)}"
