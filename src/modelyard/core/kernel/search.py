"""Searches as data: what a user's filter says, before it becomes a query."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Compare:
    """A field of the entity compares with a value.

    ``op`` is one of ``= != > >= < <= LIKE ILIKE IN``, ``NOT IN``, ``IS NULL``, ``IS NOT NULL``; ``value`` a text or
    number, a tuple of them for the INs, None for the last two. ``LIKE`` minds case, ``ILIKE`` does not; ``%`` and
    ``_`` in them stand for any text and any character.
    """

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Attached:
    """Something that hangs on the entity (``what``: tag, param, metric, …) under ``key`` compares with a value.

    Without such a thing the condition does not hold, but for ``IS NULL``.
    """

    what: str
    key: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a field (``what`` is attribute) or by something attached; what is missing or NaN comes last."""

    what: str
    key: str
    descending: bool = False
