"""What the routes of Keycloak's admin REST API share: how lists are asked for, and what changes answer."""

import re
from collections.abc import Sequence
from typing import TypeVar

from starlette.responses import Response

from modelyard.core.kernel.errors import invalid
from modelyard.web.call import Call

T = TypeVar("T")

_NUMBER = re.compile(r"\d{1,9}")
_ALL = "-1"  # Keycloak's way to ask for a page without end


def paged(call: Call, rows: Sequence[T], most: int | None = None) -> Sequence[T]:
    """The page that ``first`` and ``max`` ask for; without ``max`` the first ``most``, None for all."""
    query = call.request.query_params
    first = _number(query.get("first", "0"))
    size = query.get("max", _ALL if most is None else str(most))
    return rows[first:] if size == _ALL else rows[first : first + _number(size)]


def flag(call: Call, name: str, *, otherwise: bool = False) -> bool:
    """A query parameter that is true or false, in any case: Python's clients write ``True``."""
    given = call.request.query_params.get(name, str(otherwise)).lower()
    if given not in {"true", "false"}:
        raise invalid(f"{name}={given[:40]!r} is neither true nor false")
    return given == "true"


def refuse_attributes(call: Call) -> None:
    """``INVALID`` for a search by attributes: there are none, and a list without the filter would mislead."""
    if call.request.query_params.get("q"):
        raise invalid("the filter q asks for attributes, and none are kept here; use search instead")


def path_value(call: Call, name: str) -> str:
    """A parameter of the path."""
    value: str = call.request.path_params[name]
    return value


def created(address: str) -> Response:
    """201 with the address of what was made; its last part is the id."""
    return Response(status_code=201, headers={"location": address})


def done() -> Response:
    """204."""
    return Response(status_code=204)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise invalid(f"{text[:40]!r} is not a number of entries")
    return int(text)
