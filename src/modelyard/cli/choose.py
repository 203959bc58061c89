"""Choosing a version by the start of its id, as one does with commits."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from modelyard.cli.failures import UsageError


class Versioned(Protocol):
    """Anything with a version id."""

    @property
    def version(self) -> str:
        """A uuid."""


V = TypeVar("V", bound=Versioned)


def by_version(what: str, versions: Sequence[V], prefix: str) -> V:
    """The one whose id starts with `prefix`; the first of `versions` for an empty one.

    Raises UsageError, which names those there are, when none or several do.
    """
    found = [version for version in versions if version.version.startswith(prefix)]
    if prefix and len(found) != 1:
        problem = "has no version that starts" if not found else "has several versions that start"
        known = ", ".join(version.version for version in found or versions)
        raise UsageError(f"The {what} {problem} with {prefix!r}. There are: {known}.")
    return found[0]
