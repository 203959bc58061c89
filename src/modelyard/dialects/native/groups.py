"""Groups of users, for administrators. A group is named by its number or, where only one has it, its name."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity import groups as core
from modelyard.core.identity.entities import Group, Membership
from modelyard.core.identity.groups import GroupKind
from modelyard.core.identity.subjects import group_named, user_with
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_GROUPS = "/api/v1/groups"
_ONE = f"{_GROUPS}/{{group}}"
_MEMBER = f"{_ONE}/members/{{user}}"
_KIND = GroupKind.GROUP


class GroupBody(msgspec.Struct):
    """The group to make; ``parent`` is the group it stands below, by number or name."""

    name: str
    parent: str | None = None
    description: str = ""


@native.post(_GROUPS, Permission.GROUPS_MANAGE, body=GroupBody, success=201)
async def create(call: Call) -> Response:
    """Make a group; 201."""
    made = await call.services.store.write(_create, call.actor, await call.json(GroupBody))
    return json(made, 201, {"location": f"{_GROUPS}/{made['id']}"})


@native.get(_GROUPS, Permission.GROUPS_MANAGE)
async def list_all(call: Call) -> Response:
    """All groups, without their members."""
    found = await call.services.store.read(core.find_groups, call.actor, _KIND)
    return json({"groups": [_shown(group) for group in found]})


@native.get(_ONE, Permission.GROUPS_MANAGE)
async def show(call: Call) -> Response:
    """One group with the usernames of its members, without those of groups below it."""
    return json(await call.services.store.read(_get, call.actor, call.request.path_params["group"]))


@native.route("DELETE", _ONE, Permission.GROUPS_MANAGE)
async def delete(call: Call) -> Response:
    """Remove a group with the groups below it and what was granted to them; 204."""
    await call.services.store.write(_delete, call.actor, call.request.path_params["group"])
    return Response(status_code=204)


@native.route("PUT", _MEMBER, Permission.GROUPS_MANAGE)
async def put_member(call: Call) -> Response:
    """Make a user, by username, e-mail address or id, belong to the group; 204, also when they did."""
    await call.services.store.write(_add, call.actor, **call.request.path_params)
    return Response(status_code=204)


@native.route("DELETE", _MEMBER, Permission.GROUPS_MANAGE)
async def delete_member(call: Call) -> Response:
    """Make a user belong to the group no longer; 204."""
    await call.services.store.write(_remove, call.actor, **call.request.path_params)
    return Response(status_code=204)


def _create(tx: Tx, actor: Actor, asked: GroupBody) -> dict[str, Any]:
    require_platform(actor, Permission.GROUPS_MANAGE)
    parent = group_named(tx, _KIND, asked.parent).id if asked.parent else None
    made = core.create_group(tx, actor, _KIND, asked.name, parent_id=parent, description=asked.description)
    return _shown(made)


def _get(tx: Tx, actor: Actor, group: str) -> dict[str, Any]:
    found = _named(tx, actor, group)
    return _shown(found) | {"members": [user.username for user in core.members_of(tx, actor, _KIND, found.id)]}


def _delete(tx: Tx, actor: Actor, group: str) -> None:
    core.delete_group(tx, actor, _KIND, _named(tx, actor, group).id)


def _add(tx: Tx, actor: Actor, group: str, user: str) -> None:
    found, member = _named(tx, actor, group), user_with(tx, user)
    if tx.first(Membership, user_id=member.id, group_id=found.id) is None:
        core.add_to_group(tx, actor, _KIND, found.id, member.id)


def _remove(tx: Tx, actor: Actor, group: str, user: str) -> None:
    found, member = _named(tx, actor, group), user_with(tx, user)
    if not core.take_from_group(tx, actor, _KIND, found.id, member.id):
        raise not_found(f"member of group {found.name}", user[:80])


def _named(tx: Tx, actor: Actor, group: str) -> Group:
    require_platform(actor, Permission.GROUPS_MANAGE)
    return group_named(tx, _KIND, group)


def _shown(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "parent": group.parent_id,
        "description": group.description,
        "created_at": timestamp(group.created_at),
    }
