"""Rows on the wire: pandas-records JSON and Arrow IPC files, flat or nested."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from modelyard.core.serving.tensors import Array, texts
from modelyard.dialects.wallaroo.dataset import Dataset, nested

ARROW_FILE = "application/vnd.apache.arrow.file"
RECORDS = "application/json; format=pandas-records"
FREE_JSON = "application/json; format=wallaroo"

Values = Array | list[Any]

_LIST_TYPES = {
    "metadata.elapsed": pa.list_(pa.int64()),
    "metadata.dropped": pa.list_(pa.string()),
}


def records(columns: Mapping[str, Values], rows: int, dataset: Dataset) -> bytes:
    """The chosen columns as a JSON array of one object a row. Numbers are written as short as they round-trip."""
    chosen = dataset.choose(columns)
    plain = [_plain(columns[name]) for name in chosen]
    if dataset.separator:
        names = [dataset.written(name) for name in chosen]
        table = [dict(zip(names, row, strict=True)) for row in zip(*plain, strict=True)]
    else:
        table = [nested(dict(zip(chosen, row, strict=True))) for row in zip(*plain, strict=True)]
    return orjson.dumps(table if chosen else [{}] * rows, option=orjson.OPT_SERIALIZE_NUMPY, default=str)


def arrow_file(columns: Mapping[str, Values], dataset: Dataset, metadata: dict[bytes, bytes] | None = None) -> bytes:
    """The chosen columns as an Arrow IPC file; ``metadata`` becomes the schema's."""
    arrays = {name: arrow_array(name, columns[name]) for name in dataset.choose(columns)}
    sink = pa.BufferOutputStream()
    schema, data = _flat(arrays, dataset) if dataset.separator else _nested(arrays)
    schema = schema.with_metadata(metadata)
    with pa.ipc.new_file(sink, schema) as file:
        file.write_batch(pa.record_batch(data, schema=schema))
    return bytes(sink.getvalue())


def empty_arrow_file() -> bytes:
    """An Arrow IPC file with no columns and no metadata: how the log store says that there is nothing."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([])):
        pass
    return bytes(sink.getvalue())


def arrow_array(name: str, values: Values) -> pa.Array:
    """One column; a tensor of k numbers a row becomes a list of k."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return _tensor(values, "inner" if name.startswith("out") else "item", nullable=not name.startswith("out"))
    items = texts(values) if isinstance(values, np.ndarray) and values.ndim == 1 else _listed(values)
    if any(isinstance(item, dict) for item in items):
        return _json(items)
    try:
        return pa.array(items, type=_LIST_TYPES.get(name))
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # values of different kinds: a column of Arrow has one
        return _json(items)


def _listed(values: Values) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _json(items: list[Any]) -> pa.Array:
    return pa.array([orjson.dumps(item).decode() for item in items], pa.string())


def _tensor(values: Array, item: str, *, nullable: bool) -> pa.Array:
    if values.ndim == 1:
        return pa.array(np.ascontiguousarray(values))
    rows, width = values.shape[:2]
    inner = _tensor(values.reshape(rows * width, *values.shape[2:]), item, nullable=nullable)
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32) if width else np.zeros(rows + 1, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, inner, type=pa.list_(pa.field(item, inner.type, nullable=nullable)))


def _flat(arrays: Mapping[str, pa.Array], dataset: Dataset) -> tuple[pa.Schema, list[pa.Array]]:
    fields = [pa.field(dataset.written(name), a.type, nullable=_nullable(name)) for name, a in arrays.items()]
    return pa.schema(fields), list(arrays.values())


def _nested(arrays: Mapping[str, pa.Array]) -> tuple[pa.Schema, list[pa.Array]]:
    tree = nested(arrays)
    data = {name: _struct(name, value) if isinstance(value, dict) else value for name, value in tree.items()}
    return pa.schema([pa.field(name, array.type) for name, array in data.items()]), list(data.values())


def _struct(root: str, children: Mapping[str, pa.Array]) -> pa.Array:
    fields = [pa.field(name, a.type, nullable=_nullable(f"{root}.{name}")) for name, a in children.items()]
    return pa.StructArray.from_arrays(list(children.values()), fields=fields)


def _nullable(name: str) -> bool:
    return not name.startswith(("out", "anomaly"))


def _plain(values: Values) -> Any:
    if isinstance(values, np.ndarray):
        if values.ndim == 1 or values.dtype.kind == "O":
            return values.tolist()
        return np.ascontiguousarray(values)
    return values
