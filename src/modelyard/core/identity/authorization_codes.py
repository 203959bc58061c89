"""Authorization codes (RFC 6749 section 4.1, RFC 7636): once, for a minute, for whom they were made."""

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta

from modelyard.core.identity.entities import AuthorizationCode, BrowserSession, Session, User
from modelyard.core.identity.sessions import Lifetimes, SignIn, end_for, open_session
from modelyard.core.kernel.store import Tx

_LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a code is asked for; ``code_id`` is its SHA-256 in hex, ``code_challenge`` that of PKCE (S256)."""

    code_id: str
    client_id: str
    realm: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    nonce: str | None


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """What comes to the token endpoint; ``code_challenge`` is made of the verifier, None when none was sent."""

    code_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str | None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A session that a code made, and the nonce that its ID token must repeat."""

    session: Session
    nonce: str | None


def issue_code(tx: Tx, request: CodeRequest, browser: BrowserSession) -> AuthorizationCode:
    """Keep a new code for the user of the browser session."""
    return tx.insert(
        AuthorizationCode(
            request.code_id,
            request.client_id,
            request.realm,
            request.redirect_uri,
            request.scope,
            request.code_challenge,
            request.nonce,
            browser.user_id,
            browser.id,
            tx.now + _LIFE,
            used_at=None,
            session_id=None,
        )
    )


def redeem_code(tx: Tx, presented: PresentedCode, lifetimes: Lifetimes, *, confidential: bool) -> Redeemed | None:
    """The session for a code, or None. Its client may present it once, right or wrong.

    A code that comes a second time was stolen by one of the two who have it: the session it made ends (section 4.1.2).
    """
    code = tx.get(AuthorizationCode, presented.code_id)
    if code is None or code.client_id != presented.client_id:
        return None
    if code.used_at is not None:
        session = tx.get(Session, code.session_id) if code.session_id else None
        if session is not None:
            end_for(tx, session, presented.address, "its authorization code was presented again")
        return None
    tx.update(AuthorizationCode, code.id, lambda c: replace(c, used_at=tx.now))
    browser = _signed_in(tx, code)
    if browser is None or tx.now >= code.expires_at or not _matches(code, presented):
        return None
    rotates = not confidential or "offline_access" not in code.scope.split()
    sign_in = SignIn(
        code.user_id,
        code.client_id,
        code.realm,
        code.scope,
        rotates,
        browser.created_at,
        code.browser_session_id,
        presented.address,
    )
    session = open_session(tx, sign_in, lifetimes)
    tx.update(AuthorizationCode, code.id, lambda c: replace(c, session_id=session.id))
    return Redeemed(session, code.nonce)


def _signed_in(tx: Tx, code: AuthorizationCode) -> BrowserSession | None:
    """The browser session the code came from, unless it or its user is out by now."""
    browser, user = tx.get(BrowserSession, code.browser_session_id), tx.get(User, code.user_id)
    return browser if browser is not None and browser.ended_at is None and user is not None and user.enabled else None


def _matches(code: AuthorizationCode, presented: PresentedCode) -> bool:
    """The same redirect URI and PKCE; a verifier where no challenge was, is an attack as well (RFC 9700, 2.1.1)."""
    if (code.code_challenge is None) is not (presented.code_challenge is None):
        return False
    same_proof = hmac.compare_digest(code.code_challenge or "", presented.code_challenge or "")
    return same_proof and code.redirect_uri == presented.redirect_uri
