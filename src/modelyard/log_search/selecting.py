"""A search as a SELECT statement with its values apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.log_search import Condition, Operator, Place, Search
from modelyard.log_search.database import ALL, PIPELINE_ID, moment, name

PLACE = ("time", PIPELINE_ID, "metadata.partition", "metadata.row")
"""The columns by which rows are ordered and pages go on."""
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows: conditions with marks for values, and those."""

    conditions: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def where(self) -> str:
        """As it stands behind the view."""
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def chosen(search: Search, types: Mapping[str, str]) -> Chosen:
    """The rows that the search is about; ``types`` are those of the view's columns."""
    for column in (*search.columns, *(condition.column for condition in search.where)):
        if column not in types:
            raise invalid(f"there is no column {column[:80]!r}; there are: {_listed(types)}")
    parts = [_condition(condition, types[condition.column]) for condition in search.where]
    if search.after is not None:
        parts.append(_after(search.after, newest_first=search.newest_first))
    return Chosen(tuple(text for text, _ in parts), tuple(value for _, values in parts for value in values))


def time_of_last(search: Search, rows: Chosen, limit: int) -> tuple[str, list[Any]]:
    """What finds the time in ms of the last of so many rows, null where there are fewer.

    It reads times alone: with what it finds, the rows themselves are read from few places.
    """
    order = "DESC" if search.newest_first else "ASC"
    last = "min" if search.newest_first else "max"
    times = f"SELECT time FROM {ALL}{rows.where} ORDER BY time {order} LIMIT {limit}"  # noqa: S608  # names are quoted
    sql = f"SELECT CASE WHEN count(*) = {limit} THEN epoch_ms({last}(time)) END FROM ({times})"  # noqa: S608
    return sql, list(rows.values)


def until(search: Search, rows: Chosen, time_ms: int) -> Chosen:
    """Those of the rows that come no later in the order than this time."""
    sign = ">=" if search.newest_first else "<="
    return Chosen((*rows.conditions, f"time {sign} {moment(time_ms)}"), rows.values)


def select(search: Search, types: Mapping[str, str], rows: Chosen, limit: int | None, *, placed: bool) -> str:
    """The statement. Where it is ``placed``, what tells the place of a row stands last."""
    shown = search.columns or tuple(column for column in types if column != PIPELINE_ID)
    columns = [name(column) for column in shown]
    if placed:
        columns += [f"{_plain(column)} AS {name(f'place.{at}')}" for at, column in enumerate(PLACE)]
    end = f" LIMIT {limit}" if limit else ""
    return f"SELECT {', '.join(columns)} FROM {ALL}{rows.where}{_order(search)}{end}"  # noqa: S608  # names are quoted


def _plain(column: str) -> str:
    return f"epoch_ms({name(column)})" if column == "time" else name(column)


def _order(search: Search) -> str:
    direction = "DESC" if search.newest_first else "ASC"
    return " ORDER BY " + ", ".join(f"{name(column)} {direction}" for column in PLACE)


def _listed(types: Mapping[str, str]) -> str:
    known = sorted(types)
    return ", ".join(known[:_SHOWN]) + (" …" if len(known) > _SHOWN else "")


def _after(place: Place, *, newest_first: bool) -> tuple[str, list[Any]]:
    sign = "<" if newest_first else ">"
    time = moment(place.time_ms)
    columns = ", ".join(name(column) for column in PLACE)
    return f"(time {sign}= {time} AND ({columns}) {sign} ({time}, ?, ?, ?))", [
        place.pipeline_id,
        place.partition,
        place.row,
    ]


def _condition(condition: Condition, type_: str) -> tuple[str, list[Any]]:
    column = name(condition.column)
    depth = type_.count("[")
    if not depth:
        return _compared(column, condition)
    for _ in range(depth - 1):
        column = f"flatten({column})"
    text, values = _compared("element", condition)
    return f"len(list_filter({column}, lambda element: {text})) > 0", values


def _compared(column: str, condition: Condition) -> tuple[str, list[Any]]:
    value = condition.value
    if condition.operator is Operator.IN and isinstance(value, tuple):
        marks = ", ".join("?" for _ in value) or "NULL"
        return f"{column} IN ({marks})", list(value)
    if condition.operator is Operator.CONTAINS:
        return f"contains(lower({column}::VARCHAR), lower(?::VARCHAR))", [value]
    if condition.operator is Operator.EQUAL:
        return f"{column} IS NOT DISTINCT FROM ?" if value is None else f"{column} = ?", [value]
    if condition.operator is Operator.NOT_EQUAL:
        return f"{column} IS DISTINCT FROM ?", [value]
    return f"{column} {condition.operator} ?", [value]
