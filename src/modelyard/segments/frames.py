"""The bytes of a segment."""

import json
import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.serving.tensors import Array

MAGIC = b"MYSEG1\r\n"
HEAD = struct.Struct("<II")
ROWS = struct.Struct("<BIq")
"""kind, number of rows, time in ms since 1970"""

SCHEMA_KIND = 0
ROWS_KIND = 1
JSON = "json"
"""The dtype of a column that is kept as the JSON text of its values."""


def folder_name(pipeline_id: int, stream: Stream) -> str:
    """Where the segments of a pipeline's stream lie, below the folder of all."""
    return str(pipeline_id) if stream is Stream.REQUESTS else f"{pipeline_id}-{stream}"


@dataclass(frozen=True, slots=True)
class ColumnFormat:
    """A column's name, numpy dtype (or ``json``) and the shape of one row's value."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, for a column of fixed width."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class SegmentSchema:
    """What rows frames hold: columns in order, the number of step times, and values that all rows share."""

    columns: tuple[ColumnFormat, ...]
    steps: int
    constants: dict[str, str]
    shapes: list[tuple[int, ...]] = field(init=False, compare=False)
    has_json: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shapes", [column.shape for column in self.columns])
        object.__setattr__(self, "has_json", any(column.dtype == JSON for column in self.columns))

    def layout(self) -> tuple[Any, ...]:
        """What must be equal for rows to stand in one table."""
        return (*self.columns, *self.constants)


def schema_payload(schema: SegmentSchema) -> bytes:
    """The payload that announces a schema."""
    columns = [[column.name, column.dtype, list(column.shape)] for column in schema.columns]
    text = json.dumps({"columns": columns, "steps": schema.steps, "constants": schema.constants})
    return bytes([SCHEMA_KIND]) + text.encode()


def read_schema(payload: bytes | memoryview) -> SegmentSchema:
    """The schema of a schema payload."""
    data = json.loads(bytes(payload[1:]))
    columns = tuple(ColumnFormat(name, dtype, tuple(shape)) for name, dtype, shape in data["columns"])
    return SegmentSchema(columns, data["steps"], data["constants"])


def rows_payload(rows: int, time_ms: int, elapsed: list[int], buffers: list[bytes]) -> bytes:
    """The payload of rows; ``buffers`` follow the schema's columns."""
    return b"".join((ROWS.pack(ROWS_KIND, rows, time_ms), _times(len(elapsed)).pack(*elapsed), *buffers))


def column_buffer(format_: ColumnFormat, values: Array | list[Any]) -> bytes:
    """The bytes of one column: its plain little-endian buffer, or the length and text of its JSON."""
    if format_.dtype != JSON:
        assert isinstance(values, np.ndarray)  # noqa: S101  # formats are made from the very arrays
        return values.tobytes()
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    text = json.dumps(plain, default=str).encode()
    return struct.pack("<I", len(text)) + text


@cache
def _times(steps: int) -> struct.Struct:
    return struct.Struct(f"<{steps}q")


@dataclass(frozen=True, slots=True)
class RowsPayload:
    """A rows payload taken apart: values by column name, fixed-width ones as [rows, *shape] views."""

    time_ms: int
    elapsed: tuple[int, ...]
    columns: dict[str, Array | list[Any]]


def read_rows(schema: SegmentSchema, payload: bytes | memoryview) -> RowsPayload:
    """The rows of a rows payload."""
    _, rows, time_ms = ROWS.unpack_from(payload)
    at = ROWS.size
    elapsed = _times(schema.steps).unpack_from(payload, at)
    at += 8 * schema.steps
    columns: dict[str, Array | list[Any]] = {}
    for column in schema.columns:
        if column.dtype == JSON:
            (length,) = struct.unpack_from("<I", payload, at)
            columns[column.name] = json.loads(bytes(payload[at + 4 : at + 4 + length]))
            at += 4 + length
        else:
            size = rows * column.row_bytes
            flat = np.frombuffer(payload[at : at + size], dtype=column.dtype)
            columns[column.name] = flat.reshape(rows, *column.shape)
            at += size
    return RowsPayload(time_ms, elapsed, columns)
