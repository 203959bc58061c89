"""Appends answered rows to this process's segments."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array, Column
from modelyard.segments.frames import (
    JSON,
    MAGIC,
    ColumnFormat,
    SegmentSchema,
    column_buffer,
    frame,
    rows_payload,
    schema_payload,
)

_LOG = logging.getLogger(__name__)
_SEAL_BYTES = 64 * 1024 * 1024


class SegmentWriter:
    """See ``core.monitoring.inference_log.LogWriter``. ``worker`` names this process's partitions."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._worker = worker
        self._open: dict[int, _Segment] = {}
        self._lock = threading.Lock()

    def append(self, route: Route, time_ms: int, result: Result, extra: Mapping[str, Column]) -> None:
        try:
            with self._lock:  # uncontended but for batches, which run in threads
                self._segment(route.pipeline_id).append(route, time_ms, result, extra)
        except OSError as error:
            _LOG.error("cannot write the inference log of pipeline %s: %s", route.pipeline_name, error)
            raise DomainError(
                ErrorKind.UNAVAILABLE, f"the inference log cannot be written ({error.strerror}); nothing was answered"
            ) from error

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for segment in self._open.values():
                segment.close()
            self._open.clear()

    def _segment(self, pipeline_id: int) -> "_Segment":
        segment = self._open.get(pipeline_id)
        if segment is not None and segment.size < _SEAL_BYTES:
            return segment
        number = 0 if segment is None else segment.number + 1
        if segment is not None:
            segment.close()
        folder = self._folder / str(pipeline_id)
        folder.mkdir(parents=True, exist_ok=True)
        made = self._open[pipeline_id] = _Segment(folder / f"{self._worker}-{number:06d}.seg", number)
        return made


class _Segment:
    """One open file."""

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self._partition = path.stem
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size = 0
        self._schema: SegmentSchema | None = None
        self._route: Route | None = None
        self._write(MAGIC)

    def append(self, route: Route, time_ms: int, result: Result, extra: Mapping[str, Column]) -> None:
        if extra or route is not self._route:
            columns = _columns(result, extra)
            schema = _schema(route, columns, len(result.elapsed), self._partition)
            buffers = [column_buffer(f, v) for f, v in zip(schema.columns, columns.values(), strict=True)]
        else:  # nothing but the tensors of the route that was logged last: their names and types are known
            schema, buffers = self._tensors(route, result)
        data = frame(rows_payload(result.rows, time_ms, result.elapsed, buffers))
        if schema is not self._schema and schema != self._schema:
            data = frame(schema_payload(schema)) + data
        self._write(data)
        self._schema, self._route = schema, None if extra else route

    def _tensors(self, route: Route, result: Result) -> tuple[SegmentSchema, list[bytes]]:
        schema = self._schema
        arrays = [*result.inputs.values(), *result.outputs.values()]
        if schema is None or [array.shape[1:] for array in arrays] != schema.shapes or schema.has_json:
            columns = _columns(result, {})
            schema = _schema(route, columns, len(result.elapsed), self._partition)
            return schema, [column_buffer(f, v) for f, v in zip(schema.columns, arrays, strict=True)]
        return schema, [array.tobytes() for array in arrays]

    def close(self) -> None:
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        """All of it or nothing: a frame cut short by a full disk is taken back."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:] if written else data)
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)


def _columns(result: Result, extra: Mapping[str, Column]) -> dict[str, Array]:
    columns = {f"in.{name}": array for name, array in result.inputs.items()}
    for name, values in extra.items():
        columns[f"in.{name}"] = values if isinstance(values, np.ndarray) else _objects(values)
    for name, array in result.outputs.items():
        columns[f"out.{name}"] = array
    return columns


def _objects(values: Column) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _schema(route: Route, columns: Mapping[str, Array], steps: int, partition: str) -> SegmentSchema:
    formats = tuple(_format(name, array) for name, array in columns.items())
    constants = {
        "metadata.last_model": route.last_model,
        "metadata.pipeline_version": route.pipeline_version,
        "metadata.partition": partition,
    }
    return SegmentSchema(formats, steps, constants)


def _format(name: str, array: Array) -> ColumnFormat:
    plain = array.dtype.kind in "fiub"
    return ColumnFormat(name, array.dtype.newbyteorder("<").str if plain else JSON, array.shape[1:] if plain else ())
