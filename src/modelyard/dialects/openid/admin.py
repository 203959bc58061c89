"""The users part of Keycloak's admin REST API, as the Wallaroo SDK and admin scripts call it."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import (
    NewUser,
    Profile,
    change_user,
    check_password,
    find_users,
    get_user,
    invite_user,
    is_admin,
    set_password,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_USERS = "/auth/admin/realms/{realm}/users"
_PAGE = 100


class CredentialBody(msgspec.Struct):
    """Keycloak's CredentialRepresentation, as far as it is used."""

    value: str
    type: str = "password"
    temporary: bool = False


class UserBody(msgspec.Struct, rename="camel"):
    """Keycloak's UserRepresentation, as far as it is taken; what it says of roles and ids is ignored."""

    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    enabled: bool | None = None
    credentials: list[CredentialBody] = []


@openid.get(_USERS, Permission.USERS_READ)
async def list_users(call: Call) -> Response:
    """Users, filtered by email, username or search; an exact match comes first."""
    realm_of(call)
    query = call.request.query_params
    filters = {name: query[name] for name in ("email", "username", "search") if name in query}
    found = await call.services.store.read(find_users, call.actor, **filters)
    if query.get("exact") == "true":
        found = [u for u in found if query.get("email", u.email) == u.email]
        found = [u for u in found if query.get("username", u.username) == u.username]
    first, most = _number(query.get("first"), 0), _number(query.get("max"), _PAGE)
    return json([representation(user, call.actor) for user in found[first : first + most]])


@openid.get(f"{_USERS}/count", Permission.USERS_READ)
async def count_users(call: Call) -> Response:
    """How many users there are."""
    realm_of(call)
    return json(len(await call.services.store.read(find_users, call.actor)))


@openid.get(f"{_USERS}/{{user_id}}", Permission.USERS_READ)
async def show_user(call: Call) -> Response:
    """One user."""
    realm_of(call)
    user = await call.services.store.read(get_user, call.actor, call.request.path_params["user_id"])
    return json(representation(user, call.actor))


@openid.post(_USERS, Permission.USERS_MANAGE)
async def create_user(call: Call) -> Response:
    """Add a user; 201 with the address of the new one."""
    realm = realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)  # before a password is hashed for nothing
    body = await call.json(UserBody)
    name = body.username or body.email or ""
    credential = next((c for c in body.credentials if c.type == "password"), None)
    hashed = None
    if credential is not None:
        hashed = await call.services.issuer.passwords.hash(check_password(credential.value, name, body.email))
    new = NewUser(name, body.email, hashed, first_name=body.first_name or "", last_name=body.last_name or "")
    user = await call.services.store.write(invite_user, call.actor, new)
    return Response(status_code=201, headers={"location": f"/auth/admin/realms/{realm}/users/{user.id}"})


@openid.route("PUT", f"{_USERS}/{{user_id}}", Permission.USERS_MANAGE)
async def update_user(call: Call) -> Response:
    """Change a user; 204."""
    realm_of(call)
    body = await call.json(UserBody)
    profile = Profile(body.email, body.first_name, body.last_name, body.enabled)
    await call.services.store.write(change_user, call.actor, call.request.path_params["user_id"], profile)
    return Response(status_code=204)


@openid.route("PUT", f"{_USERS}/{{user_id}}/reset-password", Permission.USERS_MANAGE)
async def reset_password(call: Call) -> Response:
    """Give a user a new password; 204."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    body = await call.json(CredentialBody)
    user = await call.services.store.read(get_user, call.actor, call.request.path_params["user_id"])
    hashed = await call.services.issuer.passwords.hash(check_password(body.value, user.username, user.email))
    await call.services.store.write(set_password, call.actor, user.id, hashed, temporary=body.temporary)
    return Response(status_code=204)


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
            "manageGroupMembership": False,
            "mapRoles": False,
            "impersonate": False,
        },
    }


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit():
        raise invalid(f"{text[:40]!r} is not a number of users")
    return int(text)
