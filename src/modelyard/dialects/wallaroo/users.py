"""Users, as the API shows them: in Keycloak's shape."""

import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import (
    NewUser,
    Profile,
    change_user,
    check_password,
    find_users,
    invite_user,
    is_admin,
    user_named,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.web.call import Call

_ADMIN_ROLES = {"admin", "ADMIN", "admin_user"}


class InviteBody(msgspec.Struct):
    """Whom to invite; without a password one is made up and told once."""

    email: str
    roles: list[str] = []
    password: str | None = None
    require_reset: bool | None = None


class QueryBody(msgspec.Struct):
    """Which users; all when there is no list."""

    user_ids: list[str] | None = None


class EmailBody(msgspec.Struct):
    """A user by e-mail address."""

    email: str


class EditBody(msgspec.Struct, rename="camel"):
    """A user's new data."""

    id: str
    first_name: str
    last_name: str
    email: str
    enabled: bool
    is_admin: bool


@wallaroo.post("/v1/api/users/invite", Permission.USERS_MANAGE, body=InviteBody)
async def invite(call: Call) -> Response:
    """Add a user, whose e-mail address is their username, too."""
    require_platform(call.actor, Permission.USERS_MANAGE)  # before a password is hashed for nothing
    body = await call.json(InviteBody)
    password = check_password(body.password or secrets.token_urlsafe(16), body.email, body.email)
    hashed = await call.services.issuer.passwords.hash(password)
    role = Role.ADMIN if _ADMIN_ROLES & set(body.roles) else Role.USER
    new = NewUser(body.email, body.email, hashed, (role,), temporary=bool(body.require_reset))
    user = await call.services.store.write(invite_user, call.actor, new)
    return json({"id": user.id, "password": "" if body.password else password})


@wallaroo.post("/v1/api/users/query", Permission.USERS_READ, body=QueryBody)
async def query(call: Call) -> Response:
    """Users by id; an id that nobody has maps to null."""
    body = await call.json(QueryBody)
    found = await call.services.store.read(find_users, call.actor, ids=body.user_ids)
    users: dict[str, Any] = dict.fromkeys(body.user_ids or [])
    return json({"users": users | {user.id: keycloak_user(user, call.actor) for user in found}})


@wallaroo.post("/v1/api/users/activate", Permission.USERS_MANAGE, body=EmailBody)
async def activate(call: Call) -> Response:
    """Let a user sign in again."""
    return await _enable(call, enabled=True)


@wallaroo.post("/v1/api/users/deactivate", Permission.USERS_MANAGE, body=EmailBody)
async def deactivate(call: Call) -> Response:
    """Shut a user out, at once and everywhere."""
    return await _enable(call, enabled=False)


@wallaroo.post("/v1/api/user", Permission.USERS_MANAGE, body=EditBody)
async def edit(call: Call) -> Response:
    """Change a user's data."""
    body = await call.json(EditBody)
    profile = Profile(body.email, body.first_name, body.last_name, body.enabled, body.is_admin)
    user = await call.services.store.write(change_user, call.actor, body.id, profile)
    return json(keycloak_user(user, call.actor))


async def _enable(call: Call, *, enabled: bool) -> Response:
    body = await call.json(EmailBody)
    await call.services.store.write(_set_enabled, call.actor, body.email, enabled=enabled)
    return json({})


def _set_enabled(tx: Tx, actor: Actor, login: str, *, enabled: bool) -> None:
    require_platform(actor, Permission.USERS_MANAGE)
    change_user(tx, actor, user_named(tx, actor, login).id, Profile(enabled=enabled))


def keycloak_user(user: User, reader: Actor) -> dict[str, Any]:
    """Keycloak's UserRepresentation; those who do not administer see what they need to name each other."""
    shown: dict[str, Any] = {
        "id": user.id,
        "username": user.username,
        "email": user.email or user.username,
        "enabled": user.enabled,
        "createdTimestamp": int(user.created_at.timestamp() * 1000),
    }
    if not is_admin(reader):
        return shown
    last = user.last_login_at
    return {
        **shown,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "emailVerified": False,
        "lastLogin": int(last.timestamp() * 1000) if last else None,
    }
