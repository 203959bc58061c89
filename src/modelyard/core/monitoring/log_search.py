"""Searching inference logs: what may be asked, about which pipelines, and by whom."""

import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.monitoring.logged import list_logged, logged
from modelyard.core.serving.entities import Form
from modelyard.core.serving.pipelines import get_pipeline

MOST_ROWS = 10_000
"""Rows of one page of a search, and of the answer to one statement; an export gives all."""
_CONDITIONS, _COLUMNS, _PIPELINES, _STATEMENT = 50, 1000, 500, 100_000

Scalar = str | int | float | bool | None


class Operator(StrEnum):
    """How a column is compared. A column of lists satisfies it when one of its elements does."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    IN = "in"


class Layout(StrEnum):
    """How found rows are written. ``PAGE`` is a JSON object with the columns, the rows and where to go on."""

    PAGE = "page"
    JSONL = "jsonl"
    CSV = "csv"
    ARROW = "arrow"
    ARROW_STREAM = "arrow-stream"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Condition:
    """``column`` is one of the log, as ``out.y``; ``value`` is a list for ``in``, else a scalar."""

    column: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: the row after which the next page begins."""

    time_ms: int
    pipeline_id: int
    partition: str
    row: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which logs: the named pipelines of a workspace, or all that one may read; within times, inclusive.

    ``workspace`` is its slug or its number.
    """

    workspace: str | int | None = None
    pipelines: tuple[str, ...] = ()
    stream: Stream = Stream.REQUESTS
    start: datetime | None = None
    end: datetime | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Which rows of the scope, by conditions that all hold, and which columns (none named: all) in which order."""

    where: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = ()
    newest_first: bool = True
    limit: int | None = 100
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT statement of the user's own over the views."""

    sql: str


@dataclass(frozen=True, slots=True)
class Source:
    """A pipeline whose log may be read."""

    pipeline_id: int
    workspace_id: int
    workspace: str
    pipeline: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the sources: nothing else can be read in answering it."""

    sources: tuple[Source, ...]
    scope: Scope
    asked: Search | Statement
    layout: Layout = Layout.PAGE


class LogSearch(Protocol):
    """Answers questions; each is answered apart from the server and from one another."""

    def answer(self, question: Question) -> AsyncIterator[bytes]:
        """The found rows, piece by piece, in the layout asked for.

        Raises ``INVALID`` for what cannot be asked, ``TIMED_OUT`` and ``TOO_LARGE`` for what takes too long or too much
        memory, and ``RATE_LIMITED`` where too many ask, all of them before the first piece wherever it is known then.
        """


def sources(tx: Tx, actor: Actor, scope: Scope) -> tuple[Source, ...]:
    """The pipelines of the scope, for those who may read their logs; one that was named is there or ``NOT_FOUND``."""
    ask(actor, Permission.LOGS_READ)
    if scope.pipelines and scope.workspace is None:
        raise invalid("pipelines are named within a workspace: give the workspace, too")
    if len(scope.pipelines) > _PIPELINES:
        raise invalid(f"at most {_PIPELINES} pipelines can be named at once")
    if scope.pipelines and isinstance(scope.workspace, str):
        found = [logged(tx, actor, scope.workspace, name).pipeline for name in dict.fromkeys(scope.pipelines)]
    elif scope.pipelines and isinstance(scope.workspace, int):
        number = scope.workspace
        names = dict.fromkeys(scope.pipelines)
        found = [get_pipeline(tx, actor, number, name, Permission.LOGS_READ).pipeline for name in names]
    else:
        found = [of.pipeline for of in list_logged(tx, actor, list(Form), _slug(tx, scope.workspace))]
    slugs = dict(tx.values(Workspace, ("id", "slug"), id=[pipeline.workspace_id for pipeline in found]))
    return tuple(Source(p.id, p.workspace_id, slugs[p.workspace_id], p.name) for p in found)


def _slug(tx: Tx, workspace: str | int | None) -> str | None:
    """The slug of a workspace given by its number; one that no workspace has where there is none."""
    if not isinstance(workspace, int):
        return workspace
    found = tx.get(Workspace, workspace)
    return found.slug if found is not None else "/"


def check_scope(scope: Scope) -> Scope:
    """The scope, or ``INVALID``."""
    for name, time in (("start", scope.start), ("end", scope.end)):
        if time is not None and time.tzinfo is None:
            raise invalid(f"{name} needs an offset, as in 2026-03-01T12:00:00Z")
    if scope.start is not None and scope.end is not None and scope.start > scope.end:
        raise invalid("the start of the time range comes after its end")
    return scope


def check_search(search: Search) -> Search:
    """The search, or ``INVALID`` naming what is wrong with it."""
    if len(search.where) > _CONDITIONS or len(search.columns) > _COLUMNS:
        raise invalid(f"at most {_CONDITIONS} conditions and {_COLUMNS} columns can be given")
    if search.limit is not None and search.limit < 1:
        raise invalid(f"limit must be at least 1, not {search.limit}")
    for condition in search.where:
        if isinstance(condition.value, tuple) != (condition.operator is Operator.IN):
            raise invalid(f"the condition on {condition.column!r}: `in` takes a list of values, the others take one")
    return search


def check_statement(sql: str) -> Statement:
    """The statement, of a bearable length; what it may read is decided where it is run."""
    if not sql.strip() or len(sql) > _STATEMENT:
        raise invalid(f"sql must be one SELECT statement of at most {_STATEMENT} characters")
    return Statement(sql)


def cursor_text(place: Sequence[object]) -> str:
    """A place (time, pipeline, partition, row) as it is given to clients."""
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode()


def place_in(cursor: str) -> Place:
    """The place that a cursor names; ``INVALID`` for what is none."""
    try:
        time_ms, pipeline_id, partition, row = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return Place(int(time_ms), int(pipeline_id), str(partition), int(row))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise invalid("the cursor is not one that this server gave") from error
