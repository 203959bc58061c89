"""Browsers in which somebody is signed in, so that one sign-in serves many clients (single sign-on)."""

from dataclasses import replace
from datetime import timedelta

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import BrowserSession, Session, User
from modelyard.core.identity.sessions import Lifetimes, holder, known_by, revoke_session
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Topic, Tx

_SEEN_WITHIN = 0.1  # of the idle limit: a use is noted only when the last note is older, to spare writes


def begin_browser_session(  # who, how long, instead of whom, from where
    tx: Tx,
    user_id: str,
    token_hash: str,
    lifetimes: Lifetimes,
    before: BrowserSession | None = None,
    address: str | None = None,
) -> BrowserSession:
    """The user signed in, in a browser that held the session ``before``; the cookie is a new one in any case.

    The same user goes on with the clients they were signed in to; those of another user are signed out.
    """
    expires_at = tx.now + timedelta(seconds=lifetimes.browser)
    if before is not None and before.user_id == user_id:
        fresh = BrowserSession(before.id, token_hash, user_id, tx.now, tx.now, expires_at, ended_at=None)
        return tx.update(BrowserSession, before.id, lambda _: fresh)
    if before is not None:
        sign_out_browser(tx, before.id, address)
    return tx.insert(BrowserSession(new_uuid(), token_hash, user_id, tx.now, tx.now, expires_at, ended_at=None))


def find_browser_session(tx: Tx, token_hash: str, lifetimes: Lifetimes) -> tuple[BrowserSession, User] | None:
    """The live session behind a cookie, and its user; None when it ended, was idle too long, or the user may not."""
    found = tx.first(BrowserSession, token_hash=token_hash)
    user = tx.get(User, found.user_id) if found is not None else None
    if found is None or user is None or not user.enabled or not _is_live(tx, found, lifetimes):
        return None
    return found, user


def is_stale(tx: Tx, session: BrowserSession, lifetimes: Lifetimes) -> bool:
    """Whether it is time to note that the session is used."""
    return tx.now - session.seen_at > timedelta(seconds=lifetimes.browser_idle * _SEEN_WITHIN)


def note_use(tx: Tx, session_id: str) -> None:
    """The session was used now."""
    tx.update(BrowserSession, session_id, lambda b: replace(b, seen_at=tx.now))


def sign_out_browser(tx: Tx, session_id: str, address: str | None) -> None:
    """``end_browser_session`` for the user in front of the browser, who is recorded."""
    browser = tx.get(BrowserSession, session_id)
    if browser is not None and end_browser_session(tx, session_id):
        record(tx, known_by(tx, browser.user_id, None, address), Action.LOGOUT, "browser", session_id)


def sign_out(tx: Tx, session: Session, address: str | None) -> None:
    """``end_session`` for who holds the session, who is recorded."""
    if end_session(tx, session):
        record(tx, holder(tx, session, address), Action.LOGOUT, "session", session.id)


def end_browser_session(tx: Tx, session_id: str) -> bool:
    """Sign the browser out, and with it every client that was signed in through it; whether it was signed in.

    Sessions with the scope ``offline_access`` go on: they were asked for to outlive the browser.
    """
    browser = tx.get(BrowserSession, session_id)
    tx.update(BrowserSession, session_id, lambda b: replace(b, ended_at=b.ended_at or tx.now))
    tx.touch(Topic.ACCESS)
    for session in tx.find(Session, browser_session_id=session_id, revoked_at=None):
        if "offline_access" not in session.scope.split():
            revoke_session(tx, session.id)
    return browser is not None and browser.ended_at is None


def end_session(tx: Tx, session: Session) -> bool:
    """Sign out where the session began: its browser if there is one, and the session itself in any case.

    Returns whether any of the two had not ended.
    """
    browser_id = session.browser_session_id
    browser_ended = browser_id is not None and end_browser_session(tx, browser_id)
    revoke_session(tx, session.id)
    return browser_ended or session.revoked_at is None


def _is_live(tx: Tx, session: BrowserSession, lifetimes: Lifetimes) -> bool:
    idle_until = session.seen_at + timedelta(seconds=lifetimes.browser_idle)
    return session.ended_at is None and tx.now < min(session.expires_at, idle_until)
