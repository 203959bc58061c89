"""Searching the inference log by conditions and by SQL, and taking it out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from modelyard.client.logs import Order
from modelyard.client.times import format_time
from modelyard.client.transport import Transport, reading

PATH = "/api/v1/logs"
MAX_PAGE = 10_000


class ExportFormat(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"
    ARROW_STREAM = "arrow-stream"


@dataclass(frozen=True)
class LogCondition:
    """A column (as ``out.y``), how it is compared (``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``contains``, ``in``),
    and with what."""

    column: str
    op: str
    value: Any


@dataclass(frozen=True)
class LogScope:
    """Which logs: pipelines of a workspace (its number), or all that one may read; aware times are inclusive."""

    workspace_id: int | None = None
    pipelines: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    request_id: str | None = None
    stream: str = "requests"

    def body(self) -> dict[str, Any]:
        """The same as the API takes it."""
        given = {
            "workspace": self.workspace_id,
            "pipelines": list(self.pipelines) or None,
            "start": self.start and format_time(self.start),
            "end": self.end and format_time(self.end),
            "request_id": self.request_id,
            "stream": self.stream,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class LogQuery:
    """Which rows: those for which all conditions hold; ``columns`` () are all."""

    where: tuple[LogCondition, ...] = ()
    columns: tuple[str, ...] = ()
    order: Order = Order.NEWEST_FIRST

    def body(self) -> dict[str, Any]:
        """The same as the API takes it."""
        conditions = [{"column": each.column, "op": each.op, "value": each.value} for each in self.where]
        return {"where": conditions, "columns": list(self.columns), "order": str(self.order)}


@dataclass(frozen=True)
class Found:
    """Rows by the names of their columns; ``more`` says that there are others."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    more: bool


class LogSearch:
    """The part of a client that searches logs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, scope: LogScope, query: LogQuery = LogQuery(), limit: int = 100) -> Found:  # frozen
        """At most ``limit`` rows, however many pages they are."""
        body = scope.body() | query.body()
        rows: list[dict[str, Any]] = []
        while True:
            page = self._transport.call(f"{PATH}/search", body | {"limit": min(limit - len(rows), MAX_PAGE)})
            with reading(PATH):
                rows += page["rows"]
                body["cursor"] = page["next_cursor"]
                columns = tuple(column["name"] for column in page["columns"])
            if body["cursor"] is None or len(rows) >= limit:
                return Found(columns, rows, body["cursor"] is not None)

    def sql(self, statement: str, scope: LogScope = LogScope()) -> Found:  # frozen
        """What one SELECT statement finds over the views ``logs`` and one for each pipeline, by its name."""
        page = self._transport.call(f"{PATH}/sql", scope.body() | {"sql": statement})
        with reading(PATH):
            columns = tuple(column["name"] for column in page["columns"])
            return Found(columns, page["rows"], page["truncated"])

    def export(
        self,
        scope: LogScope,
        what: LogQuery | str = LogQuery(),  # frozen
        file_format: ExportFormat = ExportFormat.JSONL,
    ) -> Iterator[bytes]:
        """All that a query or a statement finds, as the pieces of a file."""
        asked = {"sql": what} if isinstance(what, str) else what.body()
        body = scope.body() | asked | {"format": str(file_format)}
        with self._transport.stream("POST", f"{PATH}/export", json=body) as response:
            yield from response.iter_bytes()
