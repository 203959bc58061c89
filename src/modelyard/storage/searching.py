"""Searches as SQL: conditions and orders on fields and on what hangs on entities, planned for many entities."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Join, Select, Table, and_, exists, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import bindparam

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Attached, Compare, Condition, OnDataset, Order
from modelyard.core.tracking import entities as tracking
from modelyard.storage.schema import TABLES

FEW = 5_000
"""Up to so many entities it is cheaper to look them up and sort them than to go through an index in order."""

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
    "LIKE": lambda column, value: column.like(value, escape="\\"),  # minds case: SQLite's connections are told to
    "ILIKE": lambda column, value: func.lower(column).like(func.lower(value), escape="\\"),
    "IN": lambda column, value: column.in_(value),
    "NOT IN": lambda column, value: column.not_in(value),
    "IS NULL": lambda column, _: column.is_(None),
    "IS NOT NULL": lambda column, _: column.is_not(None),
}


class _LeftFirst(Join):
    """An inner join that begins with its left side: on SQLite, whose planner would rather sort everything."""

    inherit_cache = True


@compiles(_LeftFirst, "sqlite")
def _left_first(join: _LeftFirst, compiler: Any, **options: Any) -> str:
    text: str = compiler.visit_join(join, **options)
    return text.replace(" JOIN ", " CROSS JOIN ", 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for."""

    kind: type[Any]
    conditions: tuple[Condition, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search goes about it.

    ``few`` numbers the conditions that hold for few entities: those are looked up first. With ``first`` the entities
    are taken in the order of the first order's values, which an index has; ``pushed`` numbers the conditions on those
    very values. What lacks the value, or has no number, comes last and is not found that way: ``complete`` says that
    a condition excludes it anyway.
    """

    few: frozenset[int] = frozenset()
    first: str | None = None
    pushed: frozenset[int] = frozenset()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """A question whose answer is at most ``FEW`` rows: does a condition hold for fewer?"""

    shape: tuple[Any, ...]
    statement: Callable[[], Select[Any]]
    parameters: dict[str, Any]


def probe(kind: type[Any], item: Condition) -> Probe | None:
    """How to find out whether a condition holds for few; None where no index would tell quickly."""
    if not isinstance(item, Attached) or item.what != "metric" or item.op == "!=" or kind is not tracking.Run:
        return None
    hung, owner = _attached(kind, item.what)

    def statement() -> Select[Any]:
        holds = (hung.c.key == bindparam("probe_key"), _measured(hung, item.op, "probe"))
        return select(hung.c[owner]).where(*holds).limit(FEW)

    return Probe((Probe, kind, item.op), statement, {"probe": item.value, "probe_key": _value("=", item.key)})


def planned(asked: Asked, few: frozenset[int]) -> Plan:
    """The plan, when it is known by which conditions few entities are found."""
    first = asked.orders[0] if asked.orders else None
    if few or asked.kind is not tracking.Run or first is None or first.what != "metric":
        return Plan(few)
    same = [
        number
        for number, item in enumerate(asked.conditions)
        if isinstance(item, Attached) and (item.what, item.key) == (first.what, first.key)
    ]
    pushed = frozenset(number for number in same if not asked.conditions[number].op.startswith("IS "))
    complete = any(asked.conditions[number].op != "!=" for number in pushed)  # which what is no number satisfies, too
    return Plan(few, first.what, pushed, complete)


def statement(asked: Asked, plan: Plan, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """The keys of what is found, in order."""
    table = TABLES[asked.kind]
    chosen = select(_identity(table)).where(*conditions)
    driving = None
    if plan.first is not None:
        source, owner = _attached(asked.kind, plan.first)
        driving = source.alias("order_0")
        chosen = chosen.select_from(_LeftFirst(driving, table, driving.c[owner] == _identity(table)))
        chosen = chosen.where(driving.c.key == bindparam("order_0_key"), ~driving.c.is_nan)
    for number, item in enumerate(asked.conditions):
        name = f"search_{number}"
        if driving is not None and number in plan.pushed:
            chosen = chosen.where(_measured(driving, item.op, name))
        else:
            chosen = chosen.where(_one(table, name, item, few=number in plan.few))
    chosen = _ordered(chosen, asked, table, driving)
    return chosen.limit(bindparam("row_limit")).offset(bindparam("row_offset"))


def shape(asked: Asked) -> tuple[object, ...]:
    """What of a search decides the SQL text."""
    conditions = tuple((type(item), _subject(item), item.op) for item in asked.conditions)
    orders = tuple(
        (o.what, o.key if o.what == _FIELD else None, o.descending, o.on and (True, o.on.digest is not None))
        for o in asked.orders
    )
    return asked.kind, conditions, orders


def parameters(asked: Asked) -> dict[str, Any]:
    """What of a search is sent with the SQL text."""
    sent: dict[str, Any] = {}
    for number, item in enumerate(asked.conditions):
        name = f"search_{number}"
        if not item.op.startswith("IS "):
            sent[name] = _value(item.op, item.value)
        if isinstance(item, Attached) and item.what != _DATASET:
            sent |= {f"{name}_key": _value("=", item.key)} if item.key else {}
            for place, on in enumerate(item.on):
                sent |= _sent_on(f"{name}_on_{place}", on)
    for number, order in enumerate(asked.orders):
        if order.what != _FIELD:
            sent[f"order_{number}_key"] = _value("=", order.key)
        if order.on is not None:
            sent |= _sent_on(f"order_{number}", order.on)
    return sent


def _ordered(chosen: Select[Any], asked: Asked, table: Table, driving: Any) -> Select[Any]:
    """The query in its order; what is missing or no number comes last in either direction."""
    for number, order in enumerate(asked.orders):
        if order.what == _FIELD:
            column: Any = table.c[order.key]
            last: list[Any] = []
        elif number == 0 and driving is not None:
            column, last = driving.c.value, []
        else:
            chosen, column, last = _joined(chosen, asked.kind, table, number, order)
        ranked = column.desc() if order.descending else column.asc()
        maybe_missing = order.what != _FIELD or column.nullable
        known = driving is not None and number == 0
        chosen = chosen.order_by(*last, ranked.nulls_last() if maybe_missing and not known else ranked)
    return chosen.order_by(_identity(table))


def _sent_on(name: str, on: OnDataset) -> dict[str, Any]:
    sent = {f"{name}_name": _value("=", on.name)}
    return sent if on.digest is None else sent | {f"{name}_digest": _value("=", on.digest)}


def _joined(
    chosen: Select[Any], kind: type[Any], table: Table, number: int, order: Order
) -> tuple[Select[Any], Any, list[Any]]:
    """The query with the value to order by: (query, value, what says that it is no number)."""
    source, owner = _attached(kind, order.what)
    hung = source.alias(f"order_{number}")
    key: Any = bindparam(f"order_{number}_key")
    mine = and_(hung.c[owner] == _identity(table), hung.c.key == key)
    if source in _MANY_A_KEY:
        wanted = [mine] if order.on is None else [mine, _on(hung, f"order_{number}", order.on)]
        newest = select(hung.c.value).where(*wanted).correlate(table)
        ages = (hung.c.timestamp.desc(), hung.c.step.desc(), hung.c.run_id)
        return chosen, newest.order_by(*ages).limit(1).scalar_subquery(), []
    last = [hung.c.is_nan.asc().nulls_last()] if "is_nan" in hung.c else []
    return chosen.outerjoin(hung, mine), hung.c.value, last


def _on(hung: Any, name: str, on: OnDataset) -> ColumnElement[bool]:
    named: ColumnElement[bool] = hung.c.dataset_name == bindparam(f"{name}_name")
    return named if on.digest is None else and_(named, hung.c.dataset_digest == bindparam(f"{name}_digest"))


def _one(table: Table, name: str, item: Condition, *, few: bool) -> ColumnElement[bool]:
    if isinstance(item, Compare):
        return _compared(table.c[item.field], item.op, name)
    one: Any = _identity(table)
    if item.what == _DATASET:
        return and_(one.in_(_with_dataset(item, name)))
    hung, owner = _attached(_KINDS[table], item.what)
    holds = [hung.c.key == bindparam(f"{name}_key")] if item.key else []
    if item.on:
        holds.append(or_(*(_on(hung, f"{name}_on_{place}", on) for place, on in enumerate(item.on))))
    if not item.op.startswith("IS "):
        holds.append(_measured(hung, item.op, name) if "is_nan" in hung.c else _compared(hung.c.value, item.op, name))
    if few:
        return and_(one.in_(select(hung.c[owner]).where(*holds)))
    found = exists(select(hung.c[owner]).where(hung.c[owner] == one, *holds).correlate(table))
    return ~found if item.op == "IS NULL" else found


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
    if op in ("LIKE", "ILIKE"):
        return str(value).replace("\\", "\\\\")  # a backslash stands for itself: PostgreSQL would take it as an escape
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
