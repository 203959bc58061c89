"""Statements compiled once and handed to the driver as text: on SQLite, where the way through the engine costs more
than the query.

SQLAlchemy writes the SQL and says how values are converted; only the execution is our own. Other databases are asked
through SQLAlchemy, whose cost is small against their network's.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Row = tuple[Any, ...]
Convert = Callable[[Any], Any]


class Prepared:
    """One statement for SQLite. ``run`` takes its parameters by name; lists are for ``IN``."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{statement} is no statement")
        self._compiled = compiled
        self._lists = sorted(
            compiled.bind_names[bind] for bind in compiled.bind_names if bind.expanding or bind.literal_execute
        )
        self._constants = {
            name: bind.effective_value for bind, name in compiled.bind_names.items() if not bind.required
        }
        self._binds: Mapping[str, Any] = compiled._bind_processors  # noqa: SLF001  # no public name for it
        self._results = _result_converters(compiled, dialect)
        self._texts: dict[tuple[int, ...], tuple[str, list[tuple[str, int | None]]]] = {}

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Row]:
        """All rows of a query."""
        found = self._execute(connection, parameters).fetchall()
        if not self._results:
            return found
        for at, convert in self._results:
            found = [(*row[:at], convert(row[at]), *row[at + 1 :]) for row in found]
        return found

    def _execute(self, connection: Connection, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        given = {**self._constants, **parameters}
        lengths = tuple(len(given[name]) for name in self._lists)
        known = self._texts.get(lengths)
        if known is None:
            known = self._texts[lengths] = self._expanded(given)
        text, places = known
        values = [self._value(given, name, at) for name, at in places]
        driver: Any = connection.connection.dbapi_connection
        try:
            cursor: sqlite3.Cursor = driver.execute(text, values)
        except sqlite3.Error as error:
            raise DBAPIError.instance(text, None, error, sqlite3.Error, dialect=connection.dialect) from error
        return cursor

    def _value(self, given: Mapping[str, Any], name: str, at: int | None) -> Any:
        value = given[name] if at is None else given[name][at]
        convert = self._binds.get(name)
        return value if convert is None or value is None else convert(value)

    def _expanded(self, given: Mapping[str, Any]) -> tuple[str, list[tuple[str, int | None]]]:
        """The text for lists of these lengths, and where each of its values comes from."""
        state = self._compiled.construct_expanded_state(dict(given), escape_names=False)
        members = {f"{name}_{number + 1}": (name, number) for name in self._lists for number in range(len(given[name]))}
        positions: Sequence[str] = state.positiontup or ()
        return state.statement, [members.get(position, (position, None)) for position in positions]


def _result_converters(compiled: SQLCompiler, dialect: Dialect) -> list[tuple[int, Convert]]:
    converters: list[tuple[int, Convert]] = []
    for at, column in enumerate(compiled._result_columns):  # noqa: SLF001  # no public name for it
        convert = column.type._cached_result_processor(dialect, None)  # noqa: SLF001
        if convert is not None:
            converters.append((at, convert))
    return converters
