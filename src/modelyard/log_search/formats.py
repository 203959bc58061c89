"""Found rows as the bytes of a layout, piece by piece."""

import base64
import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from modelyard.core.monitoring.log_search import Layout

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GROUP_ROWS = 50_000


class Writer(Protocol):
    """Takes batches of one schema, gives bytes."""

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """What is to be sent now that these rows are there, too."""

    def end(self) -> bytes:
        """What is to be sent last."""


def written(rows: pa.RecordBatchReader, layout: Layout) -> Iterator[bytes]:
    """The rows in the layout."""
    writer = _WRITERS[layout](rows.schema)
    for batch in rows:
        piece = writer.batch(batch)
        if piece:
            yield piece
    yield writer.end()


class _Sink:
    """Collects what a writer of Arrow writes until it is sent."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._at = 0

    def write(self, data: Any) -> int:
        self._content += memoryview(data).cast("B")
        self._at += len(memoryview(data).cast("B"))
        return len(data)

    def taken(self) -> bytes:
        """All since the last time."""
        content, self._content = bytes(self._content), bytearray()
        return content

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back."""

    closed = False

    def close(self) -> None:
        """There is nothing to close."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _ArrowWriter:
    """Arrow's own formats and Parquet: all have a writer of batches."""

    def __init__(self, make: Callable[[Any, pa.Schema], Any], schema: pa.Schema) -> None:
        self._sink = _Sink()
        self._file = pa.PythonFile(self._sink, mode="w")
        self._writer = make(self._file, schema)

    def batch(self, batch: pa.RecordBatch) -> bytes:
        if isinstance(self._writer, pq.ParquetWriter):
            self._writer.write_batch(batch, row_group_size=_GROUP_ROWS)
        else:
            self._writer.write_batch(batch)
        return self._sink.taken()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.taken()


class _Lines:
    """A JSON object a row."""

    def __init__(self, schema: pa.Schema) -> None:
        del schema

    def batch(self, batch: pa.RecordBatch) -> bytes:
        return b"".join(_JSON.encode(row) + b"\n" for row in batch.to_pylist())

    def end(self) -> bytes:
        return b""


class _Csv:
    """RFC 4180 with a head; lists are JSON, and no text begins a formula (OWASP, CSV Injection)."""

    def __init__(self, schema: pa.Schema) -> None:
        self._head = [_cell(column) for column in schema.names]

    def batch(self, batch: pa.RecordBatch) -> bytes:
        columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
        return self._taken_head() + _csv(zip(*columns, strict=True))

    def end(self) -> bytes:
        return self._taken_head()

    def _taken_head(self) -> bytes:
        head, self._head = self._head, []
        return _csv([head]) if head else b""


def _csv(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(errors="replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else repr(value)
    return _JSON.encode(value).decode().strip('"')


def plain(value: Any) -> Any:
    """What JSON has no type for."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


_JSON = msgspec.json.Encoder(enc_hook=plain)
_WRITERS: dict[Layout, Callable[[pa.Schema], Writer]] = {
    Layout.JSONL: _Lines,
    Layout.CSV: _Csv,
    Layout.ARROW: lambda schema: _ArrowWriter(pa.ipc.new_file, schema),
    Layout.ARROW_STREAM: lambda schema: _ArrowWriter(pa.ipc.new_stream, schema),
    Layout.PARQUET: lambda schema: _ArrowWriter(pq.ParquetWriter, schema),
}
