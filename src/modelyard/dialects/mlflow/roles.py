"""``/roles/*``: custom roles, what they permit, and who holds them."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access import granting
from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import Permission
from modelyard.core.identity import groups as core
from modelyard.core.identity.entities import Group, Membership
from modelyard.core.identity.groups import GroupKind
from modelyard.core.identity.users import is_admin
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.mlflow.dialect import API, WORKSPACE, answer, body, mlflow, query
from modelyard.dialects.mlflow.grants import (
    level_named,
    level_of,
    pattern_of,
    resource_named,
    shown_here,
    type_of,
)
from modelyard.dialects.mlflow.principals import Username, named
from modelyard.web.call import Call

_ROLE = GroupKind.ROLE


class CreateRole(msgspec.Struct):
    """A role's name."""

    name: str
    workspace: str = WORKSPACE
    description: str | None = None


class RoleId(msgspec.Struct):
    """Which role."""

    role_id: int


class UpdateRole(RoleId):
    """What of a role changes."""

    name: str | None = None
    description: str | None = None


class ListRoles(msgspec.Struct):
    """Of which workspaces; all without."""

    workspace: list[str] = []


class AddPermission(RoleId, kw_only=True):
    """What a role permits on what."""

    resource_type: str
    resource_pattern: str
    permission: str


class RolePermissionId(msgspec.Struct):
    """Which permission of a role."""

    role_permission_id: int


class UpdatePermission(RolePermissionId):
    """Another level."""

    permission: str


class Assignment(msgspec.Struct):
    """Which role for whom."""

    username: str
    role_id: int


@mlflow.post(f"{API}/roles/create", Permission.GROUPS_MANAGE, body=CreateRole)
async def create_role(call: Call) -> Response:
    """Make a custom role."""
    return answer({"role": await call.services.store.write(_create, call.actor, await body(call, CreateRole))})


@mlflow.get(f"{API}/roles/get", Permission.GROUPS_MANAGE)
async def get_role(call: Call) -> Response:
    """One role."""
    return answer({"role": await call.services.store.read(_get, call.actor, query(call, RoleId).role_id)})


@mlflow.get(f"{API}/roles/list", Permission.GROUPS_MANAGE)
async def list_roles(call: Call) -> Response:
    """All roles, or those of some workspaces."""
    return answer({"roles": await call.services.store.read(_list, call.actor, query(call, ListRoles).workspace)})


@mlflow.route("PATCH", f"{API}/roles/update", Permission.GROUPS_MANAGE, body=UpdateRole)
async def update_role(call: Call) -> Response:
    """Rename or describe a role."""
    return answer({"role": await call.services.store.write(_update, call.actor, await body(call, UpdateRole))})


@mlflow.route("DELETE", f"{API}/roles/delete", Permission.GROUPS_MANAGE, body=RoleId)
async def delete_role(call: Call) -> Response:
    """Remove a role, and what it permitted."""
    asked = await body(call, RoleId)
    await call.services.store.write(core.delete_group, call.actor, _ROLE, asked.role_id)
    return answer()


@mlflow.post(f"{API}/roles/permissions/add", Permission.GROUPS_MANAGE, body=AddPermission)
async def add_role_permission(call: Call) -> Response:
    """Let a role permit something."""
    asked = await body(call, AddPermission)
    return answer({"role_permission": await call.services.store.write(_add_permission, call.actor, asked)})


@mlflow.route("PATCH", f"{API}/roles/permissions/update", Permission.GROUPS_MANAGE, body=UpdatePermission)
async def update_role_permission(call: Call) -> Response:
    """Let a role permit more or less on something."""
    asked = await body(call, UpdatePermission)
    return answer({"role_permission": await call.services.store.write(_update_permission, call.actor, asked)})


@mlflow.route("DELETE", f"{API}/roles/permissions/remove", Permission.GROUPS_MANAGE, body=RolePermissionId)
async def remove_role_permission(call: Call) -> Response:
    """Let a role permit something no longer."""
    asked = await body(call, RolePermissionId)
    await call.services.store.write(_remove_permission, call.actor, asked.role_permission_id)
    return answer()


@mlflow.get(f"{API}/roles/permissions/list", Permission.GROUPS_MANAGE)
async def list_role_permissions(call: Call) -> Response:
    """What a role permits."""
    found = await call.services.store.read(_get, call.actor, query(call, RoleId).role_id)
    return answer({"role_permissions": found["permissions"]})


@mlflow.post(f"{API}/roles/assign", Permission.GROUPS_MANAGE, body=Assignment)
async def assign_role(call: Call) -> Response:
    """Give a user a role."""
    return answer({"assignment": await call.services.store.write(_assign, call.actor, await body(call, Assignment))})


@mlflow.route("DELETE", f"{API}/roles/unassign", Permission.GROUPS_MANAGE, body=Assignment)
async def unassign_role(call: Call) -> Response:
    """Take a role from a user."""
    await call.services.store.write(_unassign, call.actor, await body(call, Assignment))
    return answer()


@mlflow.get(f"{API}/users/roles/list", Permission.SIGNED_IN)
async def list_user_roles(call: Call) -> Response:
    """The roles of a user: one's own, or for administrators anybody's."""
    return answer({"roles": await call.services.store.read(_of_user, call.actor, query(call, Username).username)})


@mlflow.get(f"{API}/roles/users/list", Permission.GROUPS_MANAGE)
async def list_role_users(call: Call) -> Response:
    """Who holds a role."""
    return answer({"assignments": await call.services.store.read(_users, call.actor, query(call, RoleId).role_id)})


def role_json(tx: Tx, role: Group) -> dict[str, Any]:
    """A role as MLflow writes it."""
    return {
        "id": role.id,
        "name": role.name,
        "workspace": role.workspace or WORKSPACE,
        "description": role.description or None,
        "permissions": [_permission_json(role.id, grant) for grant in _grants(tx, role) if shown_here(grant)],
    }


def _create(tx: Tx, actor: Actor, asked: CreateRole) -> dict[str, Any]:
    made = core.create_group(
        tx, actor, _ROLE, asked.name, workspace=_workspace(asked.workspace), description=asked.description or ""
    )
    return role_json(tx, made)


def _get(tx: Tx, actor: Actor, role_id: int) -> dict[str, Any]:
    return role_json(tx, core.get_group(tx, actor, _ROLE, role_id))


def _list(tx: Tx, actor: Actor, workspaces: list[str]) -> list[dict[str, Any]]:
    wanted = {"workspace": [_workspace(name) for name in workspaces]} if workspaces else {}
    return [role_json(tx, role) for role in core.find_groups(tx, actor, _ROLE, **wanted)]


def _update(tx: Tx, actor: Actor, asked: UpdateRole) -> dict[str, Any]:
    changed = core.change_group(tx, actor, _ROLE, asked.role_id, name=asked.name, description=asked.description)
    return role_json(tx, changed)


def _add_permission(tx: Tx, actor: Actor, asked: AddPermission) -> dict[str, Any]:
    role = core.get_group(tx, actor, _ROLE, asked.role_id)
    resource = resource_named(tx, asked.resource_type, asked.resource_pattern)
    made = granting.grant(tx, actor, role.subject_id, resource, level_named(asked.permission))
    return _permission_json(role.id, made)


def _update_permission(tx: Tx, actor: Actor, asked: UpdatePermission) -> dict[str, Any]:
    role, held = _permission(tx, actor, asked.role_permission_id)
    changed = granting.change_held(tx, actor, held, level_named(asked.permission))
    return _permission_json(role.id, changed)


def _remove_permission(tx: Tx, actor: Actor, permission_id: int) -> None:
    _, held = _permission(tx, actor, permission_id)
    granting.take_held(tx, actor, held)


def _permission(tx: Tx, actor: Actor, permission_id: int) -> tuple[Group, Grant]:
    require_platform(actor, Permission.GROUPS_MANAGE)
    held = tx.get(Grant, permission_id)
    role = tx.first(Group, kind=str(_ROLE), subject_id=held.subject_id) if held else None
    if held is None or role is None:
        raise not_found("Role permission with id", permission_id)
    return role, held


def _assign(tx: Tx, actor: Actor, asked: Assignment) -> dict[str, Any]:
    require_platform(actor, Permission.GROUPS_MANAGE)
    return _assignment_json(core.add_to_group(tx, actor, _ROLE, asked.role_id, named(tx, asked.username).id))


def _unassign(tx: Tx, actor: Actor, asked: Assignment) -> None:
    require_platform(actor, Permission.GROUPS_MANAGE)
    if not core.take_from_group(tx, actor, _ROLE, asked.role_id, named(tx, asked.username).id):
        raise not_found("Role assignment of", f"{asked.username} to role {asked.role_id}")


def _of_user(tx: Tx, actor: Actor, username: str) -> list[dict[str, Any]]:
    require_platform(actor, Permission.SIGNED_IN)
    if username.strip().lower() not in {actor.username, actor.email} and not is_admin(actor):
        require_platform(actor, Permission.USERS_MANAGE)
    return [role_json(tx, role) for role in core.groups_of(tx, _ROLE, named(tx, username).id)]


def _users(tx: Tx, actor: Actor, role_id: int) -> list[dict[str, Any]]:
    core.get_group(tx, actor, _ROLE, role_id)
    return [_assignment_json(membership) for membership in tx.find(Membership, group_id=role_id)]


def _assignment_json(membership: Membership) -> dict[str, Any]:
    return {"id": membership.id, "user_id": membership.user_id, "role_id": membership.group_id}


def _permission_json(role_id: int, grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "role_id": role_id,
        "resource_type": type_of(grant),
        "resource_pattern": pattern_of(grant),
        "permission": level_of(grant),
    }


def _grants(tx: Tx, role: Group) -> list[Grant]:
    return tx.find(Grant, subject_id=role.subject_id)


def _workspace(name: str) -> str:
    return "" if name == WORKSPACE else name
