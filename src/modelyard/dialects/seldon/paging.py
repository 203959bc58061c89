"""``pageSize`` and ``pageToken`` as the gRPC-like operations take them: the token is the id that a page ended with."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.core.kernel.errors import invalid

_SIZE, _SIZE_MAX = 100, 1000
_TOKEN_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Page:
    """At most ``size`` things behind the id or place ``after``."""

    size: int
    after: int


def page_of(asked: Mapping[str, str]) -> Page:
    """What a query asks for; 100 from the start where it says nothing, never more than 1000."""
    size = _number("pageSize", asked.get("pageSize", ""))
    return Page(min(size or _SIZE, _SIZE_MAX), _number("pageToken", asked.get("pageToken", "")))


def _number(field: str, given: str) -> int:
    if not given:
        return 0
    if not (given.isascii() and given.isdecimal()) or len(given) > _TOKEN_DIGITS:
        wanted = "a whole number" if field == "pageSize" else "one that a page ended with"
        raise invalid(f"{field} {given[:40]!r} is not {wanted}", field=field)
    return int(given)
