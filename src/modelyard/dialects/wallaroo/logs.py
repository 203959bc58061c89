"""Reading inference logs: by topic as the SDK does, and page by page as scripts do."""

import asyncio
import base64
import binascii
from dataclasses import replace
from datetime import datetime
from typing import Literal

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.names import number_in
from modelyard.core.monitoring.inference_log import Cursor, LogRows, Page, PageRequest, PageStatus
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import get_pipeline
from modelyard.dialects.wallaroo.dataset import Dataset, from_query
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.dialects.wallaroo.rows import ARROW_FILE, RECORDS, arrow_file, empty_arrow_file, records
from modelyard.dialects.wallaroo.topics import pipeline_of_topic
from modelyard.web.call import Call, decode, json_bytes

_PAGE_ROWS = 1000
_MOST_ROWS = 100_000
_PAGE_BYTES = 100 * 1024 * 1024
_NOTHING = Page(LogRows(0, {}), PageStatus.ALL, {})


class GetLogsBody(msgspec.Struct):
    """Which rows of a pipeline; times come together, and a cursor continues the page it came with."""

    workspace_id: int
    pipeline_name: str | None = None
    pipeline_id: str | None = None
    order: Literal["asc", "desc", "Asc", "Desc"] = "desc"
    cursor: str | None = None
    page_size: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


@wallaroo.get("/v1/logs/topic/{topic}", Permission.LOGS_READ)
async def topic(call: Call) -> Response:
    """The partitions of a topic: the number of their first row and of the one after their last."""
    pipeline = await call.services.store.read(pipeline_of_topic, call.actor, call.request.path_params["topic"])
    found = {}
    if pipeline is not None:
        found = await asyncio.to_thread(call.services.logs.partitions, pipeline.id)
    partitions = {name: {"start": part.start, "end": part.end} for name, part in found.items()}
    return json({"partitions": partitions, "bytes": sum(part.size for part in found.values())})


@wallaroo.post("/v1/logs/topic/{topic}/records", Permission.LOGS_READ, body=dict[str, int])
async def topic_records(call: Call) -> Response:
    """Rows of a topic; the body is the place to go on from, ``{}`` at first."""
    pipeline = await call.services.store.read(pipeline_of_topic, call.actor, call.request.path_params["topic"])
    request = _from_parameters(call, await call.json(dict[str, int]))
    page = _NOTHING
    if pipeline is not None:
        await _record(call, pipeline)
        page = await asyncio.to_thread(call.services.logs.page, pipeline.id, request)
    dataset = _dataset(call)
    # Readers of raw logs go on until there is no place to go on from: an empty one would send them back to the start.
    status = json_bytes({"status": page.status, "next": page.next or None})
    if "arrow" in call.request.headers.get("accept", ""):
        return Response(await asyncio.to_thread(_as_arrow, page, dataset, status), media_type=ARROW_FILE)
    body = await asyncio.to_thread(records, page.rows.columns, page.rows.rows, dataset)
    return Response(body, headers={"x-iteration-status": status.decode()}, media_type=RECORDS)


@wallaroo.post("/v1/api/pipelines/get_logs", Permission.LOGS_READ, body=GetLogsBody)
async def get_logs(call: Call) -> Response:
    """Rows of a pipeline; the answer's headers say why the page ended and how to go on."""
    body = await call.json(GetLogsBody)
    name = body.pipeline_name or body.pipeline_id
    if not name:
        raise invalid("say which pipeline: pipeline_name")
    view = await call.services.store.read(get_pipeline, call.actor, body.workspace_id, name, Permission.LOGS_READ)
    request = _from_body(body)
    await _record(call, view.pipeline)
    page = await asyncio.to_thread(call.services.logs.page, view.pipeline.id, request)
    headers = {"x-iteration-status": str(page.status)}
    if page.status is not PageStatus.ALL:
        headers["x-iteration-cursor"] = base64.urlsafe_b64encode(json_bytes(page.next)).decode()
    dataset = _dataset(call)
    if "arrow" in call.request.headers.get("accept", ""):
        return Response(await asyncio.to_thread(_as_arrow, page, dataset, None), 200, headers, ARROW_FILE)
    answer = await asyncio.to_thread(records, page.rows.columns, page.rows.rows, dataset)
    return Response(answer, 200, headers, RECORDS)


async def _record(call: Call, pipeline: Pipeline) -> None:
    place = {"workspace_id": pipeline.workspace_id, "name": pipeline.name}
    await call.services.audit.read(call.actor, Action.LOG_READ, "pipeline", pipeline.id, **place)


def _dataset(call: Call) -> Dataset:
    """The columns asked for. ``*`` means metadata, too: readers of raw logs look into it, others leave it out."""
    chosen = from_query(call.request.scope["query_string"])
    return replace(chosen, include=(*chosen.include, "metadata")) if "*" in chosen.include else chosen


def _as_arrow(page: Page, dataset: Dataset, status: bytes | None) -> bytes:
    if not page.rows.rows:
        return empty_arrow_file()
    return arrow_file(page.rows.columns, dataset, {b"status": status} if status else None)


def _from_parameters(call: Call, cursor: Cursor) -> PageRequest:
    query = call.request.query_params
    order = query.get("order", "asc").lower()
    if order not in ("asc", "desc"):
        raise invalid(f"order {order[:20]!r} is unknown; use asc or desc")
    start, end = _time(query.get("time.start")), _time(query.get("time.end"))
    if order == "desc" and start is not None:
        raise invalid("a time range is read oldest first; leave order out, or use asc")
    size = _number("page_size", query.get("page_size"), _PAGE_ROWS)
    most = _number("dataset.max_bytes", query.get("dataset.max_bytes") or query.get("page_bytes"), _PAGE_BYTES)
    return _request(order == "desc", size, cursor, start, end, most)


def _from_body(body: GetLogsBody) -> PageRequest:
    newest_first = body.order.lower() == "desc"
    size = _PAGE_ROWS if body.page_size is None else body.page_size
    return _request(newest_first, size, _cursor(body.cursor), body.start_time, body.end_time, _PAGE_BYTES)


def _request(
    newest_first: bool, size: int, cursor: Cursor, start: datetime | None, end: datetime | None, most: int
) -> PageRequest:
    if (start is None) != (end is None):
        raise invalid("the start and the end of a time range come together")
    if start is not None and (start.tzinfo is None or end is None or end.tzinfo is None):
        raise invalid("times need an offset, as in 2026-03-01T12:00:00+00:00")
    if size < 1:
        raise invalid(f"page_size must be at least 1, not {size}")
    return PageRequest(newest_first, min(size, _MOST_ROWS), most, cursor or None, start, end)


def _cursor(text: str | None) -> Cursor:
    if not text:
        return {}
    try:
        return decode(base64.urlsafe_b64decode(text), Cursor)
    except (binascii.Error, DomainError) as error:
        raise invalid("the cursor is not one that this server gave") from error


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"{text[:40]!r} is not a time (RFC 3339)") from error


def _number(name: str, text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    number = number_in(text, 12)
    if number is None:
        raise invalid(f"{name} {text[:40]!r} is not a number")
    return number
