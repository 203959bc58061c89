"""Reading many things at once: what the actor may not see is left out by the query itself."""

from collections.abc import Collection
from typing import Any, TypeVar

from modelyard.core.access.check import visible_by
from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Permission, roles_with
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx

E = TypeVar("E")

_IN_QUERY = 5_000  # members of a condition that are sent to the engine, which takes some 32,000 parameters at most


def readable(
    tx: Tx, actor: Actor, permission: Permission, kind: type[E], *, scope: str = "workspace_id", **where: Any
) -> list[E]:
    """All entities that satisfy the conditions and stand in a workspace where the actor holds the permission.

    ``where`` is as for ``Tx.find``, ``order_by`` included. ``scope`` is the field that holds the workspace's id; it
    may be among the conditions too, as a set of ids.
    """
    among = where.pop(scope, None)
    where |= visible_by(scope, actor, permission)
    if among is not None:
        where[scope] = held_among(tx, actor, permission, among) if scope in where else among
    return find_among(tx, kind, **where)


def find_among(tx: Tx, kind: type[E], **where: Any) -> list[E]:
    """``Tx.find``, with sets of any size as conditions."""
    large = {name: value for name, value in where.items() if isinstance(value, set) and len(value) > _IN_QUERY}
    rows = tx.find(kind, **{name: value for name, value in where.items() if name not in large})
    return [row for row in rows if all(getattr(row, name) in value for name, value in large.items())]


def held_among(tx: Tx, actor: Actor, permission: Permission, workspace_ids: Collection[int]) -> set[int]:
    """Those of the workspaces in which the actor holds the permission through a grant of their own."""
    rows = tx.values(
        Grant,
        ("resource_id",),
        subject_id=actor.user_id,
        resource_type=ResourceType.WORKSPACE,
        role=sorted(roles_with(permission)),
    )
    return {int(resource_id) for (resource_id,) in rows} & set(workspace_ids)
