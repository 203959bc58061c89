"""Appends answered rows to this process's segments."""

import errno
import logging
import mmap
import os
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array, Column
from modelyard.segments.frames import (
    HEAD,
    JSON,
    LAST_MODEL,
    MAGIC,
    ColumnFormat,
    SegmentSchema,
    column_buffer,
    folder_name,
    note_text,
    rows_payload,
    schema_payload,
    segment_name,
)
from modelyard.segments.ownership import own

_LOG = logging.getLogger(__name__)
_SEGMENT_BYTES = 64 * 1024 * 1024
_STEP_BYTES = 1024 * 1024


class SegmentWriter:
    """See ``core.monitoring.inference_log.LogWriter``. ``worker`` names this process's partitions."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._worker = worker
        self._open: dict[tuple[int, Stream], _Segment] = {}
        self._ends: dict[tuple[int, Stream], tuple[int, int]] = {}
        self._lock = threading.Lock()

    def append(
        self,
        route: Route,
        time_ms: int,
        result: Result,
        extra: Mapping[str, Column],
        stream: Stream = Stream.REQUESTS,
    ) -> int:
        try:
            with self._lock:  # uncontended but for batches, which run in threads
                segment = self._open.get((route.pipeline_id, stream))
                size = segment.append(route, time_ms, result, extra) if segment else 0
                if not size:
                    segment = self._next(route.pipeline_id, stream, _bytes(result, extra))
                    size = segment.append_first(route, time_ms, result, extra)
                return size
        except OSError as error:
            _LOG.error("cannot write the inference log of pipeline %s: %s", route.pipeline_name, error)
            raise DomainError(
                ErrorKind.UNAVAILABLE, f"the inference log cannot be written ({error.strerror}); nothing was answered"
            ) from error

    def roll(self, seconds: float) -> None:
        """Close what has been written for longer than so many seconds: the next rows begin a new segment."""
        with self._lock:
            for key, segment in list(self._open.items()):
                if time.monotonic() - segment.begun > seconds:
                    self._shut(key)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for key in list(self._open):
                self._shut(key)

    def _shut(self, key: tuple[int, Stream]) -> None:
        segment = self._open.pop(key)
        self._ends[key] = segment.rows, segment.last_ms
        segment.close()

    def _next(self, pipeline_id: int, stream: Stream, size: int) -> "_Segment":
        """A new segment with room for rows of this many bytes, in place of the one that is open."""
        key = pipeline_id, stream
        if key in self._open:
            self._shut(key)
        rows, last_ms = self._ends.get(key, (0, 0))
        folder = self._folder / folder_name(pipeline_id, stream)
        folder.mkdir(parents=True, exist_ok=True)
        made = self._open[key] = _Segment(folder, f"{self._worker}-000000", rows, last_ms, size)
        return made


class _Segment:
    """One open file of a fixed size in memory; on disk, space is reserved a step ahead of what is written."""

    def __init__(self, folder: Path, partition: str, first: int, last_ms: int, at_least: int) -> None:
        self.first = self.rows = first
        self.last_ms = last_ms
        self.begun = time.monotonic()
        self._partition = partition
        self._path = path = folder / segment_name(partition, first)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._capacity = max(_SEGMENT_BYTES, at_least + 2 * _STEP_BYTES)
        self._reserved = 0
        self.size = len(MAGIC)
        self._schema: SegmentSchema | None = None
        self._route: Route | None = None
        self._names: list[str] = []
        self._answerers: set[str] = set()
        try:
            own(self._file)
            os.ftruncate(self._file, self._capacity)
            self._reserve(self.size)
            self._map = mmap.mmap(self._file, self._capacity)
        except OSError:  # it may work the next time, under the same name
            os.close(self._file)
            path.unlink()
            raise
        self._map[: self.size] = MAGIC

    def append(self, route: Route, time_ms: int, result: Result, extra: Mapping[str, Column]) -> int:
        """Write the rows; their size in bytes, or 0, and nothing written, when they do not fit any more."""
        schema = self._schema
        arrays = [*result.inputs.values(), *result.outputs.values()]
        known = schema is not None and not extra and self._knows(schema, route, result, arrays)
        if known and schema is not None:
            buffers = [array.tobytes() for array in arrays]
        else:
            schema, buffers = self._encoded(route, result, extra)
        time_ms = max(time_ms, self.last_ms)  # a clock that was set back sets no partition back
        payload = rows_payload(result.rows, time_ms, result.elapsed, buffers, _note(schema, result))
        if self.size + len(payload) + _STEP_BYTES > self._capacity:
            return 0
        head = b"" if known or schema == self._schema else schema_payload(schema)
        self._reserve(self.size + len(head) + len(payload) + 2 * HEAD.size)  # all of it, or none: it may be refused
        if head:
            self._write(head)
        self._write(payload)
        self.rows, self.last_ms = self.rows + result.rows, time_ms
        if not known:
            self._learn(schema, route, result, bare=not extra)
        return len(payload)

    def append_first(self, route: Route, time_ms: int, result: Result, extra: Mapping[str, Column]) -> int:
        """Write the rows that the segment was made for; their size in bytes."""
        size = self.append(route, time_ms, result, extra)
        if not size:
            raise OSError(errno.EFBIG, "the rows are larger than expected")
        return size

    def close(self) -> None:
        self._map.close()
        os.ftruncate(self._file, self.size)
        if self.rows == self.first:  # the next one has its name
            self._path.unlink()
        os.close(self._file)

    def _knows(self, schema: SegmentSchema, route: Route, result: Result, arrays: list[Array]) -> bool:
        """Whether this is nothing but tensors of the route that was logged last, of models that had these.

        Their types are known then.
        """
        return (
            route is self._route
            and result.last_model in self._answerers
            and not schema.has_json
            and result.plain
            and len(result.elapsed) == schema.steps
            and [*result.inputs, *result.outputs] == self._names
            and [array.shape[1:] for array in arrays] == schema.shapes
        )

    def _encoded(self, route: Route, result: Result, extra: Mapping[str, Column]) -> tuple[SegmentSchema, list[bytes]]:
        schema = self._schema
        columns = _columns(result, extra)
        made = _schema(route, result.last_model, columns, len(result.elapsed), self._partition)
        if schema is None or route is not self._route or not made.holds(schema):
            schema = made
        return schema, [column_buffer(f, v) for f, v in zip(schema.columns, columns.values(), strict=True)]

    def _learn(self, schema: SegmentSchema, route: Route, result: Result, *, bare: bool) -> None:
        """Note whose rows have this schema."""
        if schema is not self._schema or route is not self._route or not bare:
            self._schema, self._route = schema, route
            self._names = [*result.inputs, *result.outputs]
            self._answerers.clear()
        if bare:
            self._answerers.add(result.last_model)

    def _write(self, payload: bytes) -> None:
        """The payload first, its head last: a frame counts from the moment its head is there."""
        at, end = self.size + HEAD.size, self.size + HEAD.size + len(payload)
        self._map[at:end] = payload
        HEAD.pack_into(self._map, self.size, len(payload), zlib.crc32(payload))
        self.size = end

    def _reserve(self, end: int) -> None:
        """Claim space on the disk up to ``end``: writing to a page that has none would kill the process."""
        if end <= self._reserved:
            return
        upto = min(self._capacity, (end // _STEP_BYTES + 1) * _STEP_BYTES)
        os.posix_fallocate(self._file, self._reserved, upto - self._reserved)
        self._reserved = upto


def _note(schema: SegmentSchema, result: Result) -> bytes:
    """What the schema does not say of these rows; most often nothing."""
    last_model = result.last_model
    same = last_model == schema.constants[LAST_MODEL]
    return note_text(result.request_id, result.target, result.routing, None if same else last_model)


def _bytes(result: Result, extra: Mapping[str, Column]) -> int:
    """At most how many bytes the rows take."""
    size = _text_bytes((result.request_id, result.target, result.routing, result.last_model))
    for array in (*result.inputs.values(), *result.outputs.values(), *result.beside().values()):
        size += array.nbytes if array.dtype.kind != "O" else _text_bytes(array.tolist())
    return size + (_text_bytes([list(values) for values in extra.values()]) if extra else 0)


def _text_bytes(values: object) -> int:
    return 12 * len(repr(values))  # a character takes at most twelve bytes in JSON: two escaped surrogates


def _columns(result: Result, extra: Mapping[str, Column]) -> dict[str, Array]:
    columns = {f"in.{name}": array for name, array in result.inputs.items()}
    for name, values in extra.items():
        columns[f"in.{name}"] = values if isinstance(values, np.ndarray) else _objects(values)
    for name, array in result.outputs.items():
        columns[f"out.{name}"] = array
    return columns | result.beside()


def _objects(values: Column) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _schema(route: Route, last_model: str, columns: Mapping[str, Array], steps: int, partition: str) -> SegmentSchema:
    formats = tuple(_format(name, array) for name, array in columns.items())
    constants = {
        LAST_MODEL: last_model,
        "metadata.pipeline_version": route.pipeline_version,
        "metadata.partition": partition,
    }
    return SegmentSchema(formats, steps, constants)


def _format(name: str, array: Array) -> ColumnFormat:
    plain = array.dtype.kind in "fiub"
    return ColumnFormat(name, array.dtype.newbyteorder("<").str if plain else JSON, array.shape[1:] if plain else ())
