"""The groups part of Keycloak's admin REST API. A group's ``id`` is what grants call it."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import Group
from modelyard.core.identity.group_tree import (
    Placed,
    Wanted,
    count_groups,
    group_at,
    groups_below,
    placed_group,
    top_groups,
)
from modelyard.core.identity.groups import GroupKind, change_group, create_group, delete_group, group_with
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin_query import created, done, flag, paged, path_value, refuse_attributes
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_REALM = "/auth/admin/realms/{realm}"
_GROUPS = f"{_REALM}/groups"
_GROUP = f"{_GROUPS}/{{group_id}}"


class GroupBody(msgspec.Struct):
    """Keycloak's GroupRepresentation, as far as it is taken; ``id`` only to tell that groups are not moved."""

    name: str | None = None
    description: str | None = None
    id: str | None = None


@openid.get(_GROUPS, Permission.GROUPS_MANAGE)
async def list_groups(call: Call) -> Response:
    """The groups at the top; with ``search`` those that match or lead to a match, with the ways to it."""
    realm_of(call)
    found = await call.services.store.read(top_groups, call.actor, _wanted(call))
    return json([group_representation(group) for group in paged(call, found)])


@openid.get(f"{_GROUPS}/count", Permission.GROUPS_MANAGE)
async def count(call: Call) -> Response:
    """How many groups there are, at the top with ``top``."""
    realm_of(call)
    number = await call.services.store.read(count_groups, call.actor, _wanted(call), top=flag(call, "top"))
    return json({"count": number})


@openid.post(_GROUPS, Permission.GROUPS_MANAGE)
async def create_top_group(call: Call) -> Response:
    """Make a group at the top; 201."""
    return await _created(call, None)


@openid.get(_GROUP, Permission.GROUPS_MANAGE)
async def show_group(call: Call) -> Response:
    """One group."""
    realm_of(call)
    return json(group_representation(await call.services.store.read(placed_group, call.actor, _id(call))))


@openid.get(f"{_REALM}/group-by-path/{{path:path}}", Permission.GROUPS_MANAGE)
async def show_group_at(call: Call) -> Response:
    """The group at a path like ``/science/vision``."""
    realm_of(call)
    found = await call.services.store.read(group_at, call.actor, path_value(call, "path"))
    return json(group_representation(found))


@openid.route("PUT", _GROUP, Permission.GROUPS_MANAGE)
async def update_group(call: Call) -> Response:
    """Rename or describe a group; 204."""
    realm_of(call)
    await call.services.store.write(_update, call.actor, _id(call), await call.json(GroupBody))
    return done()


@openid.route("DELETE", _GROUP, Permission.GROUPS_MANAGE)
async def remove_group(call: Call) -> Response:
    """Remove a group with all below it; 204."""
    realm_of(call)
    await call.services.store.write(_delete, call.actor, _id(call))
    return done()


@openid.get(f"{_GROUP}/children", Permission.GROUPS_MANAGE)
async def list_children(call: Call) -> Response:
    """The groups right below."""
    realm_of(call)
    found = await call.services.store.read(groups_below, call.actor, _id(call), _wanted(call))
    return json([group_representation(group) for group in paged(call, found)])


@openid.post(f"{_GROUP}/children", Permission.GROUPS_MANAGE)
async def create_child(call: Call) -> Response:
    """Make a group below another one; 201."""
    return await _created(call, _id(call))


def group_representation(placed: Placed) -> dict[str, Any]:
    """Keycloak's GroupRepresentation. Groups hold no roles: what they may do is said by grants that name them."""
    return {
        "id": placed.group.subject_id,
        "name": placed.group.name,
        "description": placed.group.description,
        "path": placed.path,
        **({"parentId": placed.parent} if placed.parent else {}),
        "subGroupCount": placed.children,
        "subGroups": [group_representation(group) for group in placed.below],
        "attributes": {},
        "realmRoles": [],
        "clientRoles": {},
        "access": {"view": True, "manage": True, "viewMembers": True, "manageMembers": True, "manageMembership": True},
    }


async def _created(call: Call, parent: str | None) -> Response:
    realm = realm_of(call)
    made = await call.services.store.write(_create, call.actor, parent, await call.json(GroupBody))
    return created(f"/auth/admin/realms/{realm}/groups/{made.subject_id}")


def _create(tx: Tx, actor: Actor, parent: str | None, body: GroupBody) -> Group:
    above = group_with(tx, actor, GroupKind.GROUP, parent).id if parent is not None else None
    if body.id is not None and tx.first(Group, subject_id=body.id) is not None:
        raise failed_precondition("groups are not moved; make a new one there, or leave the id out")
    name, description = body.name or "", body.description or ""
    return create_group(tx, actor, GroupKind.GROUP, name, parent_id=above, description=description)


def _update(tx: Tx, actor: Actor, subject_id: str, body: GroupBody) -> None:
    group = group_with(tx, actor, GroupKind.GROUP, subject_id)
    change_group(tx, actor, GroupKind.GROUP, group.id, name=body.name, description=body.description)


def _delete(tx: Tx, actor: Actor, subject_id: str) -> None:
    delete_group(tx, actor, GroupKind.GROUP, group_with(tx, actor, GroupKind.GROUP, subject_id).id)


def _wanted(call: Call) -> Wanted | None:
    """What ``search`` and ``exact`` ask for; None when nothing."""
    refuse_attributes(call)
    text, exact = call.request.query_params.get("search", "").lower(), flag(call, "exact")
    if not text:
        return None
    return lambda group: group.name.lower() == text if exact else text in group.name.lower()


def _id(call: Call) -> str:
    return path_value(call, "group_id")
