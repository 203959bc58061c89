"""Which columns an answer or a log page shows, and how their names are written.

The query parameters ``dataset[]``, ``dataset.exclude[]`` and ``dataset.separator`` of inference and logs. A column
has a path such as ``("in", "tensor")``. ``*`` means everything but metadata; without ``dataset[]`` metadata is shown.
A column that is named itself is shown even when its parent is excluded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

_METADATA = "metadata"
_ROOTS = ("in", "out", "anomaly", _METADATA)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A choice of columns. Without a ``separator`` the answer nests: ``{"in": {"tensor": …}}``."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    separator: str | None = None
    is_plain: bool = field(init=False, compare=False, repr=False)
    """Whether this is what the SDK asks for by default: everything but metadata, flat, with dots."""

    def __post_init__(self) -> None:
        plain = (self.include, self.exclude, self.separator) == (("*",), (_METADATA,), ".")
        object.__setattr__(self, "is_plain", plain)

    def shows(self, name: str) -> bool:
        """Whether the column with this dotted name is shown."""
        if name in self.include:
            return True
        if any(_covers(pattern, name) for pattern in self.exclude):
            return False
        return not self.include or any(_covers(pattern, name) for pattern in self.include)

    def choose(self, names: Iterable[str]) -> list[str]:
        """The columns that are shown, in their order."""
        return [name for name in names if self.shows(name)]

    def written(self, name: str) -> str:
        """The flat name of a column."""
        return (self.separator or ".").join(path(name))


def path(name: str) -> tuple[str, ...]:
    """The parts of a column's name; only the first dot divides, for a column's own name may have dots."""
    root, dot, rest = name.partition(".")
    return (root, rest) if dot and (root in _ROOTS or root.startswith("out_")) else (name,)


@lru_cache(1024)
def from_query(query: bytes) -> Dataset:
    """The choice that a query string makes."""
    pairs = parse_qsl(query.decode("latin-1"))
    return Dataset(
        tuple(value for name, value in pairs if name in ("dataset[]", "dataset")),
        tuple(value for name, value in pairs if name in ("dataset.exclude[]", "dataset.exclude")),
        next((value for name, value in pairs if name == "dataset.separator" and value), None),
    )


def nested(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns by dotted name as a tree of at most two levels."""
    tree: dict[str, Any] = {}
    for name, value in columns.items():
        root, *rest = path(name)
        if rest:
            tree.setdefault(root, {})[rest[0]] = value
        else:
            tree[root] = value
    return tree


def _covers(pattern: str, name: str) -> bool:
    if pattern == "*":
        return not name.startswith(_METADATA)
    return name == pattern or name.startswith(f"{pattern}.")
