"""How tensors go between the server and a model's process: frames with Arrow record batches, over a stream.

A frame is a header of 24 bytes (little endian: kind u8, 3 bytes of nothing, length of the schema u32, request id u64,
length of the body u32, 4 bytes of nothing), an Arrow schema message and a body. The schema is there only when it is
not the one that the connection saw last; the body is one Arrow record batch message without compression, or for
``REJECTED`` and ``FAILED`` a text. Text that is made piece by piece is asked for by ``GENERATE`` (JSON), comes in
``PIECE`` (text) and is complete with ``END`` (JSON), see ``generation``; these have no schema either. See
https://arrow.apache.org/docs/format/Columnar.html for the messages.

A tensor [N, …] is a column of N fixed-size lists, a tensor [N] a column of N values; the field's metadata has its
``dtype`` and the ``shape`` of a row. Texts are utf8, ``json`` is their JSON as utf8, truth values are bytes.
"""

import json
import math
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa

from modelyard_runtime import layouts
from modelyard_runtime.model import Array

HEADER = struct.Struct("<BxxxIQIxxxx")
LIMIT = 2**28
"""Bytes that the schema and the body of a frame may have together."""
_TEXT_BYTES = 8192
_SCHEMA_BYTES = 2**20
_KNOWN_SCHEMAS = 256
_PIECE = 2**16
_MOST_DIMENSIONS = 32

_SIZES = ("8", "16", "32", "64")
_NUMBERS = {name: np.dtype(name) for name in ("float16", "float32", "float64", "bool")} | {
    f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in _SIZES
}
_ARROW = {name: pa.uint8() if name == "bool" else pa.from_numpy_dtype(dtype) for name, dtype in _NUMBERS.items()}
_TEXTS = ("string", "json")

Named = tuple[str, str, Array]
"""A tensor's name and dtype, and its values; values of another type than "string" and "json" say theirs themselves."""


class Kind(IntEnum):
    """What a frame is."""

    PREDICT = 1
    ANSWER = 2
    REJECTED = 3
    FAILED = 4
    GENERATE = 5
    PIECE = 6
    END = 7


class MalformedError(Exception):
    """What came is no frame, or holds no tensors; nothing more can be read from this connection."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came."""

    kind: Kind
    id: int
    schema: memoryview
    body: memoryview

    def text(self) -> str:
        """What a frame says that is about no tensors."""
        return bytes(self.body[:_TEXT_BYTES]).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    dtype: str
    row: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """A schema that came, and the batches of it that came: by their length and metadata."""

    schema: pa.Schema
    fields: list[_Field]
    known: dict[tuple[int, bytes], list[layouts.Column]] = field(default_factory=dict)


def say(kind: Kind, number: int, text: str) -> bytes:
    """A frame with a text, cut where it is too long."""
    return carry(kind, number, text.encode(errors="replace")[:_TEXT_BYTES])


def carry(kind: Kind, number: int, body: bytes) -> bytes:
    """A frame with these bytes; ``ValueError`` when they are too many."""
    if len(body) > LIMIT:
        raise ValueError(f"{len(body)} bytes are more than the {LIMIT} that can be sent at once")
    return HEADER.pack(kind, 0, number, len(body)) + body


class Encoder:
    """Writes the frames of one direction of one connection."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[pa.Schema, bytes]] = {}
        self._last: tuple[Any, ...] | None = None
        self._written: dict[tuple[Any, ...], tuple[tuple[Any, ...], layouts.Written]] = {}

    def encode(self, kind: Kind, number: int, tensors: Sequence[Named]) -> bytes:
        """The frame; ``ValueError`` when a value is of no type that can be sent."""
        again = tuple([(name, dtype, array.dtype, array.shape) for name, dtype, array in tensors])
        if (found := self._written.get(again)) is not None:
            key, layout = found
            message, self._last = (b"" if key == self._last else self._known[key][1]), key
            body = layout.body([array for _, _, array in tensors])
            return b"".join((HEADER.pack(kind, len(message), number, len(body)), message, body))
        return self._by_arrow(kind, number, tensors, again)

    def _by_arrow(self, kind: Kind, number: int, tensors: Sequence[Named], again: tuple[Any, ...]) -> bytes:
        fields, columns, rows = [], [], 0
        for name, dtype, array in tensors:
            kept = dtype if dtype in _TEXTS else array.dtype.name
            row, rows = array.shape[1:], len(array)
            fields.append((name, kept, row))
            columns.append(_column(array, kept, row))
        key = tuple(fields)
        schema, message = self._known.get(key) or self._schema(key)
        batch = pa.RecordBatch.from_arrays(columns, schema=schema) if columns else _empty(schema)
        body = batch.serialize()
        message, self._last = (b"" if key == self._last else message), key
        if len(message) + body.size > LIMIT:
            self._last = None
            raise ValueError(f"{rows} rows are {body.size} bytes, more than the {LIMIT} that can be sent at once")
        if body.size <= layouts.SMALL:
            self._keep_layout(again, key, body.to_pybytes(), [array for _, _, array in tensors])
        return b"".join((HEADER.pack(kind, len(message), number, body.size), message, body))

    def _keep_layout(self, again: tuple[Any, ...], key: tuple[Any, ...], body: bytes, arrays: list[Array]) -> None:
        if not arrays or any(field[1] in _TEXTS for field in key):
            return
        if len(self._written) >= layouts.MOST:
            self._written.clear()
        if (layout := layouts.written(body, arrays)) is not None:
            self._written[again] = key, layout

    def _schema(self, key: tuple[tuple[str, str, tuple[int, ...]], ...]) -> tuple[pa.Schema, bytes]:
        if len(self._known) >= _KNOWN_SCHEMAS:
            self._known.clear()
            self._written.clear()
        fields = [pa.field(name, _type(dtype, row), metadata=_metadata(dtype, row)) for name, dtype, row in key]
        schema = pa.schema(fields)
        found = self._known[key] = schema, schema.serialize().to_pybytes()
        return found


class Decoder:
    """Reads the tensors of the frames of one direction of one connection."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Seen] = {}
        self._last: _Seen | None = None

    def decode(self, frame: Frame) -> dict[str, Array]:
        """The tensors by name, numbers without a copy and not to be written to; ``MalformedError`` for anything odd."""
        try:
            return self._decode(frame)
        except (
            pa.ArrowException,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            OSError,
            struct.error,
            RecursionError,
        ) as error:
            raise MalformedError(f"the frame cannot be read: {type(error).__name__}") from error

    def _decode(self, frame: Frame) -> dict[str, Array]:
        seen, body = self._seen(frame.schema), frame.body
        if len(body) > layouts.SMALL:
            return _read(seen, body)[1]
        metadata = layouts.metadata(body)
        if (layout := seen.known.get((len(body), metadata))) is not None:
            return {column.name: column.read(body) for column in layout}
        batch, arrays = _read(seen, body)
        if batch.num_rows and not any(field.dtype in _TEXTS for field in seen.fields):
            if len(seen.known) >= layouts.MOST:
                seen.known.clear()
            seen.known[len(body), metadata] = _layout(batch, seen.fields, body)
        return arrays

    def _seen(self, schema: memoryview) -> "_Seen":
        if not schema:
            if self._last is None:
                raise MalformedError("a frame without a schema came first")
            return self._last
        key = bytes(schema)
        if key not in self._known:
            if len(self._known) >= _KNOWN_SCHEMAS:
                self._known.clear()
            read = pa.ipc.read_schema(pa.py_buffer(key))
            self._known[key] = _Seen(read, [_field(each) for each in read])
        self._last = self._known[key]
        return self._last


class Inbox:
    """What has come over one connection and was not taken yet."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._piece = memoryview(bytearray(_PIECE))

    def fill(self, connection: socket.socket) -> bool:
        """Receive once; False when the other side has ended the connection."""
        size = connection.recv_into(self._piece)
        self._data += self._piece[:size]
        return size > 0

    def take(self) -> Frame | None:
        """The next frame, None while it is not whole; ``MalformedError`` when it can be none."""
        if len(self._data) < HEADER.size:
            return None
        kind, schema, number, body = HEADER.unpack_from(self._data)
        if schema > _SCHEMA_BYTES or schema % 8 or schema + body > LIMIT or kind not in _KINDS:
            raise MalformedError("that is no frame")
        end = HEADER.size + schema + body
        if len(self._data) < end:
            return None
        if len(self._data) == end:
            data, self._data = self._data, bytearray()
        else:
            data = self._data[:end]
            del self._data[:end]
        view = memoryview(data).toreadonly()
        return Frame(Kind(kind), number, view[HEADER.size : HEADER.size + schema], view[HEADER.size + schema :])


_KINDS = frozenset(Kind)


def _type(dtype: str, row: tuple[int, ...]) -> pa.DataType:
    one = pa.string() if dtype in _TEXTS else _ARROW[dtype]
    return pa.list_(one, math.prod(row)) if row else one


def _metadata(dtype: str, row: tuple[int, ...]) -> dict[str, str]:
    return {"dtype": dtype, "shape": ",".join(map(str, row))}


def _column(array: Array, dtype: str, row: tuple[int, ...]) -> pa.Array:
    if dtype == "json":
        values = pa.array([json.dumps(value, default=_plain) for value in array.ravel().tolist()], pa.string())
    elif dtype == "string":
        values = pa.array([str(value) for value in array.ravel().tolist()], pa.string())
    elif dtype in _NUMBERS:
        data = np.ascontiguousarray(array)
        values = pa.Array.from_buffers(_ARROW[dtype], data.size, [None, pa.py_buffer(data)])
    else:
        raise ValueError(f"values of type {dtype} cannot be sent")
    if not row:
        return values
    return pa.Array.from_buffers(_type(dtype, row), len(array), [None], children=[values])


def _plain(value: Any) -> Any:
    """What models mix into JSON values: numpy's numbers and arrays."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise ValueError(f"a {type(value).__name__} is no JSON value")


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def _field(field: pa.Field) -> _Field:
    metadata = field.metadata or {}
    dtype, shape = metadata[b"dtype"].decode(), metadata[b"shape"].decode()
    row = tuple(map(int, shape.split(","))) if shape else ()
    if any(size < 0 for size in row) or len(row) >= _MOST_DIMENSIONS or field.type != _type(dtype, row):
        raise MalformedError("a column is not of the type that it says")
    return _Field(field.name, dtype, row, math.prod(row))


def _read(seen: _Seen, body: memoryview) -> tuple[pa.RecordBatch, dict[str, Array]]:
    _require_plain(body)
    batch = pa.ipc.read_record_batch(pa.py_buffer(body), seen.schema)
    batch.validate()
    rows = batch.num_rows
    return batch, {each.name: _array(batch.column(at), each, rows) for at, each in enumerate(seen.fields)}


def _layout(batch: pa.RecordBatch, fields: list[_Field], body: memoryview) -> list[layouts.Column]:
    """Where the columns of a batch of numbers are in its message."""
    start, found = pa.py_buffer(body).address, []
    for at, each in enumerate(fields):
        dtype = np.dtype(np.uint8) if each.dtype == "bool" else _NUMBERS[each.dtype]
        count = batch.num_rows * each.width
        offset = batch.column(at).buffers()[-1].address - start if count else 0
        shape = (batch.num_rows, *each.row)
        found.append(layouts.Column(each.name, dtype, count, offset, shape, each.dtype == "bool"))
    return found


def _array(column: pa.Array, field: _Field, rows: int) -> Array:
    shape = (rows, *field.row)
    if field.dtype in _TEXTS:
        return _objects(column, field, shape)
    dtype = np.dtype(np.bool_) if field.dtype == "bool" else _NUMBERS[field.dtype]
    count = rows * field.width
    if not count:
        return np.empty(shape, dtype)
    values = np.frombuffer(column.buffers()[-1], np.uint8 if field.dtype == "bool" else dtype, count)
    return (values != 0 if field.dtype == "bool" else values).reshape(shape)


def _objects(column: pa.Array, field: _Field, shape: tuple[int, ...]) -> Array:
    column.validate(full=True)  # offsets are looked at one by one
    values = (column.flatten() if field.row else column).to_pylist()
    if field.dtype == "json":
        values = [json.loads(value) for value in values]
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):  # at once, numpy would look into values that are lists
        array[at] = value
    return array.reshape(shape)


def _require_plain(message: memoryview) -> None:
    """Refuse a compressed batch: a few bytes could say that they become as much memory as there is.

    The message begins with 0xFFFFFFFF, the metadata's size and the metadata, a flatbuffer of the table ``Message``:
    (version, header type, header, …), whose header is a ``RecordBatch``: (length, nodes, buffers, compression, …).
    """
    message_table = 8 + _U32.unpack_from(message, 8)[0]
    slot = _slot(message, message_table, 2)
    if not slot:
        raise MalformedError("a message without a header")
    place = message_table + slot
    if _slot(message, place + _U32.unpack_from(message, place)[0], 3):
        raise MalformedError("the batch is compressed")


_U32, _I32, _U16 = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<H")


def _slot(message: memoryview, table: int, number: int) -> int:
    """Where in a flatbuffer's table the field of this number is, 0 where it is left out."""
    places = table - _I32.unpack_from(message, table)[0]
    if places < 0:
        raise MalformedError("a table outside of its message")
    at = 4 + 2 * number
    present = at + 2 <= _U16.unpack_from(message, places)[0]
    return int(_U16.unpack_from(message, places + at)[0]) if present else 0
