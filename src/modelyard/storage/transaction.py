"""``Tx`` over one SQL connection: entities in, entities out, statements built once for each shape of a query."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    select,
    update,
)
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement, bindparam

from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.errors import conflict, invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Between, Contains, Covering, Existing, Granted, Key, Part, StartsWith, Topic
from modelyard.storage import granting, searching
from modelyard.storage.prepared import Prepared
from modelyard.storage.schema import TABLES, generations
from modelyard.storage.searching import Asked, Plan

E = TypeVar("E")

_MANY = (list, tuple, set, frozenset)
_statements: dict[tuple[Any, ...], Select[Any]] = {}
_prepared: dict[tuple[Any, ...], Prepared] = {}
_insertions: dict[tuple[Any, ...], Any] = {}


class SqlTx:
    """See ``core.kernel.store.Tx``."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now
        self.touched: set[Topic] = set()

    def get(self, kind: type[E], key: Key) -> E | None:
        return self.first(kind, order_by=_key(kind).name, **{_key(kind).name: key})

    def first(self, kind: type[E], /, *, order_by: str = "id", **where: Any) -> E | None:
        found = self.find(kind, order_by=order_by, limit=1, **where)
        return found[0] if found else None

    def find(self, kind: type[E], /, *, order_by: str = "id", limit: int | None = None, **where: Any) -> list[E]:
        return [kind(*row) for row in self._rows(kind, (), order_by, limit, where)]

    def search(
        self, kind: type[E], conditions: Sequence[Condition], orders: Sequence[Order], part: Part, /, **where: Any
    ) -> list[E]:
        asked = Asked(kind, tuple(conditions), tuple(orders))
        plan = self._planned(asked)
        ids = self._searched(asked, plan, part, where)
        if plan.first is not None and not plan.complete and len(ids) < part.limit:
            ids = self._searched(asked, replace(plan, first=None, pushed=frozenset()), part, where)
        key = _key(kind).name
        found = {}
        for some in batches(ids):
            wanted: dict[str, Any] = {key: some}
            for entity in self.find(kind, order_by=key, **wanted):
                found[getattr(entity, key)] = entity
        return [found[each] for each in ids]

    def values(self, kind: type[Any], fields: tuple[str, ...], /, **where: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._rows(kind, fields, _key(kind).name, None, where)]

    def insert(self, entity: E) -> E:
        kind = type(entity)
        key = _key(kind)
        row = _row(entity)
        if row[key.name] == 0:
            del row[key.name]  # the engine numbers it
        try:
            result = self._connection.execute(TABLES[kind].insert(), row)
        except IntegrityError as error:
            raise _taken(kind) from error
        if key.name in row:
            return entity
        return kind(**{**row, key.name: _new_key(result)})

    def insert_all(self, entities: Sequence[Any], *, existing: Existing = Existing.REFUSE) -> None:
        if not entities:
            return
        kind = type(entities[0])
        rows = [_row(entity) for entity in entities]
        if rows[0][_key(kind).name] == 0:
            for row in rows:
                del row[_key(kind).name]
        try:
            self._connection.execute(self._insertion(kind, existing), rows)
        except IntegrityError as error:
            raise _taken(kind) from error

    def update(self, kind: type[E], key: Key, change: Callable[[E], E]) -> E:
        table, column = TABLES[kind], _key(kind)
        found = self._connection.execute(select(table).where(column == key).with_for_update()).first()
        if found is None:
            raise not_found(kind.__name__, key)
        old = kind(*found)
        new = change(old)
        changed = _changes(old, new)
        if changed:
            try:
                self._connection.execute(update(table).where(column == key).values(changed))
            except IntegrityError as error:
                raise _taken(kind) from error
        return new

    def change(self, kind: type[Any], values: Mapping[str, Any], /, **where: Any) -> int:
        table = TABLES[kind]
        statement = update(table).values({name: bindparam(f"new_{name}") for name in values})
        given = {f"new_{name}": value for name, value in values.items()}
        conditions = {f"if_{name}": value for name, value in where.items()}
        return self._connection.execute(statement.where(*_all(table, conditions)), given | _sent(conditions)).rowcount

    def delete(self, kind: type[Any], /, **where: Any) -> int:
        if not where:
            raise ValueError("delete needs a condition")
        table = TABLES[kind]
        return self._connection.execute(sql_delete(table).where(*_all(table, where)), _sent(where)).rowcount

    def touch(self, topic: Topic) -> None:
        if topic not in self.touched:
            self.touched.add(topic)
            bump = update(generations).where(generations.c.topic == topic).values(value=generations.c.value + 1)
            self._connection.execute(bump)

    def _insertion(self, kind: type[Any], existing: Existing) -> Any:
        key = (kind, existing, self._connection.dialect.name)
        made = _insertions.get(key)
        if made is None:
            made = _insertions[key] = _insertion(kind, existing, key[2])
        return made

    def _rows(
        self, kind: type[Any], fields: tuple[str, ...], order_by: str, limit: int | None, where: dict[str, Any]
    ) -> Collection[Any]:
        shape = (kind, fields, order_by, limit is not None, *_shapes(where))
        parameters = _sent(where) | ({} if limit is None else {"row_limit": limit})
        return self._asked(shape, lambda: _select(kind, fields, order_by, where, limited=limit is not None), parameters)

    def _planned(self, asked: Asked) -> Plan:
        """How to go about a search: by which of its conditions few entities can be found at once."""
        few = set()
        for number, item in enumerate(asked.conditions):
            probe = searching.probe(asked.kind, item)
            if probe is not None:
                rows = self._asked(probe.shape, probe.statement, probe.parameters)
                few |= {number} if len(rows) < searching.FEW else set()
        return searching.planned(asked, frozenset(few))

    def _searched(self, asked: Asked, plan: Plan, part: Part, where: dict[str, Any]) -> list[Any]:
        parameters = _sent(where) | searching.parameters(asked) | {"row_limit": part.limit, "row_offset": part.offset}
        table = TABLES[asked.kind]
        rows = self._asked(
            (searching.shape(asked), plan, *_shapes(where)),
            lambda: searching.statement(asked, plan, _all(table, where)),
            parameters,
        )
        return [key for (key, *_) in rows]

    def _asked(
        self, shape: tuple[Any, ...], statement: Callable[[], Select[Any]], parameters: dict[str, Any]
    ) -> Collection[Any]:
        """The rows of a statement that is made once for each shape."""
        dialect = self._connection.dialect
        if dialect.name != "sqlite":
            known = _statements.get(shape)
            if known is None:
                known = _statements[shape] = statement()
            return self._connection.execute(known, parameters).all()
        prepared = _prepared.get(shape)
        if prepared is None:
            prepared = _prepared[shape] = Prepared(statement(), dialect)
        return prepared.rows(self._connection, parameters)


def _all(table: Table, where: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [_condition(table, name, value) for name, value in where.items()]


def _shapes(where: dict[str, Any]) -> tuple[object, ...]:
    return tuple((name, _shape(value)) for name, value in where.items())


def _sent(where: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name, value in where.items():
        sent.update(_parameters(name, value))
    return sent


def _insertion(kind: type[Any], existing: Existing, dialect: str) -> Any:
    table = TABLES[kind]
    if existing is Existing.REFUSE:
        return table.insert()
    unique = next(item for item in table.constraints if isinstance(item, UniqueConstraint))
    columns = [column.name for column in unique.columns]
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if existing is Existing.KEEP:
        return made.on_conflict_do_nothing(index_elements=columns)
    changed = {c.name: made.excluded[c.name] for c in table.columns if c.name not in {*columns, _key(kind).name}}
    return made.on_conflict_do_update(index_elements=columns, set_=changed)


def _select(
    kind: type[Any], fields: tuple[str, ...], order_by: str, where: dict[str, Any], *, limited: bool
) -> Select[Any]:
    table = TABLES[kind]
    chosen = select(*(table.c[name] for name in fields)) if fields else select(table)
    order = table.c.get(order_by.lstrip("-"), _key(kind))
    tie = [] if order is _key(kind) else [_key(kind)]
    chosen = chosen.where(*_all(table, where))
    chosen = chosen.order_by(*(c.desc() if order_by.startswith("-") else c for c in [order, *tie]))
    return chosen.limit(bindparam("row_limit")) if limited else chosen


def _condition(table: Table, name: str, value: Any) -> ColumnElement[bool]:
    if isinstance(value, Granted):
        return granting.condition(table, name, value)
    if isinstance(value, Covering):
        return granting.covering(name, value)
    return _simple(table, name, value)


def _simple(table: Table, name: str, value: Any) -> ColumnElement[bool]:
    column = table.c[name.removeprefix("if_")]  # an UPDATE keeps the plain names for its new values
    if isinstance(value, _MANY):
        return column.in_(bindparam(name, expanding=True))
    if isinstance(value, Contains):
        return func.lower(column).like(bindparam(name), escape="\\")
    if isinstance(value, StartsWith):
        return _between(column, _range(value), name)
    if isinstance(value, Between):
        return _between(column, value, name)
    return column.is_(None) if value is None else column == bindparam(name)


def _between(column: Column[Any], value: Between, name: str) -> ColumnElement[bool]:
    kind = Text() if isinstance(column.type, String) else column.type  # the column's collation is not the value's
    low, high = bindparam(f"{name}_low", type_=kind), bindparam(f"{name}_high", type_=kind)
    if value.at_least is None:
        return column <= high
    if value.at_most is None:
        return column >= low
    return and_(column >= low, column <= high)


def _range(prefix: StartsWith) -> Between:
    """The texts from the prefix up to the last one that begins with it: a range that an index can answer."""
    return Between(prefix.text, prefix.text + chr(0x10FFFF))


def _shape(value: Any) -> object:
    """What of a condition decides the SQL text."""
    if isinstance(value, StartsWith):
        return StartsWith
    if isinstance(value, Between):
        return (Between, value.at_least is None, value.at_most is None)
    if isinstance(value, (Granted, Covering)):
        return granting.shape(value)
    if isinstance(value, (Contains, *_MANY)):
        return _MANY if isinstance(value, _MANY) else Contains
    return value is None


def _parameters(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    for text in value if isinstance(value, _MANY) else (getattr(value, "text", value),):
        _refuse_nul(text)
    if isinstance(value, Contains):
        escaped = value.text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {name: f"%{escaped}%"}
    if isinstance(value, StartsWith):
        value = _range(value)
    if isinstance(value, Between):
        bounds = {f"{name}_low": value.at_least, f"{name}_high": value.at_most}
        return {key: bound for key, bound in bounds.items() if bound is not None}
    if isinstance(value, (Granted, Covering)):
        return granting.parameters(name, value)
    return {name: [_held(member) for member in value] if isinstance(value, _MANY) else _held(value)}


def _held(value: Any) -> Any:
    """The value, or for a number that no column can hold NULL, which nothing is equal to."""
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def _new_key(result: CursorResult[Any]) -> Any:
    return (result.inserted_primary_key or (None,))[0]


def _key(kind: type[Any]) -> Column[Any]:
    return next(iter(TABLES[kind].primary_key))


def _row(entity: Any) -> dict[str, Any]:
    row = {field.name: getattr(entity, field.name) for field in fields(entity)}
    for value in row.values():
        _refuse_nul(value)
    return row


def _refuse_nul(value: Any) -> None:
    """PostgreSQL cannot hold the character, and SQLite reads text only up to it: no text may have it."""
    if isinstance(value, str) and "\0" in value:
        raise invalid("text must not contain the character NUL")


def _changes(old: Any, new: Any) -> dict[str, Any]:
    before, after = _row(old), _row(new)
    return {name: value for name, value in after.items() if value != before[name]}


def _taken(kind: type[Any]) -> Exception:
    return conflict(f"a {kind.__name__} like this already exists, or it refers to something that is gone")
