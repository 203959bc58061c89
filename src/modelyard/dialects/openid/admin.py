"""The users part of Keycloak's admin REST API, as the Wallaroo SDK and admin scripts call it."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.group_tree import group_at
from modelyard.core.identity.groups import GroupKind, ensure_in_group
from modelyard.core.identity.users import (
    NewUser,
    Profile,
    change_user,
    delete_user,
    find_users,
    get_user,
    invite_user,
    is_admin,
    normalized,
    set_password,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin_credentials import CredentialBody, password_hash, password_in
from modelyard.dialects.openid.admin_query import created, done, flag, paged, path_value, refuse_attributes
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_USERS = "/auth/admin/realms/{realm}/users"
_USER = f"{_USERS}/{{user_id}}"
_PAGE = 100
_EXACT = {"email": "email", "username": "username", "firstName": "first_name", "lastName": "last_name"}
"""Query parameters that ask for one field of a user."""


class UserBody(msgspec.Struct, rename="camel"):
    """Keycloak's UserRepresentation, as far as it is taken; what it says of roles, ids and times is ignored.

    ``groups`` are paths, for a new user only.
    """

    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    enabled: bool | None = None
    credentials: list[CredentialBody] | None = None
    groups: list[str] | None = None


@openid.get(_USERS, Permission.USERS_READ)
async def list_users(call: Call) -> Response:
    """Users, filtered by email, username, firstName, lastName, enabled or search; an exact match comes first."""
    realm_of(call)
    return json([representation(user, call.actor) for user in paged(call, await _found(call), _PAGE)])


@openid.get(f"{_USERS}/count", Permission.USERS_READ)
async def count_users(call: Call) -> Response:
    """How many users there are that the same filters let through."""
    realm_of(call)
    return json(len(await _found(call)))


@openid.get(_USER, Permission.USERS_READ)
async def show_user(call: Call) -> Response:
    """One user."""
    realm_of(call)
    user = await call.services.store.read(get_user, call.actor, path_value(call, "user_id"))
    return json(representation(user, call.actor))


@openid.post(_USERS, Permission.USERS_MANAGE)
async def create_user(call: Call) -> Response:
    """Add a user; 201 with the address of the new one."""
    realm = realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)  # before a password is hashed for nothing
    body = await call.json(UserBody)
    name = body.username or body.email or ""
    password = password_in(body.credentials or [])
    hashed = await password_hash(call, password, name, body.email) if password else None
    temporary = password is not None and password.temporary
    first_name, last_name = body.first_name or "", body.last_name or ""
    new = NewUser(name, body.email, hashed, first_name=first_name, last_name=last_name, temporary=temporary)
    user = await call.services.store.write(_create, call.actor, new, body)
    return created(f"/auth/admin/realms/{realm}/users/{user.id}")


@openid.route("PUT", _USER, Permission.USERS_MANAGE)
async def update_user(call: Call) -> Response:
    """Change what is given of a user; 204. The username stays."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    body = await call.json(UserBody)
    password, hashed = password_in(body.credentials or []), None
    if password is not None:
        user = await call.services.store.read(get_user, call.actor, path_value(call, "user_id"))
        hashed = await password_hash(call, password, user.username, body.email or user.email)
    await call.services.store.write(_update, call.actor, path_value(call, "user_id"), body, hashed)
    return done()


@openid.route("DELETE", _USER, Permission.USERS_MANAGE)
async def remove_user(call: Call) -> Response:
    """Remove a user; 204. What they made stays."""
    realm_of(call)
    await call.services.store.write(delete_user, call.actor, path_value(call, "user_id"))
    return done()


def representation(user: User, reader: Actor) -> dict[str, Any]:
    """Keycloak's UserRepresentation; those who do not administer see what they need to name each other."""
    shown: dict[str, Any] = {
        "id": user.id,
        "username": user.username,
        "enabled": user.enabled,
        "createdTimestamp": int(user.created_at.timestamp() * 1000),
        **({"email": user.email} if user.email else {}),
    }
    if not is_admin(reader):
        return shown
    return {
        **shown,
        "emailVerified": False,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "totp": False,
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "notBefore": 0,
        "access": {
            "view": True,
            "manage": True,
            "manageGroupMembership": True,
            "mapRoles": True,
            "impersonate": False,
        },
    }


async def _found(call: Call) -> list[User]:
    refuse_attributes(call)
    query = call.request.query_params
    filters = {name: query[name] for name in ("email", "username", "search") if name in query}
    found = await call.services.store.read(find_users, call.actor, **filters)
    return [user for user in found if _passes(call, user)]


def _passes(call: Call, user: User) -> bool:
    """Whether the filters let the user through that the core does not know."""
    query, exact = call.request.query_params, flag(call, "exact")
    if "enabled" in query and user.enabled is not flag(call, "enabled"):
        return False
    for parameter, field in _EXACT.items():
        wanted, value = query.get(parameter, "").lower(), (getattr(user, field) or "").lower()
        if wanted not in value or (exact and parameter in query and wanted != value):
            return False
    return True


def _create(tx: Tx, actor: Actor, new: NewUser, body: UserBody) -> User:
    user = invite_user(tx, actor, new)
    for path in body.groups or []:
        ensure_in_group(tx, actor, GroupKind.GROUP, group_at(tx, actor, path).group.id, user.id)
    return user if body.enabled is not False else change_user(tx, actor, user.id, Profile(enabled=False))


def _update(tx: Tx, actor: Actor, user_id: str, body: UserBody, hashed: str | None) -> None:
    profile = Profile(body.email, body.first_name, body.last_name, body.enabled)
    user = change_user(tx, actor, user_id, profile)
    if body.username and normalized("username", body.username) != user.username:
        raise failed_precondition(f"{user.username} keeps this username: usernames are not changed here")
    password = password_in(body.credentials or [])
    if hashed is not None and password is not None:
        set_password(tx, actor, user_id, hashed, temporary=password.temporary)
