"""The one check. The first line of every use-case is ``require(…)`` or, for a list, ``visible(…)``.

How a decision comes about, from the first rule that applies:

1. A role on the platform holds the permission: yes.
2. A role on the workspace that manages it (OWNER, MANAGE) holds the permission: yes.
3. A grant on the thing itself denies it: no. A denial beats every other grant on the thing, a pattern included.
4. A grant on the thing itself, to somebody in particular, holds the permission: yes.
5. A grant on the workspace denies, and there is none on the thing to somebody in particular: no.
6. A grant on the workspace holds the permission: yes.
7. A grant on the thing itself to everyone holds the permission: yes.
8. No.

Grants count when they are for the user, for one of their groups or custom roles, or for everyone. What everyone may
do with a thing is what holds where nothing else was said, hence rule 7.
"""

from dataclasses import dataclass
from typing import Any

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import (
    DENIALS,
    MANAGERS,
    ROLE_PERMISSIONS,
    Permission,
    Role,
    reading,
    roles_with,
)
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.kernel.store import Covering, Granted, Tx

Own = tuple[ResourceType, str]
"""The kind and resource id under which grants on one thing itself are kept."""

OwnFields = tuple[ResourceType, tuple[str, ...]]
"""The same for a list: the kind, and the fields whose values, joined by a slash, are the resource id."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, why in words, and the grant that decided, if it was one."""

    allowed: bool
    why: str
    grant: Grant | None = None


def ask(actor: Actor, permission: Permission) -> None:
    """Note that the permission is asked for; ``FORBIDDEN`` at once when the actor's token does not reach so far.

    Comes before looking for the thing it is about, too: such a token must not tell what exists from what does not.
    """
    actor.checked.add(permission)
    if not actor.in_scope(permission):
        message = f"the token in use is not for {permission}: its scopes leave it out; use a token with a wider scope"
        raise DomainError(ErrorKind.FORBIDDEN, message, permission=str(permission))


def require_platform(actor: Actor, permission: Permission) -> None:
    """The actor holds the permission on the platform as a whole, or ``FORBIDDEN``."""
    ask(actor, permission)
    if not holds(actor, permission):
        raise _forbidden(actor, permission, "this server")


def holds(actor: Actor, permission: Permission) -> bool:
    """Whether the actor holds the permission on the platform as a whole."""
    return _held(actor.platform_roles, permission)


def require(  # one thing, named for people and for grants
    tx: Tx, actor: Actor, permission: Permission, workspace_id: int, what: str, which: object, own: Own | None = None
) -> None:
    """The actor holds the permission on a thing in the workspace.

    ``what`` and ``which`` name the thing that was asked for. An actor who may not even see it gets the same
    ``NOT_FOUND`` as for a thing that does not exist; one who sees it but lacks the permission ``FORBIDDEN``.
    """
    ask(actor, permission)
    if holds(actor, permission):
        return
    found = grants_on(tx, actor, workspace_id, own)
    if decide(found, permission, own).allowed:
        return
    if decide(found, reading(permission), own).allowed:
        raise _forbidden(actor, permission, f"{what} {which}")
    raise not_found(what, which)


def allowed(tx: Tx, actor: Actor, permission: Permission, workspace_id: int, own: Own | None = None) -> bool:
    """Whether ``require`` would let the actor pass."""
    if not actor.in_scope(permission):
        return False
    return holds(actor, permission) or decide(grants_on(tx, actor, workspace_id, own), permission, own).allowed


def grants_on(tx: Tx, actor: Actor, workspace_id: int, own: Own | None) -> list[Grant]:
    """All grants of the actor on the workspace and on the thing itself."""
    keys = {str(ResourceType.WORKSPACE): str(workspace_id)} | ({str(own[0]): own[1]} if own else {})
    return tx.find(Grant, subject_id=actor.subjects, resource_id=Covering(keys))


def decide(grants: list[Grant], permission: Permission, own: Own | None) -> Decision:
    """What the grants on a thing and on its workspace say; roles on the platform are another matter."""
    inside = [grant for grant in grants if own and grant.resource_type == own[0]]
    named = [grant for grant in inside if grant.subject_id != EVERYONE]
    around = [grant for grant in grants if grant.resource_type == ResourceType.WORKSPACE]
    steps = (
        (_giving([g for g in around if g.role in MANAGERS], permission), True, "a role that manages the workspace"),
        (_denying(inside), False, "a denial on the thing itself"),
        (_giving(named, permission), True, "a grant on the thing itself"),
        (_denying(around) if not named else None, False, "a denial on the workspace"),
        (_giving(around, permission), True, "a role in the workspace"),
        (_giving(inside, permission), True, "what everyone may do with the thing"),
    )
    for grant, allows, why in steps:
        if grant is not None:
            return Decision(allows, why, grant)
    return Decision(False, "no grant gives it")


def visible(
    actor: Actor, permission: Permission, own: OwnFields | None = None, parent: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The condition that keeps only what the actor may see: ``tx.find(kind, **visible(…))``.

    ``parent`` is for entities that are seen with another one, as in ``Granted``.
    """
    return visible_by("workspace_id", actor, permission, own, parent)


def visible_by(
    field: str | None,
    actor: Actor,
    permission: Permission,
    own: OwnFields | None = None,
    parent: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """``visible`` for an entity whose workspace id stands in another field, or with None in no workspace at all."""
    ask(actor, permission)
    if holds(actor, permission):
        return {}
    roles = roles_with(permission)
    given, managing = tuple(sorted(roles)), tuple(sorted(roles & MANAGERS))
    return {"granted": Granted(actor.subjects, given, tuple(sorted(DENIALS)), managing, own, field, parent)}


def _giving(grants: list[Grant], permission: Permission) -> Grant | None:
    return next((grant for grant in grants if _held(frozenset({grant.role}), permission)), None)


def _denying(grants: list[Grant]) -> Grant | None:
    return next((grant for grant in grants if grant.role in DENIALS), None)


def _held(roles: frozenset[str], permission: Permission) -> bool:
    return any(permission in ROLE_PERMISSIONS[Role(role)] for role in roles)


def _forbidden(actor: Actor, permission: Permission, where: str) -> DomainError:
    return DomainError(
        ErrorKind.FORBIDDEN,
        f"{actor.username} lacks the permission {permission} on {where}; ask an owner or an administrator",
        permission=str(permission),
    )
