"""What tokens say of a user, in the words that Wallaroo's clients and Keycloak's readers look for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import Session, User

_USER_ROLES = ["default-roles-master", "offline_access", "uma_authorization"]
_REALM_MANAGEMENT = ["manage-users", "view-users", "query-groups", "query-users"]


@dataclass(frozen=True, slots=True)
class Subject:
    """For whom a token is: the user, the client that asked, the session (None for a client acting for itself).

    ``groups`` are the names of the user's groups, as far as the scope lets the client know them.
    """

    user: User
    roles: frozenset[str]
    client_id: str
    session: Session | None
    scope: str
    groups: tuple[str, ...] | None = None


def userinfo(user: User, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Who the user is (OpenID Connect Core, section 5.1), as far as it is known; ``groups`` where they may be told."""
    claims = {
        "sub": user.id,
        "name": f"{user.first_name} {user.last_name}".strip() or user.username,
        "preferred_username": user.username,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "email": user.email,
    }
    told = {} if groups is None else {"groups": list(groups)}
    return {"email_verified": False, **{name: value for name, value in claims.items() if value}, **told}


def common_claims(subject: Subject, issuer: str, now: datetime, seconds: int) -> dict[str, Any]:
    """What access tokens and ID tokens share."""
    issued = int(now.timestamp())
    return {
        "iss": issuer,
        "azp": subject.client_id,
        "iat": issued,
        "exp": issued + seconds,
        "acr": "1",
        **userinfo(subject.user, subject.groups),
        **(_session(subject.session) if subject.session else {}),
    }


def access_claims(subject: Subject) -> dict[str, Any]:
    """What an access token says besides."""
    admin = Role.ADMIN in subject.roles
    return {
        "aud": ["master-realm", "account"],
        "allowed-origins": ["*"],
        "scope": subject.scope,
        "realm_access": {"roles": [*_USER_ROLES, *(["admin", "create-realm"] if admin else [])]},
        "resource_access": {
            **({"master-realm": {"roles": _REALM_MANAGEMENT}} if admin else {}),
            "account": {"roles": ["manage-account", "manage-account-links", "view-profile"]},
        },
        "https://hasura.io/jwt/claims": _hasura(subject.user, admin=admin),
    }


def _session(session: Session) -> dict[str, Any]:
    authenticated = int(session.authenticated_at.timestamp())
    return {"sid": session.id, "session_state": session.id, "auth_time": authenticated}


def _hasura(user: User, *, admin: bool) -> dict[str, Any]:
    role = "admin_user" if admin else "user"
    return {
        "x-hasura-user-id": user.id,
        "x-hasura-user-email": user.email or "",
        "x-hasura-default-role": role,
        "x-hasura-allowed-roles": ["user", "admin_user"] if admin else ["user"],
        "x-hasura-user-groups": "{}",
    }
