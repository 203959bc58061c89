"""Tokens: their claims, signing and verification. Pure: no store, no clock of its own."""

import base64
import hmac
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import Session, User
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.verifiers import Verified

_ALGORITHM = "RS256"
_REFRESH = struct.Struct(">16sI")
_LEEWAY_SECONDS = 5
_USER_ROLES = ["default-roles-master", "offline_access", "uma_authorization"]
_REALM_MANAGEMENT = ["manage-users", "view-users", "query-groups", "query-users"]


@dataclass(frozen=True, slots=True)
class Subject:
    """For whom a token is: the user, the client that asked, the session (None for a client acting for itself)."""

    user: User
    roles: frozenset[str]
    client_id: str
    session: Session | None
    scope: str


def sign_access(keys: KeyRing, subject: Subject, issuer: str, now: datetime, seconds: int) -> str:
    """An access token with the claims that Wallaroo's clients and Keycloak's readers look for."""
    return _sign(keys, {**_common(subject, issuer, now, seconds), "typ": "Bearer", "jti": new_uuid()})


def sign_id(keys: KeyRing, subject: Subject, issuer: str, now: datetime, seconds: int) -> str:
    """An ID token (OpenID Connect Core, section 2): it says who signed in, and opens nothing."""
    claims = {**_common(subject, issuer, now, seconds), "typ": "ID", "jti": new_uuid(), "aud": subject.client_id}
    for name in ("realm_access", "resource_access", "allowed-origins", "https://hasura.io/jwt/claims"):
        del claims[name]
    return _sign(keys, claims)


def verify_access(keys: KeyRing, token: str, realms: tuple[str, ...], now: datetime) -> Verified:
    """What the token says; ``UNAUTHENTICATED`` unless it is an access token of ours, for one of the realms, in time."""
    try:
        decoded = jwt.decode(token, keys.signing, algorithms=[_ALGORITHM])
    except (JoseError, ValueError, TypeError) as error:
        raise _refused("it is not a token of this server") from error
    claims: dict[str, Any] = decoded.claims
    if claims.get("typ") != "Bearer" or decoded.header.get("kid") != keys.kid:
        raise _refused("it is not an access token")
    if not str(claims.get("iss", "")).endswith(tuple(f"/auth/realms/{realm}" for realm in realms)):
        raise _refused("its issuer is not a realm of this server")
    if claims["exp"] + _LEEWAY_SECONDS < now.timestamp():
        raise _refused("it has expired; refresh it or sign in again")
    return Verified(claims["sub"], claims["azp"], claims.get("sid"), claims["exp"])


def verify_access_now(keys: KeyRing, realms: tuple[str, ...], token: str) -> Verified:
    """``verify_access`` by the clock on the wall."""
    return verify_access(keys, token, realms, datetime.now(UTC))


def refresh_token(keys: KeyRing, session: Session) -> str:
    """The refresh token of the session's current generation: always the same text for the same generation."""
    head = _REFRESH.pack(uuid.UUID(session.id).bytes, session.generation)
    return base64.urlsafe_b64encode(head + keys.refresh_proof(head)).rstrip(b"=").decode()


def read_refresh(keys: KeyRing, token: str) -> tuple[str, int] | None:
    """(session id, generation) of a refresh token of ours, or None."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    head, proof = raw[: _REFRESH.size], raw[_REFRESH.size :]
    if len(head) < _REFRESH.size or not hmac.compare_digest(proof, keys.refresh_proof(head)):
        return None
    session, generation = _REFRESH.unpack(head)
    return str(uuid.UUID(bytes=session)), generation


def userinfo(user: User) -> dict[str, Any]:
    """Who the user is (OpenID Connect Core, section 5.1), as far as it is known."""
    claims = {
        "sub": user.id,
        "name": f"{user.first_name} {user.last_name}".strip() or user.username,
        "preferred_username": user.username,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "email": user.email,
    }
    return {"email_verified": False, **{name: value for name, value in claims.items() if value}}


def _common(subject: Subject, issuer: str, now: datetime, seconds: int) -> dict[str, Any]:
    issued = int(now.timestamp())
    admin = Role.ADMIN in subject.roles
    session = subject.session
    return {
        "iss": issuer,
        "aud": ["master-realm", "account"],
        "azp": subject.client_id,
        "iat": issued,
        "exp": issued + seconds,
        "acr": "1",
        "allowed-origins": ["*"],
        "scope": subject.scope,
        "realm_access": {"roles": [*_USER_ROLES, *(["admin", "create-realm"] if admin else [])]},
        "resource_access": {
            **({"master-realm": {"roles": _REALM_MANAGEMENT}} if admin else {}),
            "account": {"roles": ["manage-account", "manage-account-links", "view-profile"]},
        },
        "https://hasura.io/jwt/claims": _hasura(subject.user, admin=admin),
        **userinfo(subject.user),
        **({"sid": session.id, "session_state": session.id, "auth_time": _at(session.created_at)} if session else {}),
    }


def _hasura(user: User, *, admin: bool) -> dict[str, Any]:
    role = "admin_user" if admin else "user"
    return {
        "x-hasura-user-id": user.id,
        "x-hasura-user-email": user.email or "",
        "x-hasura-default-role": role,
        "x-hasura-allowed-roles": ["user", "admin_user"] if admin else ["user"],
        "x-hasura-user-groups": "{}",
    }


def _at(moment: datetime) -> int:
    return int(moment.timestamp())


def _sign(keys: KeyRing, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": _ALGORITHM, "typ": "JWT", "kid": keys.kid}, claims, keys.signing)


def _refused(why: str) -> DomainError:
    return DomainError(ErrorKind.UNAUTHENTICATED, f"the bearer token was refused: {why}")
