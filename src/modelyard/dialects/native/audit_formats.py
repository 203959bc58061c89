"""How an entry of the audit log is written: as a JSON object, as a line of JSON, as a row of CSV."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC
from typing import Any

from modelyard.core.audit.entities import AuditEntry
from modelyard.web.call import json_bytes

_COLUMNS = [field.name for field in fields(AuditEntry)]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """A media type, what a file of it begins with, and what an entry becomes."""

    media_type: str
    head: Callable[[], bytes]
    line: Callable[[AuditEntry], bytes]


def row(entry: AuditEntry) -> dict[str, Any]:
    """The entry as JSON types; its time in RFC 3339 with microseconds."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {name: getattr(entry, name) for name in _COLUMNS} | {"at": at}


def json_line(entry: AuditEntry) -> bytes:
    """The entry on a line of its own."""
    return json_bytes(row(entry)) + b"\n"


def csv_line(entry: AuditEntry) -> bytes:
    """The entry as a row of CSV (RFC 4180); ``details`` is JSON."""
    values = row(entry) | {"details": json_bytes(entry.details).decode()}
    return _csv([_cell(values[name]) for name in _COLUMNS])


def _cell(value: Any) -> str:
    """The value as text that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(values: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


FORMATS = {
    "jsonl": Format("application/jsonl", bytes, json_line),
    "csv": Format("text/csv; charset=utf-8", lambda: _csv(_COLUMNS), csv_line),
}
