"""Rows of segments gathered for a file."""

import json
import struct
from typing import Any

import numpy as np
import pyarrow as pa

from modelyard.archive.formats import (
    BY_ROW,
    COUNT,
    ELAPSED,
    FIRST,
    PARTITION,
    REQUEST_ID,
    ROUTING,
    ROW,
    TARGET,
    VERSION,
    FileSchema,
    array_of,
)
from modelyard.segments.frames import JSON, LAST_MODEL, Note, SegmentSchema, read_note
from modelyard.segments.index import Frame

_LENGTH = struct.Struct("<I")


class GatheredRows:
    """Rows of one file schema, in the order they are added; ``size`` is about how many bytes they take."""

    def __init__(self, schema: FileSchema) -> None:
        self._schema = schema
        self._steps = struct.Struct(f"<{schema.steps}q")
        self._clear()

    def _clear(self) -> None:
        self.rows = self.size = 0
        self._buffers: list[list[bytes]] = [[] for _ in self._schema.columns]
        self._counts: list[int] = []
        self._times: list[int] = []
        self._firsts: list[int] = []
        self._elapsed: list[tuple[int, ...]] = []
        self._texts: dict[str, list[str]] = {PARTITION: [], TARGET: [], LAST_MODEL: [], VERSION: [], REQUEST_ID: []}
        self._routing: list[str | None] = []
        self._by_row: list[str | None] = []

    def add(self, frame: Frame, payload: memoryview) -> None:
        """Add the rows of a frame, which have this schema."""
        note, at = read_note(payload)
        self._elapsed.append(self._steps.unpack_from(payload, at))
        self._add_columns(frame.rows, payload, at + self._steps.size)
        self._counts.append(frame.rows)
        self._times.append(frame.time_ms)
        self._firsts.append(frame.first)
        self._add_texts(frame, note)
        self._add_routing(note, frame.rows)
        self.rows += frame.rows
        self.size += len(payload)

    @property
    def requests(self) -> int:
        """How many requests the rows are of."""
        return len(self._counts)

    def take(self) -> pa.Table:
        """The rows as a table; there are none of them here any more."""
        counts = np.array(self._counts)
        firsts = np.repeat(np.array(self._firsts, dtype=np.int64), counts)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        arrays = {
            "time": pa.array(np.repeat(np.array(self._times, dtype="datetime64[ms]"), counts)),
            FIRST: pa.array(firsts),
            ROW: pa.array(firsts + np.arange(len(firsts)) - starts),
            ROUTING: pa.array(self._routing, pa.string()),
            BY_ROW: pa.array(self._by_row, pa.string()),
            ELAPSED: _repeated(pa.array(self._elapsed, pa.list_(pa.int64())), counts),
        }
        arrays |= {name: _repeated(pa.array(texts, pa.string()), counts) for name, texts in self._texts.items()}
        columns = zip(self._schema.columns, self._buffers, strict=True)
        arrays |= {column.name: array_of(column, buffers) for column, buffers in columns}
        checks = [arrays[c.name].to_numpy(zero_copy_only=False) for c in self._schema.columns if _is_check(c.name)]
        arrays[COUNT] = pa.array(sum((check.astype(np.uint32) for check in checks), np.zeros(len(firsts), np.uint32)))
        self._clear()
        wanted = self._schema.arrow
        return pa.table([arrays[field.name].cast(field.type) for field in wanted], wanted)

    def _add_columns(self, rows: int, payload: memoryview, at: int) -> None:
        for column, buffers in zip(self._schema.columns, self._buffers, strict=True):
            if column.dtype == JSON:
                (length,) = _LENGTH.unpack_from(payload, at)
                at += _LENGTH.size
                buffers.extend(_one_by_one(bytes(payload[at : at + length]), rows))
            else:
                length = rows * column.row_bytes
                buffers.append(bytes(payload[at : at + length]))
            at += length

    def _add_texts(self, frame: Frame, note: Note) -> None:
        constants = frame.schema.constants
        texts = self._texts
        texts[PARTITION].append(frame.partition)
        texts[TARGET].append(frame.target)
        texts[REQUEST_ID].append(frame.request_id or frame.place)
        texts[VERSION].append(constants[VERSION])
        texts[LAST_MODEL].append(constants[LAST_MODEL] if note.last_model is None else note.last_model)

    def _add_routing(self, note: Note, rows: int) -> None:
        if not note.routing:
            self._routing += [None] * rows
            self._by_row += [None] * rows
            return
        by_row = [branch for branch, choice in note.routing.items() if isinstance(choice, list)]
        self._routing += [json.dumps(chosen(note.routing, row)) for row in range(rows)]
        self._by_row += [json.dumps(by_row) if by_row else None] * rows


def chosen(routing: dict[str, Any], row: int) -> dict[str, int]:
    """What each branch chose for one row."""
    return {branch: choice[row] if isinstance(choice, list) else choice for branch, choice in routing.items()}


class FileSchemas:
    """The file schemas of the schemas of a segment, of which few follow one another in it."""

    def __init__(self) -> None:
        # Each with the schema that it was made of: while that is kept, no other one is the object of its id.
        self._known: dict[int, tuple[SegmentSchema, FileSchema]] = {}

    def of(self, schema: SegmentSchema) -> FileSchema:
        """The file schema for rows of this one."""
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = schema, FileSchema(schema.columns, schema.steps)
        return known[1]


def _one_by_one(text: bytes, rows: int) -> list[bytes]:
    """The JSON text of each row's value, of the JSON text of a list of them."""
    if rows == 1:
        return [text[1:-1]]
    return [json.dumps(value).encode() for value in json.loads(text)]


def _repeated(array: pa.Array, counts: Any) -> pa.Array:
    return array.take(pa.array(np.repeat(np.arange(len(counts)), counts)))


def _is_check(name: str) -> bool:
    return name.startswith("anomaly.")
