"""``Search`` and ``Order`` as SQL."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, literal, select
from sqlalchemy.sql import bindparam

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Attached, Compare, Order
from modelyard.core.kernel.store import Search
from modelyard.core.tracking import entities as tracking
from modelyard.storage.schema import TABLES

_FIELD = "attribute"
_ATTACHED: dict[tuple[type[Any], str], tuple[type[Any], str]] = {
    (tracking.Run, "tag"): (tracking.RunTag, "run_id"),
    (tracking.Run, "param"): (tracking.RunParam, "run_id"),
    (tracking.Run, "metric"): (tracking.LatestMetric, "run_id"),
    (tracking.Experiment, "tag"): (tracking.ExperimentTag, "experiment_id"),
    (tracking.RegisteredModel, "tag"): (tracking.RegisteredModelTag, "model_id"),
    (tracking.RegisteredVersion, "tag"): (tracking.RegisteredVersionTag, "model_version_id"),
    (tracking.LoggedModel, "tag"): (tracking.LoggedModelTag, "logged_model_id"),
    (tracking.LoggedModel, "param"): (tracking.LoggedModelParam, "logged_model_id"),
    (tracking.LoggedModel, "metric"): (tracking.LoggedModelMetric, "logged_model_id"),
}
_OPERATORS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "LIKE": lambda column, value: column.like(value),  # minds case: SQLite's connections are told to
    "ILIKE": lambda column, value: func.lower(column).like(func.lower(value)),
    "IN": lambda column, value: column.in_(value),
    "NOT IN": lambda column, value: column.not_in(value),
    "IS NULL": lambda column, _: column.is_(None),
    "IS NOT NULL": lambda column, _: column.is_not(None),
}
_KINDS = {TABLES[kind]: kind for kind, _ in _ATTACHED}


def condition(table: Table, name: str, search: Search) -> ColumnElement[bool]:
    """All conditions of the search."""
    each = (_one(table, f"{name}_{number}", item) for number, item in enumerate(search.conditions))
    return and_(literal(True), *each)  # SQL's true


def shape(search: Search) -> object:
    """What of a search decides the SQL text."""
    return (Search, *((type(item), _subject(item), item.op) for item in search.conditions))


def parameters(name: str, search: Search) -> dict[str, Any]:
    """What of a search is sent with the SQL text."""
    sent: dict[str, Any] = {}
    for number, item in enumerate(search.conditions):
        own = f"{name}_{number}"
        if not item.op.startswith("IS "):
            sent[own] = _value(item.op, item.value)
        if isinstance(item, Attached):
            sent[f"{own}_key"] = item.key
    return sent


def ordered(chosen: Select[Any], kind: type[Any], table: Table, orders: Sequence[Order], tie: Any) -> Select[Any]:
    """The query in this order; what is missing or no number comes last in either direction."""
    for number, order in enumerate(orders):
        if order.what == _FIELD:
            column = table.c[order.key]
            last: Any = case((column.is_(None), 1), else_=0)
        else:
            hung, owner = _attached(kind, order.what)
            hung = hung.alias(f"order_{number}")
            key: Any = bindparam(f"order_{number}_key")
            chosen = chosen.outerjoin(hung, and_(hung.c[owner] == _identity(table), hung.c.key == key))
            column = hung.c.value
            last = _last(hung)
        chosen = chosen.order_by(last, column.desc() if order.descending else column)
    return chosen.order_by(tie)


def order_shape(orders: Sequence[Order]) -> object:
    """What of the orders decides the SQL text."""
    return tuple((o.what, o.key if o.what == _FIELD else None, o.descending) for o in orders)


def order_parameters(orders: Sequence[Order]) -> dict[str, Any]:
    """What of the orders is sent with the SQL text."""
    return {f"order_{number}_key": order.key for number, order in enumerate(orders) if order.what != _FIELD}


def _last(hung: Any) -> Any:
    missing = (hung.c.value.is_(None), 2)
    return case((hung.c.is_nan, 1), missing, else_=0) if "is_nan" in hung.c else case(missing, else_=0)


def _one(table: Table, name: str, item: Compare | Attached) -> ColumnElement[bool]:
    if isinstance(item, Compare):
        return _compared(table.c[item.field], item.op, name)
    hung, owner = _attached(_KINDS[table], item.what)
    found = select(hung.c[owner]).where(hung.c.key == bindparam(f"{name}_key"))
    one: Any = _identity(table)
    if item.op == "IS NULL":
        missing: ColumnElement[bool] = ~one.in_(found)
        return missing
    if item.op != "IS NOT NULL":
        found = found.where(_compared(hung.c.value, item.op, name))
        found = found.where(~hung.c.is_nan) if "is_nan" in hung.c else found
    return and_(one.in_(found))


def _compared(column: Any, op: str, name: str) -> ColumnElement[bool]:
    value: Any = bindparam(name, expanding=op in ("IN", "NOT IN"))
    compared: ColumnElement[bool] = _OPERATORS[op](column, value)
    return compared


def _value(op: str, value: Any) -> Any:
    given = list(value) if op in ("IN", "NOT IN") else value
    for text in given if isinstance(given, list) else [given]:
        if isinstance(text, str) and "\0" in text:
            raise invalid("text must not contain the character NUL")
    return given


def _attached(kind: type[Any], what: str) -> tuple[Any, str]:
    hung, owner = _ATTACHED[kind, what]
    return TABLES[hung], owner


def _identity(table: Table) -> Any:
    return next(iter(table.primary_key))


def _subject(item: Compare | Attached) -> str:
    return item.field if isinstance(item, Compare) else item.what
