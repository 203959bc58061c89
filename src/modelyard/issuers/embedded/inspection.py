"""What tokens are worth now, and how they end: introspection (RFC 7662), revocation (RFC 7009), signing out."""

from datetime import UTC, datetime
from typing import Any

from modelyard.core.identity.browser_sessions import sign_out
from modelyard.core.identity.entities import OAuthClient, Session, User
from modelyard.core.identity.revocation import is_revoked, revoke_token
from modelyard.core.identity.sessions import end_for, is_live, known_by
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded import tokens
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.oauth import OAuthError

INACTIVE: dict[str, Any] = {"active": False}


class Inspection:
    """Looks at tokens that are out, and ends them."""

    def __init__(self, store: Store, keys: KeyRing, realms: tuple[str, ...]) -> None:
        self._store = store
        self._keys = keys
        self._realms = realms

    async def introspect(self, client: OAuthClient, token: str) -> dict[str, Any]:
        """What the token says, if it is good; a refresh token only to the client it was given to.

        Any confidential client may ask about access tokens: services do that with the tokens they are called with.
        """
        if client.secret_hash is None:
            raise OAuthError("invalid_client", "Introspection is for clients that have a secret", 401)
        refresh = tokens.read_refresh(self._keys, token)
        if refresh is not None:
            return await self._store.read(_refresh_state, *refresh, client.id)
        claims = self._access(token)
        return INACTIVE if claims is None else await self._store.read(_access_state, claims)

    async def revoke(self, client: OAuthClient, token: str, address: str | None = None) -> None:
        """End the token: an access token by itself, a refresh token with its session; unknown ones need no ending."""
        refresh = tokens.read_refresh(self._keys, token)
        if refresh is not None:
            await self._store.write(_revoke_session, refresh[0], client.id, address)
            return
        claims = self._access(token)
        if claims is not None:
            _same_client(claims["azp"], client.id)
            await self._store.write(_revoke_access, claims, address)

    async def sign_out(self, client: OAuthClient, refresh_token: str, address: str | None = None) -> None:
        """End the session of the refresh token, and where it began also the browser's, as Keycloak does."""
        refresh = tokens.read_refresh(self._keys, refresh_token)
        if refresh is None:
            raise OAuthError("invalid_grant", "Invalid refresh token")
        await self._store.write(_sign_out, refresh[0], client.id, address)

    def _access(self, token: str) -> dict[str, Any] | None:
        try:
            return tokens.read_access(self._keys, token, self._realms, datetime.now(UTC))
        except DomainError:
            return None


def _access_state(tx: Tx, claims: dict[str, Any]) -> dict[str, Any]:
    user = tx.get(User, claims["sub"])
    if user is None or not user.enabled or is_revoked(tx, tokens.verified(claims)):
        return INACTIVE
    described = {"client_id": claims["azp"], "username": user.username, "token_type": "Bearer"}
    return {**claims, **described, "active": True}


def _refresh_state(tx: Tx, session_id: str, generation: int, client_id: str) -> dict[str, Any]:
    session = tx.get(Session, session_id)
    if session is None or session.client_id != client_id or session.generation != generation:
        return INACTIVE
    if not is_live(tx, session):
        return INACTIVE
    return {
        "active": True,
        "typ": "Refresh",
        "token_type": "Refresh",
        "sub": session.user_id,
        "sid": session.id,
        "client_id": session.client_id,
        "scope": session.scope,
        "iat": int(session.rotated_at.timestamp()),
        "exp": int(session.expires_at.timestamp()),
    }


def _revoke_access(tx: Tx, claims: dict[str, Any], address: str | None) -> None:
    revoke_token(tx, known_by(tx, claims["sub"], claims["azp"], address), claims["jti"], claims["exp"])


def _revoke_session(tx: Tx, session_id: str, client_id: str, address: str | None) -> None:
    session = tx.get(Session, session_id)
    if session is not None:
        _same_client(session.client_id, client_id)
        end_for(tx, session, address, "its client revoked the refresh token")


def _sign_out(tx: Tx, session_id: str, client_id: str, address: str | None) -> None:
    session = tx.get(Session, session_id)
    if session is not None:
        _same_client(session.client_id, client_id)
        sign_out(tx, session, address)


def _same_client(of_token: str, client_id: str) -> None:
    if of_token != client_id:
        raise OAuthError("invalid_grant", "The token was given to another client")
