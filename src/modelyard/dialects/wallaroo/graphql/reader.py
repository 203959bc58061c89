"""Rows with their relations, read list by list.

graphql-core resolves depth first, one row after the other. So that a list of a hundred pipelines does not ask the
store a hundred times for a workspace, rows that were read together stay together: the first to be asked for a
relation reads it for all of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx

MAX_FIELDS = 100_000


class Reader:
    """What resolvers share while one document runs: the transaction, the caller, and how much may still be resolved."""

    def __init__(self, tx: Tx, actor: Actor) -> None:
        self.tx = tx
        self.actor = actor
        self._fields_left = MAX_FIELDS

    def nodes(self, rows: Iterable[Any]) -> "list[Node]":
        """Rows that were read together."""
        return Together(self, rows).nodes

    def spend(self) -> None:
        """Count one resolved field; ``INVALID`` once the answer has become too large."""
        self._fields_left -= 1
        if self._fields_left < 0:
            raise invalid(f"the answer would have more than {MAX_FIELDS} fields; ask for less in one request")


Info = GraphQLResolveInfo[Reader]


@dataclass(frozen=True, slots=True)
class RootField:
    """A field of ``query_root`` or ``mutation_root`` and, as every route does, the permission that it asks for."""

    permission: Permission
    answer: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """Leads from the field ``here`` of a row to those rows of ``read`` that have the same value in ``there``.

    ``read(tx, actor, **{there: set of values})`` gives the rows that the actor may see; where ``many`` is set, the
    relation leads to a list, else to one row or none. ``order_by`` is that of a list for which the caller gives none.
    """

    read: Callable[..., Iterable[Any]]
    here: str
    there: str
    many: bool = False
    order_by: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One row and those it was read with."""

    row: Any
    together: "Together"


class Together:
    """Rows that were read together, and the relations of theirs that have been read."""

    def __init__(self, reader: Reader, rows: Iterable[Any]) -> None:
        self._reader = reader
        self.nodes = [Node(row, self) for row in rows]
        self._related: dict[tuple[Relation, str | None], dict[Any, list[Node]]] = {}

    def related(self, node: Node, relation: Relation, order_by: str | None = None) -> list[Node]:
        """The rows that the relation leads to from the node."""
        order_by = order_by or relation.order_by
        if (relation, order_by) not in self._related:
            self._related[relation, order_by] = self._read(relation, order_by)
        return self._related[relation, order_by].get(getattr(node.row, relation.here), [])

    def _read(self, relation: Relation, order_by: str | None) -> dict[Any, list[Node]]:
        where: dict[str, Any] = {relation.there: {getattr(node.row, relation.here) for node in self.nodes}}
        if order_by is not None:
            where["order_by"] = order_by
        rows = relation.read(self._reader.tx, self._reader.actor, **where)
        by_key: dict[Any, list[Node]] = {}
        for node in self._reader.nodes(rows):
            by_key.setdefault(getattr(node.row, relation.there), []).append(node)
        return by_key
