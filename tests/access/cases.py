"""What a request of the matrix is, and the usual ways to make one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from things import Things
from world import World

Parts = dict[str, Any]
"""Keywords of ``requests.request``; ``path`` fills the parameters of the route's path."""


MEMBERS_DENIED = frozenset({"denied"})


@dataclass(frozen=True)
class Case:
    """``about`` a "thing" (hidden from strangers), a "list" (filtered for them) or the "platform" as a whole.

    ``needs`` is the permission that the route declares, as in the oracle, and ``really`` what this request needs where
    that is another one. ``places`` is where the things are. ``spare`` is the kind of thing that the request uses up.
    Those in ``nothing_to`` get an answer, but nothing about the things.
    """

    needs: str
    about: Literal["thing", "list", "platform"]
    parts: Callable[[Things, World], Parts]
    spare: str | None = None
    success: int = 200
    really: str | None = None
    places: tuple[str, ...] = ("thing",)
    nothing_to: frozenset[str] = frozenset()

    @property
    def asks(self) -> str:
        """The permission that this request needs."""
        return self.really or self.needs


def body(**body: Callable[[Things], Any] | Any) -> Callable[[Things, World], Parts]:
    """A JSON body; callables are asked about the things."""
    return lambda things, _: {"json": {key: value(things) if callable(value) else value for key, value in body.items()}}


def fresh(prefix: str = "made") -> str:
    """A name that nobody has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def about_things(needs: str, parts: Callable[[Things, World], Parts], **options: Any) -> list[Case]:
    """One request about a thing."""
    return [Case(needs, "thing", parts, **options)]


def about_platform(needs: str, parts: Callable[[Things, World], Parts], **options: Any) -> list[Case]:
    """One request about the platform as a whole."""
    return [Case(needs, "platform", parts, **options)]


def public(**path: str) -> list[Case]:
    """One request that anybody may make."""
    return [Case("public", "platform", lambda *_: {"path": path})]
