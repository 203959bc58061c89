"""The grants of the token endpoint (RFC 6749), over the store, the keys and the passwords."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient, Session, User
from modelyard.core.identity.sessions import Lifetimes, SignIn, open_session, refresh_session
from modelyard.core.identity.users import platform_roles
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded import tokens
from modelyard.issuers.embedded.credentials import CredentialCheck
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.embedded.tokens import Subject

_DEFAULT_SCOPE = "profile email"
_SCOPES = {"openid", "profile", "email", "offline_access"}


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, section 5.2): ``error`` is a code of the RFC."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Who asks and how: the authenticated client, the realm, its issuer URL, and the scope asked for."""

    client: OAuthClient
    realm: str
    issuer: str
    scope: str | None


class EmbeddedIssuer:
    """Issues and renews tokens. ``realms`` are names for one and the same identity."""

    def __init__(  # what it works with
        self,
        store: Store,
        keys: KeyRing,
        passwords: Passwords,
        realms: tuple[str, ...],
        lifetimes: Lifetimes,
        *,
        password_grant: bool = True,
    ) -> None:
        self.keys = keys
        self.realms = realms
        self.passwords = passwords
        self.credentials = CredentialCheck(store, passwords)
        self.password_grant = password_grant
        self._store = store
        self.lifetimes = lifetimes

    async def client(self, client_id: str | None, secret: str | None) -> OAuthClient:
        """The client, when it proved to be it; a public client has nothing to prove and must not try."""
        found = await self._store.read(_client, client_id or "")
        given = secret_hash(secret or "")
        known = found is not None and found.secret_hash is not None
        right = hmac.compare_digest(given, found.secret_hash or "") if found is not None and known else not secret
        if found is None or not right:
            raise OAuthError("invalid_client", "Invalid client or Invalid client credentials", 401)
        return found

    @property
    def grants(self) -> list[GrantType]:
        """The grants that are switched on."""
        return [grant for grant in GrantType if grant is not GrantType.PASSWORD or self.password_grant]

    async def check_credentials(self, username: str, password: str, address: str | None) -> User:
        """The user, for programs that send a password; raises as ``CredentialCheck.check``.

        Refused as a whole, with ``UNAUTHENTICATED``, where the password grant is switched off. A page on which people
        sign in asks ``credentials`` instead.
        """
        if not self.password_grant:
            message = "passwords of programs are switched off on this server; use a personal access token"
            raise DomainError(ErrorKind.UNAUTHENTICATED, message)
        return await self.credentials.check(username, password, address)

    async def password(
        self, request: TokenRequest, username: str, password: str, address: str | None
    ) -> dict[str, Any]:
        """Grant ``password`` (section 4.3), from a client at the IP address. The same refusal for every reason."""
        if not self.password_grant:
            raise OAuthError("unauthorized_client", "The grant password is switched off on this server")
        _allow(request.client, GrantType.PASSWORD)
        scope = _requested(request.scope)
        try:
            user = await self.check_credentials(username, password, address)
        except DomainError as error:
            if error.kind is not ErrorKind.UNAUTHENTICATED:
                raise
            raise OAuthError("invalid_grant", error.message, 401) from error
        rotates = request.client.secret_hash is None or "offline_access" not in scope
        sign_in = SignIn(user.id, request.client.id, request.realm, scope, rotates)
        session = await self._store.write(open_session, sign_in, self.lifetimes)
        return await self._answer(request, session)

    async def refresh(self, request: TokenRequest, token: str) -> dict[str, Any]:
        """Grant ``refresh_token`` (section 6), rotating as ``core.identity.sessions`` says."""
        _allow(request.client, GrantType.REFRESH_TOKEN)
        read = tokens.read_refresh(self.keys, token)
        if read is None:
            raise OAuthError("invalid_grant", "Invalid refresh token")
        session = await self._store.write(refresh_session, *read, request.client.id, self.lifetimes)
        if session is None:
            raise OAuthError("invalid_grant", "Session not active")
        if request.scope and not set(request.scope.split()) <= set(session.scope.split()) | {"openid"}:
            raise OAuthError("invalid_scope", f"Invalid scopes: {request.scope}")
        return await self._answer(request, session)

    async def client_credentials(self, request: TokenRequest) -> dict[str, Any]:
        """Grant ``client_credentials`` (section 4.4): a token of the client's own account, without refresh token."""
        _allow(request.client, GrantType.CLIENT_CREDENTIALS)
        scope = _requested(request.scope)
        user, roles = await self._store.read(_account, request.client.service_user_id or "")
        if user is None or not user.enabled:
            raise OAuthError("invalid_client", "The client's account is disabled", 401)
        subject = Subject(user, roles, request.client.id, None, scope)
        return await asyncio.to_thread(self._signed, request, subject, _now())

    async def _answer(self, request: TokenRequest, session: Session) -> dict[str, Any]:
        user, roles = await self._store.read(_account, session.user_id)
        if user is None:
            raise OAuthError("invalid_grant", "Session not active")
        subject = Subject(user, roles, session.client_id, session, session.scope)
        return await asyncio.to_thread(self._signed, request, subject, _now())

    def _signed(self, request: TokenRequest, subject: Subject, now: datetime) -> dict[str, Any]:
        seconds = self.lifetimes.access
        answer: dict[str, Any] = {
            "access_token": tokens.sign_access(self.keys, subject, request.issuer, now, seconds),
            "expires_in": seconds,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": subject.scope,
        }
        if subject.session is not None:
            answer["refresh_token"] = tokens.refresh_token(self.keys, subject.session)
            answer["refresh_expires_in"] = int((subject.session.expires_at - now).total_seconds())
            answer["session_state"] = subject.session.id
        if "openid" in subject.scope.split():
            answer["id_token"] = tokens.sign_id(self.keys, subject, request.issuer, now, seconds)
        return answer


def secret_hash(secret: str) -> str:
    """The form a client's secret is kept in. Fast on purpose: it is random or an operator's, and checked often."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _client(tx: Tx, client_id: str) -> OAuthClient | None:
    return tx.get(OAuthClient, client_id)


def _account(tx: Tx, user_id: str) -> tuple[User | None, frozenset[str]]:
    return tx.get(User, user_id), platform_roles(tx, user_id)


def _allow(client: OAuthClient, grant: GrantType) -> None:
    if grant not in client.grants:
        raise OAuthError("unauthorized_client", f"The client {client.id} is not allowed the grant {grant}")


def _requested(scope: str | None) -> str:
    """The scope granted: what was asked for and is known, with the default claims; unknown scopes are refused."""
    asked = (scope or "").split()
    unknown = [name for name in asked if name not in _SCOPES]
    if unknown:
        raise OAuthError("invalid_scope", f"Invalid scopes: {' '.join(unknown)}")
    return " ".join(dict.fromkeys([*asked, *_DEFAULT_SCOPE.split()]))


def _now() -> datetime:
    return datetime.now(UTC)
