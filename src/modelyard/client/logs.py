"""What a pipeline was asked and what it answered, read back from the inference log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import httpx
import pyarrow as pa

from modelyard.client.arrow import ARROW_FILE, read_arrow
from modelyard.client.inference import PANDAS_RECORDS, Record
from modelyard.client.pipelines import Pipeline
from modelyard.client.times import format_time
from modelyard.client.transport import Transport, reading

PATH = "/v1/api/pipelines/get_logs"
MAX_PAGE = 1000
_EPOCH = datetime.fromtimestamp(0, UTC)


class Order(StrEnum):
    """Newest or oldest rows first."""

    NEWEST_FIRST = "desc"
    OLDEST_FIRST = "asc"


@dataclass(frozen=True)
class LogRange:
    """Which rows: at most `limit`, between two aware times where given."""

    limit: int = 100
    start: datetime | None = None
    end: datetime | None = None
    order: Order = Order.NEWEST_FIRST

    def request(self, pipeline: Pipeline, page_size: int) -> dict[str, Any]:
        """The body that asks for the first page. The API wants both times or none."""
        body = {
            "pipeline_name": pipeline.name,
            "workspace_id": pipeline.workspace_id,
            "order": self.order.value,
            "page_size": page_size,
        }
        if self.start is None and self.end is None:
            return body
        start, end = self.start or _EPOCH, self.end or datetime.now(UTC)
        return body | {"start_time": format_time(start), "end_time": format_time(end)}


class Logs:
    """The logs part of a client. Rows are nested: ``time``, ``in``, ``out``, ``anomaly``, ``metadata``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def records(self, pipeline: Pipeline, rows: LogRange) -> list[Record]:
        """The rows as JSON values."""
        found: list[Record] = []
        for page in self._pages(pipeline, rows, PANDAS_RECORDS):
            with reading("get_logs"):
                found += page.json()
            if len(found) >= rows.limit:
                break
        return found[: rows.limit]

    def tables(self, pipeline: Pipeline, rows: LogRange) -> list[pa.Table]:
        """The rows as Arrow tables: one for each stretch of pages with one schema."""
        found: list[pa.Table] = []
        left = rows.limit
        for page in self._pages(pipeline, rows, ARROW_FILE):
            table = read_arrow(page.content)[:left]
            if not table.num_rows:
                break
            if found and found[-1].schema.equals(table.schema):
                found[-1] = pa.concat_tables([found[-1], table])
            else:
                found.append(table)
            left -= table.num_rows
            if left <= 0:
                break
        return found

    def _pages(self, pipeline: Pipeline, rows: LogRange, accept: str) -> Iterator[httpx.Response]:
        body = rows.request(pipeline, min(rows.limit, MAX_PAGE))
        while True:
            page = self._transport.send("POST", PATH, json=body, headers={"Accept": accept})
            yield page
            cursor = page.headers.get("x-iteration-cursor")
            if not cursor:
                return
            body = body | {"cursor": cursor}
