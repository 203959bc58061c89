"""Undoing one of several changes to a document: a three-way merge of JSON."""

from collections.abc import Mapping
from typing import Any, Final

from modelyard.core.kernel.errors import conflict

_ABSENT: Final = object()


def merged(base: Any, ours: Any, theirs: Any, place: str = "") -> Any:
    """``ours`` with what changed from ``base`` to ``theirs``; ``CONFLICT`` names the place where both differ from it.

    Lists of one length are merged item by item; others are taken whole.
    """
    if ours == base:
        return theirs
    if theirs in (base, ours):
        return ours
    values = (base, ours, theirs)
    if all(isinstance(each, Mapping) for each in values):
        keys = [*ours, *(key for key in theirs if key not in ours)]
        parts = {key: merged(*_at(key, base, ours, theirs), f"{place}.{key}") for key in keys}
        return {key: value for key, value in parts.items() if value is not _ABSENT}
    if all(isinstance(each, list) and len(each) == len(base) for each in values):
        triples = zip(base, ours, theirs, strict=True)
        return [merged(*each, f"{place}[{at}]") for at, each in enumerate(triples)]
    raise conflict(
        f"{place.removeprefix('.')} was changed again since; restore the revision that you want instead",
        field=place.removeprefix("."),
    )


def _at(key: Any, base: Any, ours: Any, theirs: Any) -> tuple[Any, Any, Any]:
    return base.get(key, _ABSENT), ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
