"""Where commands write: data to standard output as a table or JSON, talk to standard error."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelyard.cli.options import Common, Output

T = TypeVar("T")

# What a table shows of each thing: a heading, and how to get the value below it.
Columns = Mapping[str, Callable[[T], object]]

# A table that no terminal reads must not be folded: the next program wants one row a line.
WIDTH_OF_PIPES = 10_000


class Screen:
    """One command's standard output and standard error."""

    def __init__(self, options: Common) -> None:
        self._as_json = options.output is Output.JSON
        self._quiet = options.quiet
        self._out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_PIPES)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def lively(self) -> bool:
        """Whether progress may be drawn in place: a person is watching standard error."""
        return self.err.is_terminal and not self._quiet

    def say(self, text: str) -> None:
        """Tell the person something that is not data."""
        if not self._quiet:
            self.err.print(text, markup=False)

    def rows(self, rows: Sequence[T], columns: Columns[T]) -> None:
        """Write a list: in JSON every field of each row, in a table the given columns."""
        if self._as_json:
            self.json(rows)
        elif rows:
            self._table(list(columns), [[_cell(value(row)) for value in columns.values()] for row in rows])
        else:
            self.say("There are none.")

    def one(self, thing: T, fields: Columns[T]) -> None:
        """Write one thing: in JSON all of it, otherwise a line for each field."""
        if self._as_json:
            self.json(thing)
        else:
            self._table([], [[name, _cell(value(thing))] for name, value in fields.items()])

    def json(self, value: object) -> None:
        """Write JSON: indented for a person, on one line for a program."""
        text = json.dumps(value, default=_jsonable, indent=2 if self._out.is_terminal else None, ensure_ascii=False)
        self._out.print(text, markup=False, soft_wrap=True)

    def _table(self, headers: list[str], rows: list[list[str]]) -> None:
        table = Table(box=None, show_header=bool(headers), pad_edge=False, header_style="bold")
        for header in headers or ("", ""):
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))  # as Text, so that no [word] is taken for markup
        self._out.print(table)


def _cell(value: object) -> str:
    match value:
        case None | () | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(_cell(item) for item in value)
    return str(value)


def _jsonable(value: object) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case tuple() | set():
            return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
