"""The realm roles of Keycloak's admin REST API: the built-in roles of the platform, and custom ones."""

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.roles import (
    PlatformRole,
    change_role,
    create_role,
    delete_role,
    holders_of,
    list_roles,
    role_named,
    role_with_id,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin import representation
from modelyard.dialects.openid.admin_query import created, done, paged
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_REALM = "/auth/admin/realms/{realm}"
_ROLES = f"{_REALM}/roles"
_BY_NAME = f"{_ROLES}/{{role_name}}"
_BY_ID = f"{_REALM}/roles-by-id/{{role_id}}"
_PAGE = 100


class RoleBody(msgspec.Struct):
    """Keycloak's RoleRepresentation, as far as it is taken."""

    name: str | None = None
    description: str | None = None
    composite: bool = False


@openid.get(_ROLES, Permission.GROUPS_MANAGE)
async def show_roles(call: Call) -> Response:
    """All roles, or those whose names contain ``search``."""
    realm = realm_of(call)
    found = await call.services.store.read(list_roles, call.actor)
    wanted = call.request.query_params.get("search", "").lower()
    return json([role_representation(role, realm) for role in paged(call, _named(found, wanted))])


@openid.post(_ROLES, Permission.GROUPS_MANAGE)
async def add_role(call: Call) -> Response:
    """Make a custom role; 201 with its address by name."""
    realm = realm_of(call)
    body = await call.json(RoleBody)
    if body.composite:
        raise invalid("custom roles are not composed of others; leave composite out")
    role = await call.services.store.write(create_role, call.actor, body.name or "", body.description or "")
    return created(f"/auth/admin/realms/{realm}/roles/{quote(role.name, safe='')}")


@openid.get(_BY_NAME, Permission.GROUPS_MANAGE)
@openid.get(_BY_ID, Permission.GROUPS_MANAGE)
async def show_role(call: Call) -> Response:
    """One role, by name or by id."""
    realm = realm_of(call)
    return json(role_representation(await call.services.store.read(_role, call.actor, _which(call)), realm))


@openid.route("PUT", _BY_NAME, Permission.GROUPS_MANAGE)
@openid.route("PUT", _BY_ID, Permission.GROUPS_MANAGE)
async def update_role(call: Call) -> Response:
    """Rename or describe a custom role; 204."""
    realm_of(call)
    await call.services.store.write(_update, call.actor, _which(call), await call.json(RoleBody))
    return done()


@openid.route("DELETE", _BY_NAME, Permission.GROUPS_MANAGE)
@openid.route("DELETE", _BY_ID, Permission.GROUPS_MANAGE)
async def remove_role(call: Call) -> Response:
    """Remove a custom role; 204."""
    realm_of(call)
    await call.services.store.write(_delete, call.actor, _which(call))
    return done()


@openid.get(f"{_BY_NAME}/composites", Permission.GROUPS_MANAGE)
@openid.get(f"{_BY_ID}/composites", Permission.GROUPS_MANAGE)
@openid.get(f"{_BY_ID}/composites/realm", Permission.GROUPS_MANAGE)
async def show_composites(call: Call) -> Response:
    """The roles that the role includes: for ``admin`` the other built-in ones, for all others none."""
    realm = realm_of(call)
    role = await call.services.store.read(_role, call.actor, _which(call))
    return json([role_representation(included, realm) for included in paged(call, role.includes)])


@openid.get(f"{_BY_NAME}/users", Permission.GROUPS_MANAGE)
async def show_holders(call: Call) -> Response:
    """The users who were given the role, by name."""
    realm_of(call)
    found = await call.services.store.read(_holders, call.actor, _which(call))
    return json([representation(user, call.actor) for user in paged(call, found, _PAGE)])


@openid.get(f"{_BY_NAME}/groups", Permission.GROUPS_MANAGE)
async def show_groups_with_role(call: Call) -> Response:
    """The groups that hold the role: none, as roles are given to users."""
    realm_of(call)
    await call.services.store.read(_role, call.actor, _which(call))
    return json([])


def role_representation(role: PlatformRole, realm: str) -> dict[str, Any]:
    """Keycloak's RoleRepresentation."""
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "composite": bool(role.includes),
        "clientRole": False,
        "containerId": realm,
        "attributes": {},
    }


def _which(call: Call) -> tuple[str | None, str | None]:
    """(name, id), of which the path gives one."""
    return call.request.path_params.get("role_name"), call.request.path_params.get("role_id")


def _role(tx: Tx, actor: Actor, which: tuple[str | None, str | None]) -> PlatformRole:
    name, role_id = which
    return role_named(tx, actor, name) if name is not None else role_with_id(tx, actor, role_id or "")


def _update(tx: Tx, actor: Actor, which: tuple[str | None, str | None], body: RoleBody) -> None:
    change_role(tx, actor, _role(tx, actor, which), name=body.name, description=body.description)


def _delete(tx: Tx, actor: Actor, which: tuple[str | None, str | None]) -> None:
    delete_role(tx, actor, _role(tx, actor, which))


def _holders(tx: Tx, actor: Actor, which: tuple[str | None, str | None]) -> list[User]:
    return holders_of(tx, actor, _role(tx, actor, which))


def _named(roles: list[PlatformRole], text: str) -> list[PlatformRole]:
    return [role for role in roles if text in role.name.lower()]
