"""``Search`` and ``Order`` as SQL."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, literal, or_, select
from sqlalchemy.sql import bindparam

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Attached, Compare, Condition, OnDataset, Order
from modelyard.core.kernel.store import Search
from modelyard.core.tracking import entities as tracking
from modelyard.storage.schema import TABLES

_FIELD = "attribute"
_DATASET = "dataset"
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
_KINDS = {TABLES[kind]: kind for kind, _ in _ATTACHED}
_MANY_A_KEY = {TABLES[tracking.LoggedModelMetric]}  # one entity has several values of one key there
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
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
        if isinstance(item, Attached) and item.what != _DATASET:
            sent |= {f"{own}_key": _value("=", item.key)} if item.key else {}
            for place, on in enumerate(item.on):
                sent |= _sent_on(f"{own}_on_{place}", on)
    return sent


def ordered(chosen: Select[Any], kind: type[Any], table: Table, orders: Sequence[Order], tie: Any) -> Select[Any]:
    """The query in this order; what is missing or no number comes last in either direction."""
    for number, order in enumerate(orders):
        if order.what == _FIELD:
            column = table.c[order.key]
            last: Any = [case((column.is_(None), 1), else_=0)] if column.nullable else []
        else:
            chosen, column, last = _joined(chosen, kind, table, number, order)
        chosen = chosen.order_by(*last, column.desc() if order.descending else column)
    return chosen.order_by(tie)


def order_shape(orders: Sequence[Order]) -> object:
    """What of the orders decides the SQL text."""
    return tuple(
        (o.what, o.key if o.what == _FIELD else None, o.descending, o.on and (True, o.on.digest is not None))
        for o in orders
    )


def order_parameters(orders: Sequence[Order]) -> dict[str, Any]:
    """What of the orders is sent with the SQL text."""
    sent: dict[str, Any] = {}
    for number, order in enumerate(orders):
        if order.what != _FIELD:
            sent[f"order_{number}_key"] = _value("=", order.key)
        if order.on is not None:
            sent |= _sent_on(f"order_{number}", order.on)
    return sent


def _sent_on(name: str, on: OnDataset) -> dict[str, Any]:
    sent = {f"{name}_name": _value("=", on.name)}
    return sent if on.digest is None else sent | {f"{name}_digest": _value("=", on.digest)}


def _joined(
    chosen: Select[Any], kind: type[Any], table: Table, number: int, order: Order
) -> tuple[Select[Any], Any, list[Any]]:
    """The query with the value to order by: (query, value, what says that it comes last)."""
    source, owner = _attached(kind, order.what)
    hung = source.alias(f"order_{number}")
    key: Any = bindparam(f"order_{number}_key")
    mine = and_(hung.c[owner] == _identity(table), hung.c.key == key)
    if source in _MANY_A_KEY:
        wanted = [mine] if order.on is None else [mine, _on(hung, f"order_{number}", order.on)]
        newest = select(hung.c.value).where(*wanted).correlate(table)
        ages = (hung.c.timestamp.desc(), hung.c.step.desc(), hung.c.run_id)
        value = newest.order_by(*ages).limit(1).scalar_subquery()
        return chosen, value, [case((value.is_(None), 1), else_=0)]
    missing = (hung.c.value.is_(None), 2)
    last = case((hung.c.is_nan, 1), missing, else_=0) if "is_nan" in hung.c else case(missing, else_=0)
    return chosen.outerjoin(hung, mine), hung.c.value, [last]


def _on(hung: Any, name: str, on: OnDataset) -> ColumnElement[bool]:
    named: ColumnElement[bool] = hung.c.dataset_name == bindparam(f"{name}_name")
    return named if on.digest is None else and_(named, hung.c.dataset_digest == bindparam(f"{name}_digest"))


def _one(table: Table, name: str, item: Condition) -> ColumnElement[bool]:
    if isinstance(item, Compare):
        return _compared(table.c[item.field], item.op, name)
    one: Any = _identity(table)
    if item.what == _DATASET:
        return and_(one.in_(_with_dataset(item, name)))
    hung, owner = _attached(_KINDS[table], item.what)
    found = select(hung.c[owner])
    found = found.where(hung.c.key == bindparam(f"{name}_key")) if item.key else found
    if item.on:
        found = found.where(or_(*(_on(hung, f"{name}_on_{place}", on) for place, on in enumerate(item.on))))
    if item.op == "IS NULL":
        missing: ColumnElement[bool] = ~one.in_(found)
        return missing
    if item.op != "IS NOT NULL":
        found = found.where(
            _measured(hung, item.op, name) if "is_nan" in hung.c else _compared(hung.c.value, item.op, name)
        )
    return and_(one.in_(found))


def _measured(hung: Any, op: str, name: str) -> ColumnElement[bool]:
    """What is no number differs from every number, and compares with none."""
    compares = _compared(hung.c.value, op, name)
    return or_(hung.c.is_nan, compares) if op == "!=" else and_(~hung.c.is_nan, compares)


def _with_dataset(item: Attached, name: str) -> Select[Any]:
    links, datasets = TABLES[tracking.RunDataset], TABLES[tracking.Dataset]
    found = select(links.c.run_id)
    if item.key == "context":
        return found.where(_compared(links.c.context, item.op, name))
    joined = found.join(datasets, datasets.c.id == links.c.dataset_id)
    return joined.where(_compared(datasets.c[item.key], item.op, name))


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


def _subject(item: Condition) -> object:
    if isinstance(item, Compare):
        return item.field
    if item.what == _DATASET:
        return item.what, item.key
    return item.what, bool(item.key), tuple(on.digest is not None for on in item.on)
