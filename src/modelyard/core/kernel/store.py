"""The store's port: how use-cases read and write.

Entities are frozen dataclasses with a primary key. A use-case receives a ``Tx`` and never commits: the store runs
it in one transaction, so it takes effect whole or not at all, and may run it again when two transactions collide.
A use-case must therefore have no effect but through its ``Tx``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from modelyard.core.kernel.search import Condition, Order

E = TypeVar("E")
Key = int | str


class Topic(StrEnum):
    """What processes keep in memory and must reload within one second of a change in the store."""

    ACCESS = "access"
    ROUTES = "routes"
    ROUTERS = "routers"


@dataclass(frozen=True, slots=True)
class Contains:
    """The column contains this text, ignoring case."""

    text: str


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The column begins with this text, case minded."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """The column lies in [at_least, at_most]; None leaves a side open."""

    at_least: Any = None
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class Covering:
    """For grants: they are about one of these resources (kind to id), by its id or by a pattern that covers it."""

    resources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Granted:
    """What one may see, decided inside the query. ``core.access.check`` says how; its name in a condition is free.

    ``scope`` is the field with the workspace's id, None for what stands in no workspace. ``roles`` give what is asked
    for, ``denials`` take it away unless one of ``managers`` is held on the workspace. ``own`` names the kind of grants
    on the entity itself and the fields whose values, joined by a slash, are its resource id. An entity that belongs to
    another one is seen with it:
    ``parent`` is that one's type, by its name, and the field with its id; everything else is then about the parent.
    """

    subjects: tuple[str, ...]
    roles: tuple[str, ...]
    denials: tuple[str, ...]
    managers: tuple[str, ...]
    own: tuple[str, tuple[str, ...]] | None = None
    scope: str | None = "workspace_id"
    parent: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a search is wanted: ``limit`` entities from number ``offset`` on."""

    limit: int
    offset: int = 0


class Existing(StrEnum):
    """What ``insert_all`` does with an entity that is there already."""

    REFUSE = "refuse"
    KEEP = "keep"
    REPLACE = "replace"


class Tx(Protocol):
    """One transaction.

    Conditions are keyword arguments named after the entity's fields; they all hold. A value is compared for
    equality (None: is null); a list, tuple, set or frozenset means any of its members; ``Contains``,
    ``StartsWith``, ``Between``, ``Covering`` and ``Granted`` do what they say, the last under any name.
    """

    now: datetime

    def get(self, kind: type[E], key: Key) -> E | None:
        """The entity with this primary key, or None."""

    def find(self, kind: type[E], /, *, order_by: str = "id", limit: int | None = None, **where: Any) -> list[E]:
        """All entities that satisfy the conditions; ``order_by`` is a field, with a leading ``-`` for descending."""

    def search(
        self, kind: type[E], conditions: Sequence[Condition], orders: Sequence[Order], part: Part, /, **where: Any
    ) -> list[E]:
        """Part of the entities that satisfy both kinds of conditions, in this order; ties go by primary key."""

    def first(self, kind: type[E], /, *, order_by: str = "id", **where: Any) -> E | None:
        """The first of ``find``, or None."""

    def values(self, kind: type[Any], fields: tuple[str, ...], /, **where: Any) -> list[tuple[Any, ...]]:
        """Some fields of all entities that satisfy the conditions, ordered by primary key."""

    def insert(self, entity: E) -> E:
        """Add the entity; an integer primary key of 0 is replaced by a new one, never used before.

        Raises ``DomainError(CONFLICT)`` when a unique field is taken.
        """

    def insert_all(self, entities: Sequence[Any], *, existing: Existing = Existing.REFUSE) -> None:
        """Add entities of one kind at once; ``existing`` says what becomes of those whose unique fields are taken."""

    def update(self, kind: type[E], key: Key, change: Callable[[E], E]) -> E:
        """Replace the entity by ``change(entity)``, holding it against others meanwhile.

        Raises ``DomainError(NOT_FOUND)`` without such an entity and ``CONFLICT`` when a unique field is taken.
        """

    def change(self, kind: type[Any], values: Mapping[str, Any], /, **where: Any) -> int:
        """Give fields of all entities that satisfy the conditions these values; returns how many there are."""

    def delete(self, kind: type[Any], /, **where: Any) -> int:
        """Remove all entities that satisfy the conditions and return how many; at least one condition is needed."""

    def touch(self, topic: Topic) -> None:
        """Tell all processes, once this transaction is committed, that what they hold of the topic is old."""


class Store(Protocol):
    """Runs use-cases in transactions, away from the event loop."""

    async def read(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """Run ``use_case(tx, *args, **kwargs)`` on one consistent snapshot; writing in it fails."""

    async def glance(self, use_case: Callable[..., E], *args: Any, **kwargs: Any) -> E:
        """``read`` for a few rows found by key; where the database is a local file it takes no thread."""

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
