"""The audit log: searching it, and taking it out."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response, StreamingResponse

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.chain import plain
from modelyard.core.audit.entities import AuditEntry, Outcome
from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.audit_search import AuditQuery, begin_export, export_page, search
from modelyard.dialects.native.audit_formats import FORMATS, Format, row
from modelyard.dialects.native.dialect import json, native
from modelyard.web.call import Call

_PAGE, _PAGE_MOST = 100, 1000
_EXPORTED_AT_ONCE = 1000
_TEXTS = ("actor", "actor_id", "action", "object_type", "object_id", "outcome", "address")
_FILTERS = frozenset({*_TEXTS, "since", "until"})


@native.get("/api/v1/audit", Permission.AUDIT_READ)
async def list_entries(call: Call) -> Response:
    """Entries, newest first; ``next_cursor`` is null on the last page."""
    given = _known(call.request.query_params, {"limit", "cursor"})
    limit = _number(given, "limit", _PAGE, _PAGE_MOST)
    query = replace(_query(given), before=_number(given, "cursor", 0, 2**62) or None)
    found = await call.services.store.read(search, call.actor, query, limit + 1)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return json({"items": [row(entry) for entry in found[:limit]], "next_cursor": following})


@native.get("/api/v1/audit/export", Permission.AUDIT_READ)
async def export(call: Call) -> Response:
    """All entries up to now, oldest first, as JSON lines or CSV."""
    given = _known(call.request.query_params, {"format"})
    name = given.get("format", "jsonl")
    if name not in FORMATS:
        raise invalid(f"format {name[:40]!r} is unknown; use one of {', '.join(FORMATS)}")
    filters = {key: plain(value) for key, value in given.items() if key in _FILTERS}
    query = await call.services.store.write(begin_export, call.actor, _query(given), format=name, filters=filters)
    headers = {"content-disposition": f'attachment; filename="audit.{name}"', "cache-control": "no-store"}
    return StreamingResponse(_written(call, query, FORMATS[name]), 200, headers, FORMATS[name].media_type)


async def _written(call: Call, query: AuditQuery, chosen: Format) -> AsyncIterator[bytes]:
    yield chosen.head()
    while page := await call.services.store.read(export_page, call.actor, query, _EXPORTED_AT_ONCE):
        yield _lines(page, chosen)
        query = replace(query, after=page[-1].id)


def _lines(page: list[AuditEntry], chosen: Format) -> bytes:
    return b"".join(chosen.line(entry) for entry in page)


def _known(given: QueryParams, options: set[str]) -> dict[str, str]:
    """The parameters: a misspelt filter must not show everything."""
    unknown = sorted(set(given) - _FILTERS - options)
    if unknown:
        raise invalid(f"unknown parameter {unknown[0][:40]!r}; there are: {', '.join(sorted(_FILTERS | options))}")
    if len(given.multi_items()) > len(given):
        raise invalid("each parameter may be given once")
    return dict(given)


def _query(given: dict[str, str]) -> AuditQuery:
    texts: dict[str, Any] = {name: given[name] for name in _TEXTS if name in given}
    if "outcome" in texts and texts["outcome"] not in set(Outcome):
        raise invalid(f"outcome {texts['outcome'][:40]!r} is unknown; use one of {', '.join(Outcome)}")
    return AuditQuery(_time(given, "since"), _time(given, "until"), **texts)


def _time(given: dict[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        moment = datetime.fromisoformat(given[name])
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise invalid(f"{name} {given[name][:40]!r} is not a time with an offset, as in 2026-03-01T12:00:00Z")
    return moment


def _number(given: dict[str, str], name: str, otherwise: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not 1 <= int(text) <= most:
        raise invalid(f"{name} {text[:40]!r} is not a whole number from 1 to {most}")
    return int(text)
