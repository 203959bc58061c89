"""What the routes of this dialect share: paths, errors, parameters, pages."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.kernel.search import Compare, Condition, Order
from modelyard.core.kernel.store import Part
from modelyard.web.call import Call, json_bytes
from modelyard.web.callers import by_bearer_or_basic
from modelyard.web.routing import Dialect
from modelyard.web.statuses import HTTP_STATUS, retry_headers

T = TypeVar("T")
V = TypeVar("V")

API: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts"
WORKSPACE: Final = "default"
"""What clients call the one workspace of a server that shows no workspaces."""

STATUS: Final[Mapping[ErrorKind, int]] = {**HTTP_STATUS, ErrorKind.CONFLICT: 400, ErrorKind.FAILED_PRECONDITION: 400}
"""Permanent failures are never 429 or 5xx: MLflow's client sends those again and again."""

CODES: Final = {
    ErrorKind.INVALID: "INVALID_PARAMETER_VALUE",
    ErrorKind.UNAUTHENTICATED: "UNAUTHENTICATED",
    ErrorKind.FORBIDDEN: "PERMISSION_DENIED",
    ErrorKind.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    ErrorKind.CONFLICT: "RESOURCE_ALREADY_EXISTS",
    ErrorKind.FAILED_PRECONDITION: "BAD_REQUEST",
    ErrorKind.TOO_LARGE: "INVALID_PARAMETER_VALUE",
    ErrorKind.RATE_LIMITED: "REQUEST_LIMIT_EXCEEDED",
    ErrorKind.UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    ErrorKind.TIMED_OUT: "DEADLINE_EXCEEDED",
    ErrorKind.INTERNAL: "INTERNAL_ERROR",
}

_OTHER_PREFIXES: Final = (("/ajax-api/2.0/", "/api/2.0/"), ("/ajax-api/3.0/", "/api/2.0/"), ("/api/3.0/", "/api/2.0/"))
_OFFSET_MAX: Final = 2**62
_FIRST_WORDS: Final = {
    ErrorKind.UNAUTHENTICATED: "You are not authenticated. ",
    ErrorKind.FORBIDDEN: "Permission denied: ",
}


def canonical_path(path: str) -> str:
    """The one path under which a route is declared, of the four under which MLflow's clients and pages call it."""
    for prefix, instead in _OTHER_PREFIXES:
        if path.startswith(prefix):
            return instead + path[len(prefix) :]
    return path


def render_error(error: DomainError, request: Request) -> Response:
    """``{"error_code", "message"}`` with the code that MLflow's client makes an exception of."""
    del request
    status, headers, message = told(error)
    return answer({"error_code": CODES[error.kind], "message": message}, status, headers)


def told(error: DomainError) -> tuple[int, dict[str, str], str]:
    """(status, headers, message) of an error."""
    headers = {}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Basic realm="mlflow"'
    headers |= retry_headers(error)
    return STATUS[error.kind], headers, f"{_FIRST_WORDS.get(error.kind, '')}{error.message}"


def answer(
    value: Mapping[str, Any] | None = None, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer; without a value ``{}``."""
    return Response(json_bytes(value or {}), status, headers, media_type="application/json")


async def body(call: Call, shape: type[T]) -> T:
    """The parameters in a JSON body, as ``shape``; names may be in lowerCamelCase too. Empty reads as ``{}``.

    A body that is no object is refused; so is a missing or wrong parameter, by its name.
    """
    raw = await call.body()
    if not raw and call.request.method == "DELETE":
        return query(call, shape)
    try:
        given = msgspec.json.decode(raw or b"{}")
        given = _without_nulls(given) if b"null" in raw else given
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"Request body is not valid JSON: {error}") from error
    if not isinstance(given, dict):
        raise invalid("Request body must be a JSON object")
    return _read(_snake(given), shape)


def query(call: Call, shape: type[T]) -> T:
    """The parameters in the query, as ``shape``; a list is the same name again and again."""
    asked: QueryParams = call.request.query_params
    lists = _list_fields(shape)
    given = {name: asked.getlist(name) if name in lists else asked[name] for name in asked}
    return _read(given, shape)


def page_of(token: str | None, limit: int, most: int, least: int = 1) -> Part:
    """The part of a search that is asked for: one more than ``limit``, so that it shows whether there is more.

    ``token`` is base64 of ``{"offset": N}``.
    """
    if limit < least:
        raise invalid(f"Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer")
    if limit > most:
        raise invalid(f"Invalid value {limit} for parameter 'max_results' supplied. It must be at most {most}")
    return Part(limit + 1, _offset(token) if token else 0)


def next_token(found: Sequence[object], page: Part) -> dict[str, str]:
    """``{"next_page_token": …}`` when there is more than the page holds, else nothing."""
    if len(found) < page.limit:
        return {}
    text = json.dumps({"offset": page.offset + page.limit - 1})
    return {"next_page_token": base64.b64encode(text.encode()).decode()}


def renamed(
    search: tuple[Sequence[Condition], Sequence[Order]],
    names: Mapping[str, str],
    value: Callable[[str, Any], Any] = lambda _, given: given,
) -> tuple[tuple[Condition, ...], tuple[Order, ...]]:
    """The search with MLflow's names of fields replaced by ours; ``value`` does the same for a field's values."""
    conditions, orders = search
    return (
        tuple(
            Compare(names.get(c.field, c.field), c.op, value(c.field, c.value)) if isinstance(c, Compare) else c
            for c in conditions
        ),
        tuple(
            Order(o.what, names.get(o.key, o.key), o.descending, o.on) if o.what == "attribute" else o for o in orders
        ),
    )


def present(**values: Any) -> dict[str, Any]:
    """Those of the values that are there: MLflow leaves out what is not."""
    return {name: value for name, value in values.items() if value is not None and value not in ([], {})}


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Keys and values as MLflow lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def _missing(request: Request, status: int, message: str) -> Response:
    del request
    return answer({"error_code": "ENDPOINT_NOT_FOUND", "message": message}, status)


mlflow = Dialect("mlflow", render_error, caller=by_bearer_or_basic, prefixes=("/api/2.0/",), missing=_missing)


def _read(given: Mapping[str, Any], shape: type[T]) -> T:
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(_reworded(str(error))) from error


def _reworded(text: str) -> str:
    head, _, name = text.partition("missing required field ")
    if name:
        return f"Missing value for required parameter '{name.split('`')[1]}'."
    return f"Invalid value for parameter supplied: {head.replace('`$.', '`').replace('`$`', 'the body')}"


def _list_fields(shape: type[Any]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(shape) if str(field.type).startswith("list")}


def _without_nulls(given: Any) -> Any:
    """What is null was not given."""
    if isinstance(given, dict):
        return {name: _without_nulls(value) for name, value in given.items() if value is not None}
    return [_without_nulls(each) for each in given] if isinstance(given, list) else given


def _snake(given: dict[str, Any]) -> dict[str, Any]:
    if all(name.islower() for name in given):
        return given
    read = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in given.items()}
    if len(read) < len(given):
        raise invalid("a parameter is given in both spellings, as in run_id and runId; give one of them")
    return read


def _offset(token: str) -> int:
    try:
        read = json.loads(base64.b64decode(token, validate=True))
        offset = int(read["offset"])
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise invalid("Invalid page token: give back the next_page_token of the page before, unchanged") from error
    if not 0 <= offset < _OFFSET_MAX:
        raise invalid("Invalid page token: its offset is out of range")
    return offset
