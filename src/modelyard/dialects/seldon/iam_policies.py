"""PermissionManagementService: policies, on the one table of grants."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.granting import Resource, find_grant, list_grants, revoke, set_grant
from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.identity.users import Profile, change_user, platform_roles
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.names import number_in
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.dialect import BASE, json, seldon
from modelyard.dialects.seldon.held_rights import rights_of_caller
from modelyard.dialects.seldon.policy_names import (
    ACTIONS,
    IAM,
    actions_of,
    checked_action,
    group_subject,
    iam_refusal,
    managed_resource,
    resource_name,
    subjects_called,
    user_subject,
)
from modelyard.web.call import Call

_POLICY = f"{BASE}/iam/policy"
_BELOW = {"read": None, "write": Role.READ, "grant": Role.EDIT}
"""What is left of a grant when an action is taken from it, and with it those that hold it."""

Pair = tuple[str, str]
"""(action, resource)."""


class ResourceActionPair(msgspec.Struct):
    """One right."""

    action: str
    resource: str


class UserPolicy(msgspec.Struct):
    """A user's right; ``*`` is everyone."""

    user: str
    permission: ResourceActionPair


class GroupPolicy(msgspec.Struct):
    """A group's right."""

    group: str
    permission: ResourceActionPair


class Policy(msgspec.Struct, rename="camel"):
    """Rights of users and of groups."""

    user_grants: list[UserPolicy] = []
    group_grants: list[GroupPolicy] = []


@seldon.post(_POLICY, Permission.SIGNED_IN)
async def create_policy(call: Call) -> Response:
    """Give all these rights, or none of them when one cannot be given; those that are held already stay."""
    require_platform(call.actor, Permission.SIGNED_IN)
    await call.services.store.write(_create, call.actor, await call.json(Policy))
    return json({})


@seldon.route("DELETE", _POLICY, Permission.SIGNED_IN)
async def delete_policy(call: Call) -> Response:
    """Take one right from the given users and groups, and with it those that include it."""
    require_platform(call.actor, Permission.SIGNED_IN)
    users, groups = _listed(call, "users"), _listed(call, "groups")
    if not users and not groups:
        raise invalid("say from whom: ?users= or ?groups=, each as often as needed")
    await call.services.store.write(_delete, call.actor, users, groups, _pair(call))
    return json({})


@seldon.get(f"{_POLICY}/permissions", Permission.SIGNED_IN)
async def get_permissions(call: Call) -> Response:
    """What was granted to the given users and groups, for administrators; else what the caller may do in effect."""
    users, groups = _listed(call, "users"), _listed(call, "groups")
    own = call.request.query_params.get("callerPermissions", "").lower() == "true" or not (users or groups)
    pairs = await call.services.store.read(_permissions, call.actor, users, groups, own)
    return json({"permissions": [{"action": action, "resource": resource} for action, resource in pairs]})


@seldon.get(f"{_POLICY}/targets", Permission.SIGNED_IN)
async def get_policy_targets(call: Call) -> Response:
    """Who was granted the right on the resource itself, for those who may give it."""
    users, groups = await call.services.store.read(_targets, call.actor, _pair(call))
    return json({"users": users, "groups": groups})


def _create(tx: Tx, actor: Actor, policy: Policy) -> None:
    for user in policy.user_grants:
        _give(tx, actor, (user.permission.action, user.permission.resource), user=user.user)
    for group in policy.group_grants:
        _give(tx, actor, (group.permission.action, group.permission.resource), group=group.group)


def _give(tx: Tx, actor: Actor, pair: Pair, *, user: str | None = None, group: str | None = None) -> None:
    action, name = checked_action(pair[0]), pair[1]
    if name == IAM:
        _set_admin(tx, actor, action, user, admin=True)
        return
    resource = managed_resource(tx, actor, name)
    subject = _subject(tx, user, group)
    held = find_grant(tx, subject, resource)
    if held is None or action not in actions_of(held.role, resource.kind):
        set_grant(tx, actor, subject, resource, ACTIONS[action])


def _delete(tx: Tx, actor: Actor, users: list[str], groups: list[str], pair: Pair) -> None:
    action, name = checked_action(pair[0]), pair[1]
    for user in users:
        _take(tx, actor, action, name, user=user)
    for group in groups:
        _take(tx, actor, action, name, group=group)


def _take(tx: Tx, actor: Actor, action: str, name: str, *, user: str | None = None, group: str | None = None) -> None:
    if name == IAM:
        _set_admin(tx, actor, action, user, admin=False)
        return
    resource = managed_resource(tx, actor, name)
    subject = _subject(tx, user, group)
    held, left = find_grant(tx, subject, resource), _BELOW[action]
    if held is None or action not in actions_of(held.role, resource.kind):
        raise not_found("policy", f"{action} {name[:80]} for {(user or group or '')[:80]}")
    if left is None:
        revoke(tx, actor, subject, resource)
    else:
        set_grant(tx, actor, subject, resource, left)


def _set_admin(tx: Tx, actor: Actor, action: str, user: str | None, *, admin: bool) -> None:
    """Whether a user administers the platform; reading alone, and groups, cannot be told apart there."""
    require_platform(actor, Permission.USERS_MANAGE)
    if user is None:
        raise iam_refusal("it is given to users, not to groups")
    subject = user_subject(tx, user)
    if subject == EVERYONE:
        raise iam_refusal("not everyone can have it")
    if action == "read":
        raise iam_refusal("there is no right to read it alone; use write or grant, which are the same here")
    if not admin and Role.ADMIN not in platform_roles(tx, subject):
        raise not_found("policy", f"{action} {IAM} for {user[:80]}")
    change_user(tx, actor, subject, Profile(admin=admin))


def _permissions(tx: Tx, actor: Actor, users: list[str], groups: list[str], own: bool) -> list[Pair]:
    require_platform(actor, Permission.SIGNED_IN)
    found = set(rights_of_caller(tx, actor)) if own else set()
    if users or groups:
        require_platform(actor, Permission.ACCESS_EXPLAIN)
        ids = [*(user_subject(tx, name) for name in users), *(group_subject(tx, name) for name in groups)]
        found |= set(_granted(tx, tx.find(Grant, subject_id=ids)))
    return sorted(found, key=lambda pair: (pair[1], list(ACTIONS).index(pair[0])))


def _granted(tx: Tx, grants: list[Grant]) -> list[Pair]:
    around = [grant.resource_id for grant in grants if grant.resource_type == ResourceType.WORKSPACE]
    numbers = {number for number in map(number_in, around) if number is not None}
    slugs = {str(workspace.id): workspace.slug for workspace in tx.find(Workspace, id=numbers)}
    pairs = []
    for grant in grants:
        name = resource_name(grant.resource_type, grant.resource_id, slugs)
        if name is not None:
            pairs += [(action, name) for action in actions_of(grant.role, ResourceType(grant.resource_type))]
    return pairs


def _targets(tx: Tx, actor: Actor, pair: Pair) -> tuple[list[str], list[str]]:
    require_platform(actor, Permission.SIGNED_IN)
    action, name = checked_action(pair[0]), pair[1]
    grants = _admins(tx, actor) if name == IAM else _on(tx, actor, managed_resource(tx, actor, name))
    held = {g.subject_id for g in grants if action in actions_of(g.role, ResourceType(g.resource_type))}
    return subjects_called(tx, held)


def _admins(tx: Tx, actor: Actor) -> list[Grant]:
    require_platform(actor, Permission.USERS_MANAGE)
    return tx.find(Grant, resource_type=ResourceType.PLATFORM)


def _on(tx: Tx, actor: Actor, resource: Resource) -> list[Grant]:
    return list_grants(tx, actor, resource)


def _subject(tx: Tx, user: str | None, group: str | None) -> str:
    return user_subject(tx, user) if user is not None else group_subject(tx, group or "")


def _pair(call: Call) -> Pair:
    asked: Any = call.request.query_params
    missing = [name for name in ("action", "resource") if not asked.get(name)]
    if missing:
        raise invalid(f"the parameter {missing[0]} is missing")
    return asked["action"], asked["resource"]


def _listed(call: Call, name: str) -> list[str]:
    return [value for value in call.request.query_params.getlist(name) if value]
