"""Who belongs to which group, in Keycloak's admin REST API."""

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.group_tree import placed_groups_of
from modelyard.core.identity.groups import GroupKind, ensure_in_group, group_with, members_of, take_from_group
from modelyard.core.identity.users import get_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin import representation
from modelyard.dialects.openid.admin_groups import group_representation
from modelyard.dialects.openid.admin_query import done, paged, path_value
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_REALM = "/auth/admin/realms/{realm}"
_OF_USER = f"{_REALM}/users/{{user_id}}/groups"
_PAGE = 100


@openid.get(f"{_REALM}/groups/{{group_id}}/members", Permission.GROUPS_MANAGE)
async def list_members(call: Call) -> Response:
    """The users who belong to the group itself, by name."""
    realm_of(call)
    found = await call.services.store.read(_members, call.actor, path_value(call, "group_id"))
    return json([representation(user, call.actor) for user in paged(call, found, _PAGE)])


@openid.get(_OF_USER, Permission.GROUPS_MANAGE)
async def list_groups_of_user(call: Call) -> Response:
    """The groups that the user belongs to themselves."""
    realm_of(call)
    found = await call.services.store.read(placed_groups_of, call.actor, path_value(call, "user_id"))
    wanted = call.request.query_params.get("search", "").lower()
    named = [group for group in found if wanted in group.group.name.lower()]
    return json([group_representation(group) for group in paged(call, named)])


@openid.get(f"{_OF_USER}/count", Permission.GROUPS_MANAGE)
async def count_groups_of_user(call: Call) -> Response:
    """How many groups the user belongs to."""
    realm_of(call)
    found = await call.services.store.read(placed_groups_of, call.actor, path_value(call, "user_id"))
    return json({"count": len(found)})


@openid.route("PUT", f"{_OF_USER}/{{group_id}}", Permission.GROUPS_MANAGE)
async def join(call: Call) -> Response:
    """Make the user belong to the group; 204, also when they do already."""
    realm_of(call)
    await call.services.store.write(_join, call.actor, path_value(call, "group_id"), path_value(call, "user_id"))
    return done()


@openid.route("DELETE", f"{_OF_USER}/{{group_id}}", Permission.GROUPS_MANAGE)
async def leave(call: Call) -> Response:
    """Make the user belong to the group no longer; 204, also when they did not."""
    realm_of(call)
    await call.services.store.write(_leave, call.actor, path_value(call, "group_id"), path_value(call, "user_id"))
    return done()


def _members(tx: Tx, actor: Actor, subject_id: str) -> list[User]:
    return members_of(tx, actor, GroupKind.GROUP, group_with(tx, actor, GroupKind.GROUP, subject_id).id)


def _join(tx: Tx, actor: Actor, subject_id: str, user_id: str) -> None:
    group = group_with(tx, actor, GroupKind.GROUP, subject_id)
    ensure_in_group(tx, actor, GroupKind.GROUP, group.id, user_id)


def _leave(tx: Tx, actor: Actor, subject_id: str, user_id: str) -> None:
    group = group_with(tx, actor, GroupKind.GROUP, subject_id)
    get_user(tx, actor, user_id)
    take_from_group(tx, actor, GroupKind.GROUP, group.id, user_id)
