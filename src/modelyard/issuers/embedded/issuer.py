"""The grants of the token endpoint (RFC 6749), over the store, the keys and the passwords."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelyard.core.audit.actions import Action
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.audit.chain import record
from modelyard.core.identity.authorization_codes import PresentedCode, redeem_code
from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.device_grants import Poll, poll_device_grant
from modelyard.core.identity.entities import OAuthClient, Session, User
from modelyard.core.identity.group_tree import group_paths_of
from modelyard.core.identity.sessions import Lifetimes, SignIn, open_session, refresh_session
from modelyard.core.identity.users import platform_roles, temporary_password
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded import tokens
from modelyard.issuers.embedded.claims import Subject
from modelyard.issuers.embedded.codes import digest, s256
from modelyard.issuers.embedded.credentials import CredentialCheck
from modelyard.issuers.embedded.inspection import Inspection
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.oauth import OAuthError, allow, granted_scope
from modelyard.issuers.embedded.passwords import Passwords

NOT_SET_UP = "Account is not fully set up"
"""What Keycloak says to programs that send a temporary password."""

_TEMPORARY = (
    f"{NOT_SET_UP}: the password is temporary; sign in by browser and choose a new one, or use a personal access token"
)

_POLLS = {
    Poll.PENDING: "The user has not decided yet",
    Poll.SLOW_DOWN: "Wait longer before you ask again",
    Poll.EXPIRED: "The device code has expired; ask for another one",
    Poll.DENIED: "The user denied the request",
    Poll.UNKNOWN: "Device code not valid",
}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Who asks and how: the authenticated client, the realm, its issuer URL, the scope asked for, and from where."""

    client: OAuthClient
    realm: str
    issuer: str
    scope: str | None
    address: str | None = None


class EmbeddedIssuer:
    """Issues and renews tokens. ``realms`` are names for one and the same identity."""

    def __init__(  # what it works with
        self,
        store: Store,
        keys: KeyRing,
        passwords: Passwords,
        realms: tuple[str, ...],
        lifetimes: Lifetimes,
        audit: BoundedRecorder | None = None,
        *,
        password_grant: bool = True,
    ) -> None:
        self.keys = keys
        self.realms = realms
        self.passwords = passwords
        self.inspection = Inspection(store, keys, realms)
        self._audit = audit or BoundedRecorder(store)
        self.credentials = CredentialCheck(store, passwords, self._audit)
        self.password_grant = password_grant
        self._store = store
        self.lifetimes = lifetimes

    async def client(self, client_id: str | None, secret: str | None, address: str | None = None) -> OAuthClient:
        """The client, when it proved to be it; a public client has nothing to prove and must not try."""
        found = await self._store.read(_client, client_id or "")
        given = secret_hash(secret or "")
        known = found is not None and found.secret_hash is not None
        right = hmac.compare_digest(given, found.secret_hash or "") if found is not None and known else not secret
        if found is None or not right:
            claimed, reason = client_id or "", "wrong secret" if found else "unknown client"
            who, client = Actor("", claimed, address=address), found.id if found else ""
            await self._audit.refusal(who, Action.LOGIN, "client", client, reason=reason)
            raise OAuthError("invalid_client", "Invalid client or Invalid client credentials", 401)
        return found

    @property
    def grants(self) -> list[GrantType]:
        """The grants that are switched on."""
        return [grant for grant in GrantType if grant is not GrantType.PASSWORD or self.password_grant]

    async def check_credentials(
        self, username: str, password: str, address: str | None, client_id: str | None = None
    ) -> User:
        """The user, for programs that send a password; raises as ``CredentialCheck.check``.

        Refused as a whole, with ``UNAUTHENTICATED``, where the password grant is switched off. A temporary password is
        refused so with the detail ``temporary``: programs cannot choose another one. A page on which people sign in
        asks ``credentials`` instead.
        """
        if not self.password_grant:
            message = "passwords of programs are switched off on this server; use a personal access token"
            raise DomainError(ErrorKind.UNAUTHENTICATED, message)
        user = await self.credentials.check(username, password, address, client_id)
        if await self._store.read(temporary_password, user.id) is not None:
            who = Actor(user.id, user.username, client_id=client_id, address=address)
            await self._audit.refusal(who, Action.LOGIN, "session", "", reason="temporary password")
            raise DomainError(ErrorKind.UNAUTHENTICATED, _TEMPORARY, temporary=True)
        return user

    async def password(
        self, request: TokenRequest, username: str, password: str, address: str | None
    ) -> dict[str, Any]:
        """Grant ``password`` (section 4.3), from a client at the IP address. The same refusal for every reason."""
        if not self.password_grant:
            raise OAuthError("unauthorized_client", "The grant password is switched off on this server")
        allow(request.client, GrantType.PASSWORD)
        scope = granted_scope(request.scope)
        try:
            user = await self.check_credentials(username, password, address, request.client.id)
        except DomainError as error:
            if error.kind is not ErrorKind.UNAUTHENTICATED:
                raise
            if error.details.get("temporary"):
                raise OAuthError("invalid_grant", NOT_SET_UP) from error
            raise OAuthError("invalid_grant", error.message, 401) from error
        rotates = request.client.secret_hash is None or "offline_access" not in scope
        sign_in = SignIn(user.id, request.client.id, request.realm, scope, rotates, address=request.address)
        session = await self._store.write(open_session, sign_in, self.lifetimes)
        return await self._answer(request, session)

    async def authorization_code(
        self, request: TokenRequest, code: str, redirect_uri: str, verifier: str | None
    ) -> dict[str, Any]:
        """Grant ``authorization_code`` (section 4.1.3, RFC 7636 section 4.5)."""
        allow(request.client, GrantType.AUTHORIZATION_CODE)
        challenge = None if verifier is None else s256(verifier)
        presented = PresentedCode(digest(code), request.client.id, redirect_uri, challenge, request.address)
        confidential = request.client.secret_hash is not None
        redeemed = await self._store.write(redeem_code, presented, self.lifetimes, confidential=confidential)
        if redeemed is None:
            raise OAuthError("invalid_grant", "Code not valid")
        return await self._answer(request, redeemed.session, redeemed.nonce)

    async def device_code(self, request: TokenRequest, code: str) -> dict[str, Any]:
        """Grant ``urn:ietf:params:oauth:grant-type:device_code`` (RFC 8628, section 3.4)."""
        allow(request.client, GrantType.DEVICE_CODE)
        confidential = request.client.secret_hash is not None
        answer = await self._store.write(
            poll_device_grant,
            digest(code),
            request.client.id,
            self.lifetimes,
            confidential=confidential,
            address=request.address,
        )
        if isinstance(answer, Poll):
            raise OAuthError(str(answer), _POLLS[answer])
        return await self._answer(request, answer)

    async def refresh(self, request: TokenRequest, token: str) -> dict[str, Any]:
        """Grant ``refresh_token`` (section 6), rotating as ``core.identity.sessions`` says."""
        allow(request.client, GrantType.REFRESH_TOKEN)
        read = tokens.read_refresh(self.keys, token)
        if read is None:
            raise OAuthError("invalid_grant", "Invalid refresh token")
        session = await self._store.write(refresh_session, *read, request.client.id, self.lifetimes, request.address)
        if session is None:
            raise OAuthError("invalid_grant", "Session not active")
        if request.scope and not set(request.scope.split()) <= set(session.scope.split()) | {"openid"}:
            raise OAuthError("invalid_scope", f"Invalid scopes: {request.scope}")
        return await self._answer(request, session)

    async def client_credentials(self, request: TokenRequest) -> dict[str, Any]:
        """Grant ``client_credentials`` (section 4.4): a token of the client's own account, without refresh token.

        An ID token, which is about users, is only given to clients that may use it like an access token.
        """
        allow(request.client, GrantType.CLIENT_CREDENTIALS)
        scope = granted_scope(request.scope)
        user, roles, groups = await self._store.read(_account, request.client.service_user_id or "", scope)
        if user is None or not user.enabled:
            name = request.client.id
            who = Actor(user.id if user else "", name, client_id=name, address=request.address)
            await self._audit.refusal(who, Action.LOGIN, "client", name, reason="disabled account")
            raise OAuthError("invalid_client", "The client's account is disabled", 401)
        subject = Subject(user, roles, request.client.id, None, scope, groups)
        await self._store.write(_record_client_login, request, user, scope)
        return await asyncio.to_thread(self._signed, request, subject, _now())

    async def _answer(self, request: TokenRequest, session: Session, nonce: str | None = None) -> dict[str, Any]:
        user, roles, groups = await self._store.read(_account, session.user_id, session.scope)
        if user is None:
            raise OAuthError("invalid_grant", "Session not active")
        subject = Subject(user, roles, session.client_id, session, session.scope, groups)
        return await asyncio.to_thread(self._signed, request, subject, _now(), nonce)

    def _signed(
        self, request: TokenRequest, subject: Subject, now: datetime, nonce: str | None = None
    ) -> dict[str, Any]:
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
        if "openid" in subject.scope.split() and (subject.session is not None or request.client.id_tokens_as_bearer):
            answer["id_token"] = tokens.sign_id(self.keys, subject, request.issuer, now, seconds, nonce)
        return answer


def secret_hash(secret: str) -> str:
    """The form a client's secret is kept in. Fast on purpose: it is random or an operator's, and checked often."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _client(tx: Tx, client_id: str) -> OAuthClient | None:
    return tx.get(OAuthClient, client_id)


def _record_client_login(tx: Tx, request: TokenRequest, user: User, scope: str) -> None:
    actor = Actor(user.id, user.username, client_id=request.client.id, address=request.address)
    record(tx, actor, Action.LOGIN, "client", request.client.id, realm=request.realm, scope=scope)


def _account(tx: Tx, user_id: str, scope: str) -> tuple[User | None, frozenset[str], tuple[str, ...] | None]:
    """The user, their roles on the platform, and their groups where the scope is also about these."""
    groups = tuple(group_paths_of(tx, user_id)) if "groups" in scope.split() else None
    return tx.get(User, user_id), platform_roles(tx, user_id), groups


def _now() -> datetime:
    return datetime.now(UTC)
