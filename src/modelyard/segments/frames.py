"""The bytes of a segment.

Rows come in two kinds of frames: plain ones, and those that begin with what is to be known of their request alone, as
JSON. A reader that does not know a kind leaves it out.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.serving.tensors import Array

MAGIC = b"MYSEG1\r\n"
HEAD = struct.Struct("<II")
ROWS = struct.Struct("<BIq")
"""kind, number of rows, time in ms since 1970"""
NOTED_ROWS = struct.Struct("<BIqI")
"""The same, and the length of the note that follows."""

SCHEMA_KIND = 0
ROWS_KIND = 1
NOTED_ROWS_KIND = 2
LAST_MODEL = "metadata.last_model"
JSON = "json"
"""The dtype of a column that is kept as the JSON text of its values."""


def folder_name(pipeline_id: int, stream: Stream) -> str:
    """Where the segments of a pipeline's stream lie, below the folder of all."""
    return str(pipeline_id) if stream is Stream.REQUESTS else f"{pipeline_id}-{stream}"


def segment_name(partition: str, first: int) -> str:
    """The name of the segment that goes on with a partition at this row."""
    return f"{partition}+{first}.seg" if first else f"{partition}.seg"


def place_of(path: Path) -> tuple[str, int]:
    """(partition, number of the first row) of a segment."""
    partition, _, first = path.stem.partition("+")
    return partition, int(first or 0)


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

    def holds(self, other: "SegmentSchema") -> bool:
        """Whether rows of this one are rows of the other, but for the model that answered last."""
        return (
            self.columns == other.columns
            and self.steps == other.steps
            and {**self.constants, LAST_MODEL: ""} == {**other.constants, LAST_MODEL: ""}
        )

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


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of one request's rows: ``last_model`` only where it is not that of the schema."""

    request_id: str = ""
    target: str = ""
    routing: dict[str, Any] | None = None
    last_model: str | None = None


def note_text(request_id: str, target: str, routing: Mapping[str, Any] | None, last_model: str | None = None) -> bytes:
    """The fields of a ``Note`` as JSON, without what is not known; nothing when nothing is."""
    known: dict[str, Any] = {"id": request_id} if request_id else {}
    if target:
        known["target"] = target
    if routing:
        known["routing"] = routing
    if last_model:
        known["model"] = last_model
    if not known:
        return b""
    try:
        return orjson.dumps(known)
    except TypeError:  # JSON has what UTF-8 has not: halves of characters; and numbers of any size
        return _compact(known).encode()


def rows_payload(rows: int, time_ms: int, elapsed: list[int], buffers: list[bytes], note: bytes = b"") -> bytes:
    """The payload of rows; ``buffers`` follow the schema's columns, ``note`` is the text of a note."""
    times = _times(len(elapsed)).pack(*elapsed)
    if note:
        return b"".join((NOTED_ROWS.pack(NOTED_ROWS_KIND, rows, time_ms, len(note)), note, times, *buffers))
    return b"".join((ROWS.pack(ROWS_KIND, rows, time_ms), times, *buffers))


def read_note(payload: bytes | memoryview) -> tuple[Note, int]:
    """(what is noted of the rows, where they begin)."""
    if payload[0] != NOTED_ROWS_KIND:
        return _NOTHING, ROWS.size
    length = NOTED_ROWS.unpack_from(payload)[3]
    end = NOTED_ROWS.size + length
    data = json.loads(bytes(payload[NOTED_ROWS.size : end]))
    note = Note(data.get("id", ""), data.get("target", ""), data.get("routing"), data.get("model"))
    return note, end


def column_buffer(format_: ColumnFormat, values: Array | list[Any]) -> bytes:
    """The bytes of one column: its plain little-endian buffer, or the length and text of its JSON."""
    if format_.dtype != JSON:
        assert isinstance(values, np.ndarray)  # noqa: S101  # formats are made from the very arrays
        return values.tobytes()
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    text = json.dumps(plain, default=str).encode()
    return struct.pack("<I", len(text)) + text


_NOTHING = Note()
_compact = json.JSONEncoder(separators=(",", ":")).encode


@cache
def _times(steps: int) -> struct.Struct:
    return struct.Struct(f"<{steps}q")


@dataclass(frozen=True, slots=True)
class RowsPayload:
    """A rows payload taken apart: values by column name, fixed-width ones as [rows, *shape] views."""

    time_ms: int
    elapsed: tuple[int, ...]
    columns: dict[str, Array | list[Any]]
    note: Note


def read_rows(schema: SegmentSchema, payload: bytes | memoryview) -> RowsPayload:
    """The rows of a rows payload."""
    _, rows, time_ms = ROWS.unpack_from(payload)
    note, at = read_note(payload)
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
    return RowsPayload(time_ms, elapsed, columns, note)
