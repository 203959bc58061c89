"""The values of one feature in logged rows, those that filters let through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.names import number_in
from modelyard.core.monitoring.features import REQUEST, RESPONSE, features
from modelyard.core.monitoring.inference_log import LoggedRequest, LogReader, RequestQuery
from modelyard.core.monitoring.logged import Part
from modelyard.core.monitoring.reference import Reference
from modelyard.core.serving.tensors import Array

MOST_ROWS = 100_000
"""So many of the newest rows are looked at."""
_PAGE = 1000
_PAGE_BYTES = 16 * 1024 * 1024
_PREFIXES = {"request": REQUEST, "response": RESPONSE}
_BOUNDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows count: all that is given holds. ``bounds`` are pairs of gt, gte, lt or lte and a value.

    A filter is about a feature, or, ``is_timestamp``, about when the row was answered; ``is_outlier`` about whether
    an outlier detector found the row.
    """

    feature: str = ""
    interaction: str = "request"
    bounds: tuple[tuple[str, str], ...] = ()
    terms: tuple[str, ...] = ()
    is_timestamp: bool = False
    is_outlier: bool | None = None


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """``values`` [rows] as numbers or objects, ``times`` [rows] in ms since 1970; both newest first."""

    values: Array
    times: Array

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers; truth values and texts are categories."""
        return self.values.dtype.kind in "fiu"


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """One feature of what was asked (``request``) or answered (``response``), and the rows that count."""

    feature: str
    interaction: str = "request"
    filters: tuple[Filter, ...] = ()


def logged_rows(
    logs: LogReader, pipeline_id: int, part: Part, query: FeatureQuery, outliers: set[tuple[str, int]] | None
) -> FeatureRows:
    """The rows that the log holds of them; ``INVALID`` for a feature that no row has. Blocking."""
    found: list[FeatureRows] = []
    known: dict[str, None] = {}
    rows, cursor, more = 0, None, True
    while more and rows < MOST_ROWS:
        asked = RequestQuery(newest_first=True, limit=_PAGE, max_bytes=_PAGE_BYTES, cursor=cursor, target=part.target)
        page = logs.requests(pipeline_id, asked, part.stream)
        for request in page.requests:
            known |= dict.fromkeys(features(request.columns, _prefix(query.interaction)))
            found += _chosen(request, query, outliers)
            rows += request.rows
        cursor, more = page.next, page.more
    if rows and query.feature not in known:
        raise _unknown(query, list(known))
    return _together(found)


def reference_rows(reference: Reference, query: FeatureQuery) -> FeatureRows:
    """The same out of reference data, which has no times and no outliers."""
    if query.interaction != "request" or query.feature not in reference.names:
        raise _unknown(query, list(reference.names))
    if any(each.is_timestamp or each.is_outlier is not None for each in query.filters):
        raise invalid("reference data has neither times nor outliers: leave these filters out")
    columns = {f"{REQUEST}{name}": reference.values[:, place] for place, name in enumerate(reference.names)}
    mask = np.ones(len(reference.values), dtype=bool)
    for each in query.filters:
        mask &= _passing(columns, each)
    values = columns[f"{REQUEST}{query.feature}"][mask]
    return FeatureRows(values, np.zeros(len(values), dtype=np.int64))


def _chosen(request: LoggedRequest, query: FeatureQuery, outliers: set[tuple[str, int]] | None) -> list[FeatureRows]:
    """The request's values that count, if it has the feature."""
    values = features(request.columns, _prefix(query.interaction)).get(query.feature)
    if values is None:
        return []
    time_ms = request.time.timestamp() * 1000
    mask = np.ones(request.rows, dtype=bool)
    for each in query.filters:
        if each.is_outlier is not None:
            mask &= _outlying(request, outliers) == each.is_outlier
        elif each.is_timestamp:
            mask &= all(_BOUNDS[name](time_ms, _moment(bound)) for name, bound in each.bounds)
        else:
            mask &= _passing(request.columns, each)
    chosen = values[mask][::-1]
    return [FeatureRows(chosen, np.full(len(chosen), int(time_ms), dtype=np.int64))] if len(chosen) else []


def _outlying(request: LoggedRequest, outliers: set[tuple[str, int]] | None) -> Array:
    if outliers is None:
        raise invalid("is_outlier: the deployment has no outlier detector; create one first")
    return np.array([(request.partition, request.first + row) in outliers for row in range(request.rows)])


def _passing(columns: Mapping[str, Array | list[Any]], each: Filter) -> Array:
    values = features(columns, _prefix(each.interaction)).get(each.feature)
    if values is None:  # rows without the feature are not among those asked for
        return np.zeros(len(next(iter(columns.values()))), dtype=bool)
    mask = np.ones(len(values), dtype=bool)
    for name, bound in each.bounds:
        if values.dtype.kind not in "fiub":
            raise invalid(f"{name}: the feature {each.feature!r} is no number; use terms")
        mask &= _BOUNDS[name](values, _number(name, bound))
    if each.terms:
        mask &= np.array([category(value) in each.terms or _equals(value, each.terms) for value in values.tolist()])
    return mask


def category(value: Any) -> str:
    """A value as the name of a category: truth values as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equals(value: Any, terms: tuple[str, ...]) -> bool:
    """Whether a number is one of the terms, however they are written: 1 is 1.0."""
    return isinstance(value, int | float) and any(_as_number(term) == value for term in terms)


@cache
def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _number(name: str, text: str) -> float:
    number = _as_number(text)
    if number is None:
        raise invalid(f"{name} {text[:40]!r} is not a number")
    return number


def _moment(text: str) -> float:
    """Milliseconds since 1970: as a number of them, or as RFC 3339."""
    milliseconds = number_in(text)
    if milliseconds is not None:
        return float(milliseconds)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"{text[:40]!r} is neither a time (RFC 3339) nor milliseconds since 1970") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _prefix(interaction: str) -> str:
    prefix = _PREFIXES.get(interaction.lower() or "request")
    if prefix is None:
        raise invalid(f"interaction {interaction[:40]!r} is unknown; use request or response")
    return prefix


def _unknown(query: FeatureQuery, known: list[str]) -> DomainError:
    there = ", ".join(known[:20]) + ("…" if len(known) > 20 else "")
    return invalid(f"there is no feature {query.feature[:80]!r} in what is a {query.interaction}; there are {there}")


def _together(parts: list[FeatureRows]) -> FeatureRows:
    if not parts:
        return FeatureRows(np.empty(0), np.empty(0, dtype=np.int64))
    values = np.concatenate([part.values for part in parts])[:MOST_ROWS]
    return FeatureRows(values, np.concatenate([part.times for part in parts])[:MOST_ROWS])
