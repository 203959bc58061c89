"""Sessions: one sign-in each, and the family of refresh tokens that comes from it.

A refresh token is (session, generation) with a proof that only the issuer can make. Presenting the current generation
rotates it. Presenting its immediate predecessor within a short grace gives the current one again, because real clients
replay it: two processes that share a token cache, or one that lost the answer. Anything older, or later, is theft or a
copy, and ends the whole family (RFC 9700, section 4.14.2).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import Session, User
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Topic, Tx


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens live, and how long a replaced refresh token may be replayed; seconds.

    A browser stays signed in for ``browser`` at most, and not longer than ``browser_idle`` without being used.
    """

    access: int = 3600
    refresh: int = 28800
    offline: int = 2592000
    grace: int = 60
    browser: int = 36000
    browser_idle: int = 1800


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a new session is about; ``authenticated_at`` None means now."""

    user_id: str
    client_id: str
    realm: str
    scope: str
    rotates: bool
    authenticated_at: datetime | None = None
    browser_session_id: str | None = None
    address: str | None = None


def open_session(tx: Tx, sign_in: SignIn, lifetimes: Lifetimes) -> Session:
    """Begin a session at generation 1, and note the sign-in with the user."""
    offline = "offline_access" in sign_in.scope.split()
    life = timedelta(seconds=lifetimes.offline if offline else lifetimes.refresh)
    user = tx.update(User, sign_in.user_id, lambda user: replace(user, last_login_at=tx.now))
    session = tx.insert(
        Session(
            new_uuid(),
            sign_in.user_id,
            sign_in.client_id,
            sign_in.realm,
            sign_in.scope,
            offline and not sign_in.rotates,
            1,
            tx.now,
            tx.now,
            tx.now + life,
            None,
            sign_in.authenticated_at or tx.now,
            sign_in.browser_session_id,
        )
    )
    actor = Actor(user.id, user.username, client_id=sign_in.client_id, address=sign_in.address)
    record(tx, actor, Action.LOGIN, "session", session.id, realm=sign_in.realm, scope=sign_in.scope)
    return session


def refresh_session(
    tx: Tx, session_id: str, generation: int, client_id: str, lifetimes: Lifetimes, address: str | None = None
) -> Session | None:
    """The session after its refresh token of this generation was presented; None when it is not valid (any more)."""
    session = tx.get(Session, session_id)
    if session is None or session.client_id != client_id or not is_live(tx, session):
        return None
    if session.offline:
        return session if generation == session.generation else None
    if generation == session.generation:
        return tx.update(Session, session_id, lambda s: _rotated(tx, s, lifetimes))
    in_grace = tx.now - session.rotated_at <= timedelta(seconds=lifetimes.grace)
    if generation == session.generation - 1 and in_grace:
        return session
    end_for(tx, session, address, "an old refresh token was presented")
    return None


def revoke_session(tx: Tx, session_id: str) -> None:
    """End the session: from now on neither its refresh tokens nor its access tokens count."""
    tx.update(Session, session_id, lambda s: replace(s, revoked_at=s.revoked_at or tx.now))
    tx.touch(Topic.ACCESS)


def end_for(tx: Tx, session: Session, address: str | None, reason: str) -> None:
    """End the session and record why, in its user's name; one that has ended is left alone."""
    if session.revoked_at is None:
        revoke_session(tx, session.id)
        record(tx, holder(tx, session, address), Action.SESSION_REVOKE, "session", session.id, reason=reason)


def holder(tx: Tx, session: Session, address: str | None) -> Actor:
    """The user of the session, by its client from this address, as entries of the audit log name them."""
    return known_by(tx, session.user_id, session.client_id, address)


def known_by(tx: Tx, user_id: str, client_id: str | None, address: str | None) -> Actor:
    """The user as entries of the audit log name them; the name is empty when there is no such user any more."""
    user = tx.get(User, user_id)
    return Actor(user_id, user.username if user else "", client_id=client_id, address=address)


def is_live(tx: Tx, session: Session) -> bool:
    """Whether tokens of the session may be refreshed."""
    user = tx.get(User, session.user_id)
    return session.revoked_at is None and session.expires_at > tx.now and user is not None and user.enabled


def sweep_sessions(tx: Tx) -> int:
    """Remove sessions that ended; returns how many."""
    ended = [s for s, ends in tx.values(Session, ("id", "expires_at")) if ends < tx.now - timedelta(days=1)]
    return tx.delete(Session, id=ended) if ended else 0


def _rotated(tx: Tx, session: Session, lifetimes: Lifetimes) -> Session:
    life = timedelta(seconds=lifetimes.offline if "offline_access" in session.scope else lifetimes.refresh)
    return replace(session, generation=session.generation + 1, rotated_at=tx.now, expires_at=tx.now + life)
