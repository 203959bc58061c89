"""Browsers that come to our pages: who is signed in there, and answers that no other site can use."""

import base64
import hashlib
import hmac
from typing import Self
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from modelyard.core.identity.browser_sessions import (
    begin_browser_session,
    find_browser_session,
    is_stale,
    note_use,
    sign_out_browser,
)
from modelyard.core.identity.entities import BrowserSession, User
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.dialect import base_url
from modelyard.dialects.openid.pages import STYLE
from modelyard.issuers.embedded.codes import digest, new_code
from modelyard.web.call import Call

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Visit:
    """One request of a browser, and the cookies that its answer will set.

    ``session`` and ``user`` are None when nobody is signed in. Forms carry a proof that they came from a page that
    this browser got from us: it is bound to a cookie of its own, to the session, and to what the form is about.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.session: BrowserSession | None = None
        self.user: User | None = None
        self._secure = base_url(call).startswith("https:")
        self._cookies: dict[str, str] = {}
        self._form_secret = call.request.cookies.get(self._name("form")) or self._new_cookie("form")

    @classmethod
    async def of(cls, call: Call) -> Self:
        """The visit behind the call."""
        visit = cls(call)
        cookie = call.request.cookies.get(visit._name("session"))
        if cookie:
            store, lifetimes = call.services.store, call.services.issuer.lifetimes
            found, stale = await store.read(_found, digest(cookie), lifetimes)
            if found is not None:
                visit.session, visit.user = found
            if stale and found is not None:
                await store.write(note_use, found[0].id)
        return visit

    async def sign_in(self, user: User) -> None:
        """From now on this browser is the user's; both cookies get new values."""
        self._form_secret = self._new_cookie("form")
        token_hash = digest(self._new_cookie("session"))
        services = self.call.services
        self.session = await services.store.write(
            begin_browser_session, user.id, token_hash, services.issuer.lifetimes, self.session, self.call.address
        )
        self.user = user

    async def sign_out(self) -> None:
        """From now on nobody is signed in in this browser."""
        if self.session is not None:
            await self.call.services.store.write(sign_out_browser, self.session.id, self.call.address)
        self._cookies[self._name("session")] = ""
        self.session, self.user = None, None

    def proof(self, *about: str) -> str:
        """What a form about this carries."""
        session_id = self.session.id if self.session else ""
        return self.call.services.issuer.keys.form_proof(self._form_secret, session_id, *about)

    def proves(self, given: str, *about: str) -> bool:
        """Whether a form with this proof came from our page."""
        return hmac.compare_digest(given.encode(), self.proof(*about).encode())

    def page(self, html: str, status: int = 200, leads_to: str | None = None) -> Response:
        """A page; ``leads_to`` is the address that its form may end at besides our own."""
        sources = " ".join(["'self'", *([_source(leads_to)] if leads_to else [])])
        policy = (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {sources}; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        return self._with_cookies(HTMLResponse(html, status, {**_HEADERS, "Content-Security-Policy": policy}))

    def redirect(self, url: str) -> Response:
        """Send the browser there, by GET whatever it came with (RFC 9700, section 4.12)."""
        status = 302 if self.call.request.method == "GET" else 303
        return self._with_cookies(RedirectResponse(url, status, _HEADERS))

    def _with_cookies(self, response: Response) -> Response:
        for name, value in self._cookies.items():
            age = None if value else 0
            response.set_cookie(name, value, max_age=age, path="/", secure=self._secure, httponly=True, samesite="lax")
        return response

    def _name(self, what: str) -> str:
        """With the prefix ``__Host-`` no other host can set the cookie; browsers take it over https alone."""
        return f"{'__Host-' if self._secure else ''}modelyard-{what}"

    def _new_cookie(self, what: str) -> str:
        value = self._cookies[self._name(what)] = new_code()
        return value


def _found(tx: Tx, token_hash: str, lifetimes: Lifetimes) -> tuple[tuple[BrowserSession, User] | None, bool]:
    """The session and user, and whether to note that the session is used."""
    found = find_browser_session(tx, token_hash, lifetimes)
    return found, found is not None and is_stale(tx, found[0], lifetimes)


def _source(url: str) -> str:
    """The address as a source of a content security policy, which knows no IPv6 addresses."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and "[" not in parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
