"""What was revoked before its time: single signed tokens and whole sessions."""

from datetime import UTC, datetime
from typing import Protocol

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import BrowserSession, OAuthClient, RevokedToken, Session
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic, Tx


class VerifiedToken(Protocol):
    """What the verification of a bearer token gives."""

    @property
    def user_id(self) -> str:
        """Whose token it is."""

    @property
    def client_id(self) -> str:
        """Which client asked for it."""

    @property
    def expires_at(self) -> int:
        """Seconds since 1970."""

    @property
    def token_id(self) -> str | None:
        """The personal access token that it is, if it is one."""

    @property
    def session_id(self) -> str | None:
        """The session of this server that it belongs to, if it belongs to one."""

    @property
    def jti(self) -> str | None:
        """Its own name, if it is a signed token of this server."""

    @property
    def id_token(self) -> bool:
        """Whether it is an ID token of this server."""

    @property
    def browser_session_id(self) -> str | None:
        """The session of a cookie, if it stands for one."""


def load_caller(tx: Tx, token: VerifiedToken) -> Actor:
    """The token's user as the caller of use-cases; ``UNAUTHENTICATED`` when the token, session or user is no more."""
    if is_revoked(tx, token):
        raise DomainError(ErrorKind.UNAUTHENTICATED, "this token was revoked or its session has ended; sign in again")
    if token.id_token and not _takes_id_tokens_of(tx, token.client_id):
        refused = f"ID tokens of the client {token.client_id} open nothing here; send the access token"
        raise DomainError(ErrorKind.UNAUTHENTICATED, f"the bearer token was refused: {refused}")
    return load_actor(tx, token.user_id, token.client_id, token.token_id)


def is_revoked(tx: Tx, token: VerifiedToken) -> bool:
    """Whether the token or the session it belongs to was revoked."""
    session = tx.get(Session, token.session_id) if token.session_id else None
    ended = token.session_id is not None and (session is None or session.revoked_at is not None)
    if token.browser_session_id is not None:
        browser = tx.get(BrowserSession, token.browser_session_id)
        ended = ended or browser is None or browser.ended_at is not None
    return ended or (token.jti is not None and tx.get(RevokedToken, token.jti) is not None)


def _takes_id_tokens_of(tx: Tx, client_id: str) -> bool:
    client = tx.get(OAuthClient, client_id)
    return client is not None and client.id_tokens_as_bearer


def revoke_token(tx: Tx, actor: Actor, jti: str, expires_at: int) -> None:
    """Revoke the one token of this name, which ends at ``expires_at`` (seconds since 1970) anyway.

    Asks for no permission: the client that the token was given to may do it, for its user ``actor``.
    """
    if tx.get(RevokedToken, jti) is None:
        tx.insert(RevokedToken(jti, datetime.fromtimestamp(expires_at, UTC)))
        tx.touch(Topic.ACCESS)
        record(tx, actor, Action.TOKEN_REVOKE, "access_token", jti)
