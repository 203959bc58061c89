"""Giving and taking rights: the use-cases behind every dialect's permissions."""

from dataclasses import dataclass, replace

from modelyard.core.access.check import Decision, ask, decide, grants_on, holds, require, require_platform
from modelyard.core.access.grants import Grant, ResourceType, new_grant
from modelyard.core.access.permissions import DENIALS, LEVELS, WORKSPACE_ROLES, Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Topic, Tx

MANAGED_BY = {
    ResourceType.WORKSPACE: Permission.WORKSPACE_MANAGE,
    ResourceType.EXPERIMENT: Permission.EXPERIMENT_MANAGE,
    ResourceType.MODEL: Permission.MODEL_MANAGE,
    ResourceType.PIPELINE: Permission.WORKSPACE_MANAGE,
    ResourceType.PROJECT: Permission.MODEL_MANAGE,
}
"""The permission that lets one give rights on a kind of thing."""

LEVEL_PERMISSIONS = {
    ResourceType.WORKSPACE: {
        Role.READ: Permission.WORKSPACE_READ,
        Role.USE: Permission.PIPELINE_INFER,
        Role.EDIT: Permission.MODEL_EDIT,
        Role.MANAGE: Permission.WORKSPACE_MANAGE,
    },
    ResourceType.EXPERIMENT: {
        Role.READ: Permission.EXPERIMENT_READ,
        Role.USE: Permission.MODEL_USE,
        Role.EDIT: Permission.EXPERIMENT_EDIT,
        Role.MANAGE: Permission.EXPERIMENT_MANAGE,
    },
    ResourceType.MODEL: {
        Role.READ: Permission.MODEL_READ,
        Role.USE: Permission.MODEL_USE,
        Role.EDIT: Permission.MODEL_EDIT,
        Role.MANAGE: Permission.MODEL_MANAGE,
    },
    ResourceType.PIPELINE: {
        Role.READ: Permission.PIPELINE_READ,
        Role.USE: Permission.PIPELINE_INFER,
        Role.EDIT: Permission.PIPELINE_EDIT,
        Role.MANAGE: Permission.WORKSPACE_MANAGE,
    },
    ResourceType.PROJECT: {
        Role.READ: Permission.MODEL_READ,
        Role.USE: Permission.MODEL_USE,
        Role.EDIT: Permission.MODEL_EDIT,
        Role.MANAGE: Permission.MODEL_MANAGE,
    },
}
"""The permission on a kind of thing that a level adds to the one before it: who holds it has at least this level."""

GRANTABLE = {kind: (*LEVELS, *sorted(DENIALS)) for kind in LEVEL_PERMISSIONS} | {
    ResourceType.WORKSPACE: (*sorted(WORKSPACE_ROLES), *LEVELS, *sorted(DENIALS))
}
"""The roles that can be given on a kind of thing."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What rights are given on: its kind and resource id, and the workspace it stands in (0: in none).

    It need not exist; ``resource_id`` may be a pattern.
    """

    kind: ResourceType
    resource_id: str
    workspace_id: int = 0

    @property
    def is_pattern(self) -> bool:
        """Whether this names many things."""
        return self.resource_id.endswith("*")


def require_manager(tx: Tx, actor: Actor, resource: Resource) -> None:
    """The actor may give and take rights on the resource; on many at once only administrators may."""
    permission = MANAGED_BY[resource.kind]
    if resource.is_pattern:
        ask(actor, permission)
        require_platform(actor, Permission.USERS_MANAGE)
        return
    shown = resource.resource_id[:80]
    own = (resource.kind, resource.resource_id)
    require(tx, actor, permission, resource.workspace_id, _shown(resource.kind), shown, own)


def grant(tx: Tx, actor: Actor, subject_id: str, resource: Resource, role: Role) -> Grant:
    """Give a subject a role on a resource; ``CONFLICT`` when it has one there."""
    require_manager(tx, actor, resource)
    if find_grant(tx, subject_id, resource) is not None:
        raise conflict(f"there is a grant on {resource.kind} {resource.resource_id[:80]} for this subject already")
    tx.touch(Topic.ACCESS)
    made = tx.insert(new_grant(subject_id, resource.kind, resource.resource_id, role, tx.now))
    record(tx, actor, Action.GRANT_GIVE, resource.kind, resource.resource_id, subject_id=subject_id, role=str(role))
    return made


def set_grant(tx: Tx, actor: Actor, subject_id: str, resource: Resource, role: Role) -> Grant:
    """Give a subject a role on a resource, in place of the one it has there."""
    require_manager(tx, actor, resource)
    if role not in GRANTABLE[resource.kind]:
        allowed = ", ".join(GRANTABLE[resource.kind])
        raise invalid(f"{role} cannot be given on this kind of thing ({_shown(resource.kind)}); use one of {allowed}")
    found = find_grant(tx, subject_id, resource)
    if found is None:
        return grant(tx, actor, subject_id, resource, role)
    if resource.kind is ResourceType.WORKSPACE and role is not Role.OWNER:
        keep_an_owner(tx, resource.resource_id, subject_id)
    return change_grant(tx, actor, subject_id, resource, role)


def change_grant(tx: Tx, actor: Actor, subject_id: str, resource: Resource, role: Role) -> Grant:
    """Give a subject another role on a resource where it has one."""
    require_manager(tx, actor, resource)
    return _changed(tx, actor, _existing(tx, subject_id, resource), role)


def change_held(tx: Tx, actor: Actor, held: Grant, role: Role) -> Grant:
    """Give another role to the custom role or group that holds the grant: for who manages those, whatever it is on."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    if held.resource_type == ResourceType.WORKSPACE and role is not Role.OWNER:
        keep_an_owner(tx, held.resource_id, held.subject_id)
    return _changed(tx, actor, held, role)


def take_held(tx: Tx, actor: Actor, held: Grant) -> None:
    """Take a grant from the custom role or group that holds it: for who manages those, whatever it is on."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    _taken(tx, actor, held)


def revoke(tx: Tx, actor: Actor, subject_id: str, resource: Resource) -> None:
    """Take away what a subject has on a resource."""
    require_manager(tx, actor, resource)
    _taken(tx, actor, _existing(tx, subject_id, resource))


def find_grant(tx: Tx, subject_id: str, resource: Resource) -> Grant | None:
    """What a subject has on a resource itself, without asking who wants to know; None without one."""
    kind, key = str(resource.kind), resource.resource_id
    return tx.first(Grant, subject_id=subject_id, resource_type=kind, resource_id=key)


def list_grants(tx: Tx, actor: Actor, resource: Resource) -> list[Grant]:
    """The grants on a resource itself, not those of patterns that cover it."""
    require_manager(tx, actor, resource)
    return tx.find(Grant, resource_type=str(resource.kind), resource_id=resource.resource_id)


def keep_an_owner(tx: Tx, workspace_id: str, subject_id: str) -> None:
    """``FAILED_PRECONDITION`` when the workspace would be left without an owner."""
    kind, owner = str(ResourceType.WORKSPACE), str(Role.OWNER)
    owners = tx.values(Grant, ("subject_id",), resource_type=kind, resource_id=workspace_id, role=owner)
    if owners == [(subject_id,)]:
        raise failed_precondition("this is the workspace's last owner; make another one first")


def sweep_grants(tx: Tx, kind: ResourceType, resource_id: str) -> None:
    """Remove the grants on a thing that is gone: nobody inherits them through its name."""
    if tx.delete(Grant, resource_type=str(kind), resource_id=resource_id):
        tx.touch(Topic.ACCESS)


def explain(tx: Tx, who: Actor, permission: Permission, resource: Resource) -> Decision:
    """Whether ``who`` holds the permission on the resource, and which rule and grant decide it.

    Asks for no permission of its own: whoever calls decides who may know.
    """
    if holds(who, permission):
        return Decision(True, f"a role on the platform: {', '.join(sorted(who.platform_roles))}")
    if resource.kind is ResourceType.PLATFORM:
        return Decision(False, "no role on the platform gives it")
    itself = (resource.kind, resource.resource_id)
    found = grants_on(tx, who, resource.workspace_id, itself)
    return decide(found, permission, None if resource.kind is ResourceType.WORKSPACE else itself)


def _shown(kind: ResourceType) -> str:
    return kind.replace("_", " ")


def _changed(tx: Tx, actor: Actor, held: Grant, role: Role) -> Grant:
    tx.touch(Topic.ACCESS)
    changed = tx.update(Grant, held.id, lambda g: replace(g, role=str(role)))
    details = {"subject_id": held.subject_id, "role": str(role), "before": held.role}
    record(tx, actor, Action.GRANT_GIVE, held.resource_type, held.resource_id, Outcome.OK, **details)
    return changed


def _taken(tx: Tx, actor: Actor, held: Grant) -> None:
    if held.resource_type == ResourceType.WORKSPACE:
        keep_an_owner(tx, held.resource_id, held.subject_id)
    tx.delete(Grant, id=held.id)
    tx.touch(Topic.ACCESS)
    told = {"subject_id": held.subject_id, "role": held.role}
    record(tx, actor, Action.GRANT_TAKE, held.resource_type, held.resource_id, Outcome.OK, **told)


def _existing(tx: Tx, subject_id: str, resource: Resource) -> Grant:
    found = find_grant(tx, subject_id, resource)
    if found is None:
        raise not_found(f"grant on {resource.kind}", f"{resource.resource_id[:80]} for this subject")
    return found
