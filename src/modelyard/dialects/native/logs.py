"""Inference logs: searched by conditions or by SQL, and taken out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.monitoring.log_search import (
    MOST_ROWS,
    Condition,
    Layout,
    Operator,
    Question,
    Scope,
    Search,
    Statement,
    check_scope,
    check_search,
    check_statement,
    place_in,
    sources,
)
from modelyard.dialects.native.dialect import native
from modelyard.web.call import Call

_MEDIA_TYPES = {
    Layout.JSONL: "application/jsonl",
    Layout.CSV: "text/csv; charset=utf-8",
    Layout.ARROW: "application/vnd.apache.arrow.file",
    Layout.ARROW_STREAM: "application/vnd.apache.arrow.stream",
    Layout.PARQUET: "application/vnd.apache.parquet",
}


class ConditionBody(msgspec.Struct, forbid_unknown_fields=True):
    """A column of the log, how it is compared, and with what: a list for ``in``."""

    column: str
    op: Operator
    value: str | int | float | bool | list[str | int | float | bool | None] | None = None


class ScopeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which logs: some pipelines of a workspace, or all that the caller may read; times are inclusive.

    ``workspace`` is its slug or its number.
    """

    workspace: str | int | None = None
    pipelines: list[str] = []
    stream: Stream = Stream.REQUESTS
    start: datetime | None = None
    end: datetime | None = None
    request_id: str | None = None

    def scope(self) -> Scope:
        """The scope that is meant; ``INVALID`` when there can be none such."""
        where = (self.workspace, tuple(self.pipelines), self.stream, self.start, self.end, self.request_id)
        return check_scope(Scope(*where))


class SearchBody(ScopeBody, forbid_unknown_fields=True, kw_only=True):
    """Which rows, by conditions that all hold, and which of their columns; a cursor goes on where a page ended."""

    where: list[ConditionBody] = []
    columns: list[str] = []
    order: str = "desc"
    limit: int | None = None
    cursor: str | None = None

    def search(self, limit: int | None) -> Search:
        """The search that is meant, with the limit where the body has none; ``INVALID`` when there can be none such."""
        if self.order not in ("asc", "desc"):
            raise invalid(f"order {self.order[:20]!r} is unknown; use asc or desc")
        conditions = tuple(_condition(each) for each in self.where)
        after = None if self.cursor is None else place_in(self.cursor)
        limit = limit if self.limit is None else self.limit
        return check_search(Search(conditions, tuple(self.columns), self.order == "desc", limit, after))


class StatementBody(ScopeBody, forbid_unknown_fields=True, kw_only=True):
    """One SELECT statement over the views ``logs`` and one for each pipeline, by its name."""

    sql: str


class ExportBody(SearchBody, forbid_unknown_fields=True, kw_only=True):
    """What to take out: what a search finds, or with ``sql`` a statement, all of it, in a format."""

    format: str = "jsonl"
    sql: str | None = None


@native.post("/api/v1/logs/search", Permission.LOGS_READ, body=SearchBody)
async def search_logs(call: Call) -> Response:
    """A page of rows with their columns; ``next_cursor`` is null on the last page."""
    body = await call.json(SearchBody)
    search = body.search(100)
    if search.limit is not None and search.limit > MOST_ROWS:
        raise invalid(f"limit must be at most {MOST_ROWS}; an export gives all rows")
    return await _page(call, body.scope(), search)


@native.post("/api/v1/logs/sql", Permission.LOGS_READ, body=StatementBody)
async def query_logs(call: Call) -> Response:
    """What a statement finds; ``truncated`` says that there is more than is shown."""
    body = await call.json(StatementBody)
    return await _page(call, body.scope(), check_statement(body.sql))


@native.post("/api/v1/logs/export", Permission.LOGS_READ, body=ExportBody)
async def export_logs(call: Call) -> Response:
    """All that is found, as a file: ``jsonl``, ``csv``, ``parquet``, ``arrow`` or ``arrow-stream``."""
    body = await call.json(ExportBody)
    layout = _layout(body.format)
    asked = body.search(None) if body.sql is None else check_statement(body.sql)
    question = await _question(call, body.scope(), asked, layout)
    pieces = call.services.log_search.answer(question)
    first = await anext(pieces, b"")  # what is refused is refused before anything was sent
    name = "logs." + ("arrow" if layout is Layout.ARROW_STREAM else layout)
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(_from(first, pieces), 200, headers, _MEDIA_TYPES[layout])


async def _page(call: Call, scope: Scope, asked: Search | Statement) -> Response:
    question = await _question(call, scope, asked, Layout.PAGE)
    content = b"".join([piece async for piece in call.services.log_search.answer(question)])
    return Response(content, headers={"cache-control": "no-store"}, media_type="application/json")


async def _question(call: Call, scope: Scope, asked: Search | Statement, layout: Layout) -> Question:
    """The question, about logs that the caller may read; that they are read is recorded."""
    found = await call.services.store.read(sources, call.actor, scope)
    for source in found:
        place = {"workspace_id": source.workspace_id, "name": source.pipeline}
        await call.services.audit.read(call.actor, Action.LOG_READ, "pipeline", source.pipeline_id, **place)
    return Question(found, scope, asked, layout)


async def _from(first: bytes, pieces: Any) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


def _layout(name: str) -> Layout:
    if name not in {str(layout) for layout in _MEDIA_TYPES}:
        raise invalid(f"format {name[:40]!r} is unknown; use one of {', '.join(_MEDIA_TYPES)}")
    return Layout(name)


def _condition(body: ConditionBody) -> Condition:
    value = tuple(body.value) if isinstance(body.value, list) else body.value
    return Condition(body.column, body.op, value)
