"""Conditions and orders of a search, in no dialect's words: what a dialect reads and a store turns into a query.

A search is a tuple of conditions, which all hold, and a tuple of orders, the most significant first. A condition on
something that is absent (a tag that is not set, a metric never logged, an empty column) does not hold, not even with
``!=``; only ``IS NULL`` and ``IS NOT NULL`` ask for presence itself.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Comparator: TypeAlias = Literal[
    "=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"
]


@dataclass(frozen=True, slots=True)
class Compare:
    """Holds when the entity's attribute ``field`` compares with ``value`` as ``op`` says.

    ``value`` is a string, an integer (64 bits) or a float; a tuple of strings or integers for ``IN`` and ``NOT IN``;
    None for ``IS NULL`` and ``IS NOT NULL``. In a pattern of ``LIKE`` (minds case) and ``ILIKE`` (does not), ``%``
    stands for any text, ``_`` for any character, and nothing escapes them.
    """

    field: str
    op: Comparator
    value: Any


@dataclass(frozen=True, slots=True)
class OnDataset:
    """Only what was measured on the dataset of this name counts, and of this digest where one is given."""

    name: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """Holds when something hanging on the entity compares with ``value``: ``what`` is tag, param, metric or dataset.

    ``key`` is the key of the tag, param or metric (whose value is compared, a metric's as a float), or which of a
    dataset's ``name``, ``digest`` and ``context`` is compared; one dataset that satisfies the condition is enough. With
    ``on``, only those of a metric's values count that were measured on one of these datasets; an empty key is then any.
    """

    what: str
    key: str
    op: Comparator
    value: Any
    on: tuple[OnDataset, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """Order by an ``attribute``, ``tag``, ``param`` or ``metric``; entities without it come last in both directions.

    ``on`` narrows which values of a metric count.
    """

    what: str
    key: str
    descending: bool = False
    on: OnDataset | None = None


Condition: TypeAlias = Compare | Attached


def total_order(asked: tuple[Order, ...], default: tuple[Order, ...], ties: tuple[Order, ...]) -> tuple[Order, ...]:
    """``asked``, or ``default`` where nothing is asked, and then those of ``ties`` whose key is not in it yet."""
    chosen = asked or default
    known = {(order.what, order.key) for order in chosen}
    return chosen + tuple(order for order in ties if (order.what, order.key) not in known)
