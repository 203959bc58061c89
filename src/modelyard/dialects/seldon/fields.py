"""Fields of documents, read or refused by their place in the document."""

from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.names import number_in


def resource_version(given: Any) -> int | None:
    """The number of a ``resourceVersion``; None where there is none."""
    if given in (None, ""):
        return None
    number = number_in(given) if isinstance(given, str) else None
    if number is None:
        raise wrong("metadata.resourceVersion", given, "the resourceVersion that was read, or nothing")
    return number


def an_object(given: Any, place: str) -> dict[str, Any]:
    """An object of JSON."""
    if not isinstance(given, dict):
        raise wrong(place, given, "an object")
    return given


def a_list(given: Any, place: str) -> list[Any]:
    """A list; nothing is an empty one."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise wrong(place, given, "a list")
    return given


def text_or_none(given: Any, place: str) -> str | None:
    """Text; None where it is empty or missing."""
    if given is not None and not isinstance(given, str):
        raise wrong(place, given, "text")
    return given or None


def one_of(field: str, given: Any, known: tuple[str, ...]) -> str:
    """One of the known words."""
    if not isinstance(given, str) or given not in known:
        raise wrong(field, given, f"one of {', '.join(known)}")
    return given


def whole(field: str, given: Any, low: int, high: int) -> int:
    """A whole number, also as text: fields of the type int64 come both ways."""
    if given is None:
        return low
    number = number_in(given, 9) if isinstance(given, str) else given
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise wrong(field, given, f"a whole number from {low} to {high}")
    return number


def wrong(field: str, given: Any, wanted: str) -> DomainError:
    """The refusal of a field: what was expected there, and what was found."""
    return invalid(f"{field}: expected {wanted}, got {str(given)[:100]!r}", field=field, expected=wanted)
