"""Giving realm roles to users, in Keycloak's admin REST API. Groups hold none: they get their rights from grants."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.group_tree import placed_group
from modelyard.core.identity.roles import (
    PlatformRole,
    give_roles,
    list_roles,
    role_named,
    role_with_id,
    roles_of,
    take_roles,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin_query import done, path_value
from modelyard.dialects.openid.admin_roles import role_representation
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_REALM = "/auth/admin/realms/{realm}"
_MAPPINGS = f"{_REALM}/users/{{user_id}}/role-mappings"
_OF_GROUP = f"{_REALM}/groups/{{group_id}}/role-mappings"


class RoleReference(msgspec.Struct):
    """The part of a RoleRepresentation that says which role is meant: its id, its name, or both."""

    id: str | None = None
    name: str | None = None


@openid.get(_MAPPINGS, Permission.GROUPS_MANAGE)
async def show_all(call: Call) -> Response:
    """All roles of a user; those of clients do not exist."""
    given = await _given(call)
    return json({"realmMappings": given} if given else {})


@openid.get(f"{_MAPPINGS}/realm", Permission.GROUPS_MANAGE)
async def show_given(call: Call) -> Response:
    """The roles that the user was given."""
    return json(await _given(call))


@openid.get(f"{_MAPPINGS}/realm/available", Permission.GROUPS_MANAGE)
async def show_available(call: Call) -> Response:
    """The roles that the user does not have, not even as part of another one."""
    realm = realm_of(call)
    found = await call.services.store.read(_available, call.actor, path_value(call, "user_id"))
    return json([role_representation(role, realm) for role in found])


@openid.get(f"{_MAPPINGS}/realm/composite", Permission.GROUPS_MANAGE)
async def show_effective(call: Call) -> Response:
    """The roles that the user has, with those that they include."""
    realm = realm_of(call)
    found = await call.services.store.read(_effective, call.actor, path_value(call, "user_id"))
    return json([role_representation(role, realm) for role in found])


@openid.post(f"{_MAPPINGS}/realm", Permission.USERS_MANAGE)
async def give(call: Call) -> Response:
    """Give the user roles; 204."""
    realm_of(call)
    references = await call.json(list[RoleReference])
    await call.services.store.write(_give, call.actor, path_value(call, "user_id"), references)
    return done()


@openid.route("DELETE", f"{_MAPPINGS}/realm", Permission.USERS_MANAGE)
async def take(call: Call) -> Response:
    """Take roles from the user; 204."""
    realm_of(call)
    references = await call.json(list[RoleReference])
    await call.services.store.write(_take, call.actor, path_value(call, "user_id"), references)
    return done()


@openid.get(_OF_GROUP, Permission.GROUPS_MANAGE)
async def show_all_of_group(call: Call) -> Response:
    """The roles of a group: none."""
    await _group(call)
    return json({})


@openid.get(f"{_OF_GROUP}/realm", Permission.GROUPS_MANAGE)
async def show_given_to_group(call: Call) -> Response:
    """The same as a list."""
    await _group(call)
    return json([])


@openid.post(f"{_OF_GROUP}/realm", Permission.GROUPS_MANAGE)
async def give_to_group(call: Call) -> Response:
    """Refused with 404: there are no roles of groups."""
    await _group(call)
    message = "groups hold no realm roles; give the role to the users, or the group a permission on what it is to use"
    raise DomainError(ErrorKind.NOT_FOUND, message)


async def _given(call: Call) -> list[dict[str, Any]]:
    realm = realm_of(call)
    found = await call.services.store.read(roles_of, call.actor, path_value(call, "user_id"))
    return [role_representation(role, realm) for role in found]


async def _group(call: Call) -> None:
    """``NOT_FOUND`` unless the path names a group."""
    realm_of(call)
    await call.services.store.read(placed_group, call.actor, path_value(call, "group_id"))


def _effective(tx: Tx, actor: Actor, user_id: str) -> list[PlatformRole]:
    given = roles_of(tx, actor, user_id)
    included = [role for each in given for role in each.includes]
    return [*given, *(role for role in included if role not in given)]


def _available(tx: Tx, actor: Actor, user_id: str) -> list[PlatformRole]:
    held = _effective(tx, actor, user_id)
    return [role for role in list_roles(tx, actor) if role not in held]


def _give(tx: Tx, actor: Actor, user_id: str, references: list[RoleReference]) -> None:
    give_roles(tx, actor, user_id, [_meant(tx, actor, reference) for reference in references])


def _take(tx: Tx, actor: Actor, user_id: str, references: list[RoleReference]) -> None:
    take_roles(tx, actor, user_id, [_meant(tx, actor, reference) for reference in references])


def _meant(tx: Tx, actor: Actor, reference: RoleReference) -> PlatformRole:
    if reference.id is None and reference.name is None:
        raise invalid("each role needs its name or its id")
    if reference.id is None:
        return role_named(tx, actor, reference.name or "")
    role = role_with_id(tx, actor, reference.id)
    if reference.name not in (None, role.name):
        raise not_found("role", f"{reference.name} with the id {reference.id}")
    return role
