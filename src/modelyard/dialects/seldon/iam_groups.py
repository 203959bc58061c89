"""PermissionManagementService: groups and who belongs to them. A group below another one is called by its path."""

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import Group, Membership, User
from modelyard.core.identity.group_tree import find_group, group_paths, group_paths_of
from modelyard.core.identity.groups import (
    GroupKind,
    create_group,
    delete_group,
    ensure_in_group,
    find_groups,
    members_of,
    take_from_group,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.dialect import BASE, json, seldon
from modelyard.dialects.seldon.iam_users import USER, user_called, user_json
from modelyard.web.call import Call

_GROUPS = f"{BASE}/iam/groups"
_GROUP = GroupKind.GROUP


class CreateGroupRequest(msgspec.Struct):
    """The group to make."""

    name: str


@seldon.get(_GROUPS, Permission.GROUPS_MANAGE)
async def get_groups(call: Call) -> Response:
    """All groups."""
    names = await call.services.store.read(_all, call.actor)
    return json({"groups": [{"name": name} for name in names]})


@seldon.post(_GROUPS, Permission.GROUPS_MANAGE)
async def add_group(call: Call) -> Response:
    """Make a group."""
    require_platform(call.actor, Permission.GROUPS_MANAGE)
    name = (await call.json(CreateGroupRequest)).name
    if "/" in name:
        raise invalid(f"group name {name[:60]!r} is not allowed: a slash stands between a group and one below it")
    await call.services.store.write(create_group, call.actor, _GROUP, name)
    return json({})


@seldon.route("DELETE", f"{_GROUPS}/{{name}}", Permission.GROUPS_MANAGE)
async def remove_group(call: Call) -> Response:
    """Remove a group with those below it and what was granted to them."""
    await call.services.store.write(_delete, call.actor, call.request.path_params["name"])
    return json({})


@seldon.get(f"{_GROUPS}/{{groupName}}/members", Permission.GROUPS_MANAGE)
async def get_group_members(call: Call) -> Response:
    """The users who belong to the group itself."""
    found = await call.services.store.read(_members, call.actor, call.request.path_params["groupName"])
    return json({"members": [user_json(user) for user in found]})


@seldon.get(f"{USER}/groups", Permission.GROUPS_MANAGE)
async def get_user_groups(call: Call) -> Response:
    """The groups that the user belongs to themselves."""
    names = await call.services.store.read(_groups_of, call.actor, call.request.path_params["username"])
    return json({"groups": [{"name": name} for name in names]})


@seldon.route("PUT", f"{USER}/groups/{{group}}", Permission.GROUPS_MANAGE)
async def add_user_to_group(call: Call) -> Response:
    """Make a user belong to a group; nothing happens when they do already."""
    await call.services.store.write(_join, call.actor, *_membership(call))
    return json({})


@seldon.route("DELETE", f"{USER}/groups/{{group}}", Permission.GROUPS_MANAGE)
async def delete_user_from_group(call: Call) -> Response:
    """Make a user belong to a group no longer."""
    await call.services.store.write(_leave, call.actor, *_membership(call))
    return json({})


def _membership(call: Call) -> tuple[str, str]:
    return call.request.path_params["username"], call.request.path_params["group"]


def _all(tx: Tx, actor: Actor) -> list[str]:
    return group_paths(tx, find_groups(tx, actor, _GROUP))


def _delete(tx: Tx, actor: Actor, name: str) -> None:
    delete_group(tx, actor, _GROUP, _known(tx, actor, name).id)


def _members(tx: Tx, actor: Actor, name: str) -> list[User]:
    return members_of(tx, actor, _GROUP, _known(tx, actor, name).id)


def _groups_of(tx: Tx, actor: Actor, username: str) -> list[str]:
    require_platform(actor, Permission.GROUPS_MANAGE)
    return group_paths_of(tx, user_called(tx, username).id)


def _join(tx: Tx, actor: Actor, username: str, name: str) -> None:
    group = _known(tx, actor, name)
    ensure_in_group(tx, actor, _GROUP, group.id, user_called(tx, username).id)


def _leave(tx: Tx, actor: Actor, username: str, name: str) -> None:
    group = _known(tx, actor, name)
    user = user_called(tx, username)
    held = tx.first(Membership, user_id=user.id, group_id=group.id)
    if held is not None and held.issuer is not None:
        raise invalid(f"that {username} belongs to {name} is managed by the external issuer {held.issuer}")
    if not take_from_group(tx, actor, _GROUP, group.id, user.id):
        raise not_found("user", f"{username[:80]} in group {name[:80]}")


def _known(tx: Tx, actor: Actor, name: str) -> Group:
    require_platform(actor, Permission.GROUPS_MANAGE)
    return find_group(tx, name)
