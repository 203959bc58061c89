"""What was revoked before its time: single access tokens and whole sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from modelyard.core.identity.entities import RevokedToken, Session
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic, Tx


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good access token says: who, through which client, in which session (None for a client itself).

    ``token_id`` is its ``jti``; ``expires_at`` is in seconds since 1970.
    """

    user_id: str
    client_id: str
    session_id: str | None
    token_id: str
    expires_at: int


def load_caller(tx: Tx, token: Verified) -> Actor:
    """The token's user as the caller of use-cases; ``UNAUTHENTICATED`` when the token, session or user is no more."""
    if is_revoked(tx, token):
        raise DomainError(ErrorKind.UNAUTHENTICATED, "this token was revoked or its session has ended; sign in again")
    return load_actor(tx, token.user_id, token.client_id)


def is_revoked(tx: Tx, token: Verified) -> bool:
    """Whether the token or the session it belongs to was revoked."""
    session = tx.get(Session, token.session_id) if token.session_id else None
    ended = token.session_id is not None and (session is None or session.revoked_at is not None)
    return ended or tx.get(RevokedToken, token.token_id) is not None


def revoke_token(tx: Tx, token: Verified) -> None:
    """Revoke this one access token; others of its session stay good."""
    if tx.get(RevokedToken, token.token_id) is None:
        tx.insert(RevokedToken(token.token_id, datetime.fromtimestamp(token.expires_at, UTC)))
        tx.touch(Topic.ACCESS)
