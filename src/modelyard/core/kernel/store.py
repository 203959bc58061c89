"""The store's port: how use-cases read and write.

Entities are frozen dataclasses with a primary key. A use-case receives a ``Tx`` and never commits: the store runs
it in one transaction, so it takes effect whole or not at all, and may run it again when two transactions collide.
A use-case must therefore have no effect but through its ``Tx``.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

E = TypeVar("E")
Key = int | str


class Topic(StrEnum):
    """What processes keep in memory and must reload within one second of a change in the store."""

    ACCESS = "access"
    ROUTES = "routes"


@dataclass(frozen=True, slots=True)
class Contains:
    """The column contains this text, ignoring case."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """The column lies in [at_least, at_most]; None leaves a side open."""

    at_least: Any = None
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The column names a resource on which the user holds one of the roles: a filter inside the query.

    ``resource_type`` says which kind of resource the column identifies.
    """

    user_id: str
    resource_type: str
    roles: Collection[str]


class Tx(Protocol):
    """One transaction.

    Conditions are keyword arguments named after the entity's fields; they all hold. A value is compared for
    equality (None: is null); a list, tuple, set or frozenset means any of its members; ``Contains``, ``Between`` and
    ``Granted`` do what they say.
    """

    now: datetime

    def get(self, kind: type[E], key: Key) -> E | None:
        """The entity with this primary key, or None."""

    def find(self, kind: type[E], *, order_by: str = "id", limit: int | None = None, **where: Any) -> list[E]:
        """All entities that satisfy the conditions; ``order_by`` is a field, with a leading ``-`` for descending."""

    def first(self, kind: type[E], *, order_by: str = "id", **where: Any) -> E | None:
        """The first of ``find``, or None."""

    def values(self, kind: type[Any], fields: tuple[str, ...], **where: Any) -> list[tuple[Any, ...]]:
        """Some fields of all entities that satisfy the conditions, ordered by primary key."""

    def insert(self, entity: E) -> E:
        """Add the entity; an integer primary key of 0 is replaced by a new one, never used before.

        Raises ``DomainError(CONFLICT)`` when a unique field is taken.
        """

    def update(self, kind: type[E], key: Key, change: Callable[[E], E]) -> E:
        """Replace the entity by ``change(entity)``, holding it against others meanwhile.

        Raises ``DomainError(NOT_FOUND)`` without such an entity and ``CONFLICT`` when a unique field is taken.
        """

    def delete(self, kind: type[Any], **where: Any) -> int:
        """Remove all entities that satisfy the conditions and return how many; at least one condition is needed."""

    def touch(self, topic: Topic) -> None:
        """Tell all processes, once this transaction is committed, that what they hold of the topic is old."""


class Store(Protocol):
    """Runs use-cases in transactions, away from the event loop."""

    async def read(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """Run ``use_case(tx, *args, **kwargs)`` on one consistent snapshot; writing in it fails."""

    async def write(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """Run ``use_case(tx, *args, **kwargs)`` and commit; on any exception nothing of it remains."""

    def run_read(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """``read`` for callers that have a thread of their own."""

    def run_write(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """``write`` for callers that have a thread of their own."""

    def generations(self) -> dict[Topic, int]:
        """The generation of every topic; a number that grew says that what is held of the topic is old."""

    def on_touch(self, listener: Callable[[set[Topic]], None]) -> None:
        """Call ``listener`` (on any thread) after each commit of this process that touched topics."""
