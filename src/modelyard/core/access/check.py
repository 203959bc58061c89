"""The one check. The first line of every use-case is ``require(…)`` or, for a list, ``visible(…)``."""

from typing import Any

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import ROLE_PERMISSIONS, Permission, Role, roles_with
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.kernel.store import Granted, Tx


def require_platform(actor: Actor, permission: Permission) -> None:
    """The actor holds the permission on the platform as a whole, or ``FORBIDDEN``."""
    _ask(actor, permission)
    if not _held(actor.platform_roles, permission):
        raise _forbidden(actor, permission, "this server")


def require(tx: Tx, actor: Actor, permission: Permission, workspace_id: int, what: str, which: object) -> None:
    """The actor holds the permission in the workspace.

    ``what`` and ``which`` name the thing that was asked for. An actor who may not even see the workspace gets the
    same ``NOT_FOUND`` as for a thing that does not exist; one who sees it but lacks the permission ``FORBIDDEN``.
    """
    _ask(actor, permission)
    roles = roles_in(tx, actor, workspace_id)
    if _held(roles, permission):
        return
    if _held(roles, Permission.WORKSPACE_READ):
        raise _forbidden(actor, permission, f"{what} {which}")
    raise not_found(what, which)


def visible(actor: Actor, permission: Permission) -> dict[str, Any]:
    """The condition on ``workspace_id`` that keeps only what the actor may see: ``tx.find(kind, **visible(…))``."""
    return visible_by("workspace_id", actor, permission)


def visible_by(field: str, actor: Actor, permission: Permission) -> dict[str, Any]:
    """``visible`` for an entity whose workspace id stands in another field."""
    _ask(actor, permission)
    if _held(actor.platform_roles, permission):
        return {}
    return {field: Granted(actor.user_id, ResourceType.WORKSPACE, sorted(roles_with(permission)))}


def roles_in(tx: Tx, actor: Actor, workspace_id: int) -> frozenset[str]:
    """All roles of the actor that count in the workspace, those on the platform included."""
    grant = tx.first(
        Grant,
        subject_id=actor.user_id,
        resource_type=ResourceType.WORKSPACE,
        resource_id=str(workspace_id),
    )
    return actor.platform_roles | ({grant.role} if grant else frozenset())


def _ask(actor: Actor, permission: Permission) -> None:
    """Note that the permission was asked for; ``FORBIDDEN`` at once when the actor's token does not reach so far."""
    actor.checked.add(permission)
    if not actor.in_scope(permission):
        message = f"the token in use is not for {permission}: its scopes leave it out; use a token with a wider scope"
        raise DomainError(ErrorKind.FORBIDDEN, message, permission=str(permission))


def _held(roles: frozenset[str], permission: Permission) -> bool:
    return any(permission in ROLE_PERMISSIONS[Role(role)] for role in roles)


def _forbidden(actor: Actor, permission: Permission, where: str) -> DomainError:
    return DomainError(
        ErrorKind.FORBIDDEN,
        f"{actor.username} lacks the permission {permission} on {where}; ask an owner or an administrator",
        permission=str(permission),
    )
