"""Archived rows as the log shows them."""

import json
from typing import Any

import pyarrow as pa

from modelyard.archive.formats import (
    BY_ROW,
    ELAPSED,
    PARTITION,
    REQUEST_ID,
    ROUTING,
    TARGET,
    VERSION,
    FileSchema,
    values_of,
)
from modelyard.core.monitoring.inference_log import LoggedRequest, anomalies
from modelyard.segments.frames import LAST_MODEL
from modelyard.segments.selection import moment
from modelyard.segments.source import Columns, Piece

_ALWAYS = (ELAPSED, LAST_MODEL, VERSION, PARTITION)
_NOTED = (REQUEST_ID, TARGET, ROUTING)


def columns_of(table: pa.Table, schema: FileSchema, *, noted: bool) -> Columns:
    """What a page shows of these rows."""
    values = _values(table, schema)
    checks = {name: values.pop(name) for name in list(values) if name.startswith("anomaly.")}
    columns: Columns = {"time": table["time"].cast(pa.int64()).to_numpy(), **values}
    columns |= anomalies(checks, table.num_rows)
    columns["metadata.dropped"] = [[] for _ in range(table.num_rows)]
    for name in (*_ALWAYS, *(_NOTED if noted else ())):
        columns[name] = table[name].to_pylist()
    return columns


def request_of(rows: pa.Table, schema: FileSchema, piece: Piece) -> LoggedRequest:
    """The request whose rows these are, as far as the piece goes."""
    frame = piece.frame
    return LoggedRequest(
        request_id=frame.request_id,
        time=moment(frame.time_ms),
        target=frame.target,
        routing=_routing(rows),
        partition=frame.partition,
        first=frame.first + piece.low,
        rows=piece.high - piece.low,
        columns={name: column[piece.low : piece.high] for name, column in _values(rows, schema).items()},
    )


def _values(table: pa.Table, schema: FileSchema) -> dict[str, Any]:
    return {column.name: values_of(column, table[column.name].combine_chunks()) for column in schema.columns}


def _routing(rows: pa.Table) -> dict[str, int | list[int]] | None:
    """What each branch chose: once, or for each row where it chose row by row."""
    if rows[ROUTING][0].as_py() is None:
        return None
    chosen = [json.loads(text) for text in rows[ROUTING].to_pylist()]
    by_row = json.loads(rows[BY_ROW][0].as_py() or "[]")
    return {
        branch: [each[branch] for each in chosen] if branch in by_row else chosen[0][branch] for branch in chosen[0]
    }
