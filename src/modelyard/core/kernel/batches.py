"""Many things, a part at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

IN_QUERY = 5_000
"""Members of a condition that are sent to the engine at once: it takes some 32,000 parameters at most."""


def batches(items: Sequence[T], size: int = IN_QUERY) -> Iterator[Sequence[T]]:
    """The items in their order, at most ``size`` at a time; nothing of an empty sequence."""
    return (items[at : at + size] for at in range(0, len(items), size))
