"""Reading many things at once: what the actor may not see is left out by the query itself."""

from typing import Any, TypeVar

from modelyard.core.access.check import OwnFields, visible_by
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.batches import IN_QUERY
from modelyard.core.kernel.store import Tx

E = TypeVar("E")


def readable(
    tx: Tx,
    actor: Actor,
    permission: Permission,
    kind: type[E],
    *,
    scope: str = "workspace_id",
    own: OwnFields | None = None,
    parent: tuple[str, str] | None = None,
    **where: Any,
) -> list[E]:
    """All entities that satisfy the conditions and which the actor may see.

    ``where`` is as for ``Tx.find``, ``order_by`` included. ``scope`` is the field that holds the workspace's id,
    ``parent`` is as for ``visible``.
    """
    return find_among(tx, kind, **where, **visible_by(scope, actor, permission, own, parent))


def find_among(tx: Tx, kind: type[E], **where: Any) -> list[E]:
    """``Tx.find``, with sets of any size as conditions."""
    large = {name: value for name, value in where.items() if isinstance(value, set) and len(value) > IN_QUERY}
    rows = tx.find(kind, **{name: value for name, value in where.items() if name not in large})
    return [row for row in rows if all(getattr(row, name) in value for name, value in large.items())]
