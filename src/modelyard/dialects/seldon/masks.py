"""``listMask``: which fields of the things in a list are wanted."""

from collections.abc import Callable, Collection
from typing import Any

from modelyard.core.kernel.errors import invalid

Mask = Callable[[dict[str, Any]], dict[str, Any]]


def read_mask(text: str, fields: Collection[str], always: str = "") -> Mask:
    """Keeps the named of these fields, all of them when none is named, and the one that clients cannot do without.

    Names are separated by commas, as ``artifactType`` or ``artifact_type``.
    """
    known = {_plain(field): field for field in fields}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if _plain(name) not in known]
    if unknown:
        raise invalid(f"listMask: {unknown[0][:40]!r} is not a field; known are {', '.join(fields)}", field="listMask")
    kept = {always, *(known[_plain(name)] for name in names)}
    return lambda thing: {name: value for name, value in thing.items() if not names or name in kept}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
