"""``modelyard logs query``, ``modelyard logs sql`` and ``modelyard logs export``"""

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.logs_range import ROWS, Rows
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, Output, examples
from modelyard.cli.screen import Screen
from modelyard.cli.session import in_workspace
from modelyard.client.log_search import ExportFormat, Found, LogCondition, LogQuery, LogScope

_CONDITION = re.compile(
    r"\s*(?P<column>\S+?)\s*(?P<op>!=|<=|>=|=|<|>|\bcontains\b|\bin\b)\s*(?P<value>.+?)\s*", re.DOTALL
)


@Parameter(name="*")
@dataclass(frozen=True)
class Conditions:
    """Which rows and columns."""

    where: tuple[str, ...] = ()
    """Only rows of which this is true, as "out.y > 0.5"; may be given several times."""

    column: tuple[str, ...] = ()
    """Only this column; may be given several times."""

    request_id: str | None = None
    """Only the rows of this request."""

    def query(self, rows: Rows) -> LogQuery:
        """The same as the client wants it. Raises UsageError for a condition that is none."""
        return LogQuery(tuple(map(condition, self.where)), self.column, rows.range().order)


CONDITIONS = Conditions()


def condition(text: str) -> LogCondition:
    """A condition as people write it: a column, an operator, a JSON value or a bare text."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no condition; write it like: out.y > 0.5")
    return LogCondition(found["column"], found["op"], _value(found["value"]))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'")


def query(
    *pipelines: str,
    rows: Rows = ROWS,
    conditions: Conditions = CONDITIONS,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Search the logs of pipelines by conditions.

    Parameters
    ----------
    pipelines
        Their names; without one, all of the workspace.
    """
    wanted = conditions.query(rows)
    with in_workspace(place) as session:
        scope = _scope(session.workspace.id, pipelines, rows, conditions.request_id)
        found = session.client.log_search.search(scope, wanted, rows.limit)
        _show(session.screen, found, whole=place.output is Output.JSON)


def sql(statement: str, /, *pipelines: str, rows: Rows = ROWS, place: InWorkspace = IN_WORKSPACE) -> None:
    """Ask the logs of pipelines in SQL: the views are `logs` and one for each pipeline, by its name.

    Parameters
    ----------
    statement
        One SELECT statement.
    pipelines
        Their names; without one, all of the workspace.
    """
    with in_workspace(place) as session:
        scope = _scope(session.workspace.id, pipelines, rows, None)
        found = session.client.log_search.sql(statement, scope)
        _show(session.screen, found, whole=place.output is Output.JSON)


def export(  # what, how, and where to
    *pipelines: str,
    rows: Rows = ROWS,
    conditions: Conditions = CONDITIONS,
    statement: Annotated[str | None, Parameter(name="--sql")] = None,
    file_format: Annotated[ExportFormat, Parameter(name="--format")] = ExportFormat.JSONL,
    out: Path | None = None,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Take the logs of pipelines out, all rows that fit, to a file or to standard output.

    Parameters
    ----------
    pipelines
        Their names; without one, all of the workspace.
    statement
        What a SELECT statement finds, instead of what conditions say.
    out
        The file; it is complete or not there.
    """
    wanted: LogQuery | str = statement if statement is not None else conditions.query(rows)
    with in_workspace(place) as session:
        scope = _scope(session.workspace.id, pipelines, rows, conditions.request_id)
        pieces = session.client.log_search.export(scope, wanted, file_format)
        if out is None:
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
            return
        _write(out, pieces)
        session.screen.say(f"Wrote {out}.")


def register(app: App) -> None:
    """Add the commands."""
    queries = examples(
        'logs query ccfraud -w fraud --where "out.dense_1 > 0.9" --since 1d', "logs query --request-id a1"
    )
    statements = examples('logs sql "select pipeline, count(*) from logs group by all" -w fraud')
    files = examples("logs export ccfraud -w fraud --since 7d --format parquet --out week.parquet")
    app.command(query, help_epilogue=queries)
    app.command(sql, help_epilogue=statements)
    app.command(export, help_epilogue=files)


def _scope(workspace_id: int, pipelines: tuple[str, ...], rows: Rows, request_id: str | None) -> LogScope:
    wanted = rows.range()
    return LogScope(workspace_id, pipelines, wanted.start, wanted.end, request_id)


def _show(screen: Screen, found: Found, *, whole: bool) -> None:
    if whole:
        screen.json(found.rows)
    else:
        screen.rows(found.rows, {name: partial(_cell, name) for name in found.columns})
    if found.more:
        screen.say("There are more; a limit or an export gives them.")


def _cell(name: str, row: dict[str, Any]) -> object:
    return row.get(name)


def _write(out: Path, pieces: Iterable[bytes]) -> None:
    partial_file = out.with_name(f"{out.name}.part")
    try:
        with partial_file.open("wb") as file:
            file.writelines(pieces)
        partial_file.replace(out)
    finally:
        partial_file.unlink(missing_ok=True)
