"""From the body of an inference request to columns."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.tables import from_columns, from_records
from modelyard.core.serving.tensors import Array, Column

Columns = dict[str, Column]

_RECORDS = msgspec.json.Decoder(list[dict[str, Any]])
_ANY = msgspec.json.Decoder()


def columns_of(body: bytes, content_type: bytes) -> Columns:
    """The request's columns; ``INVALID`` tells what the body should be."""
    if b"arrow" in content_type:
        return from_arrow(body)
    return from_json(body)


def from_json(body: bytes) -> Columns:
    """A JSON array of one object a row (pandas records), or an object of one array a column."""
    try:
        rows = _records_or_object(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the body is not valid JSON: {error}") from error
    if isinstance(rows, dict):
        return rows
    if len(rows) == 1:
        return {name: [value] for name, value in rows[0].items()}
    return from_records(rows)


def _records_or_object(body: bytes) -> list[dict[str, Any]] | Columns:
    try:
        return _RECORDS.decode(body)
    except msgspec.ValidationError:
        return _from_object(_ANY.decode(body))


def _from_object(data: object) -> Columns:
    if isinstance(data, dict) and data and all(isinstance(column, list) for column in data.values()):
        return from_columns(data)
    raise invalid('the body must be a JSON array of records such as [{"column": value}], one for each row')


def from_arrow(body: bytes) -> Columns:
    """An Arrow IPC file (not a stream)."""
    try:
        table = pa.ipc.open_file(pa.py_buffer(body)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise invalid(f"the body is not a readable Arrow IPC file: {str(error)[:300]}") from error
    if table.num_rows == 0:
        raise invalid("no rows: the Arrow table is empty; send at least one row")
    return {name: _column(name, table.column(name)) for name in _unique(table.column_names)}


def _unique(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise invalid("the Arrow table has two columns of the same name")
    return names


def _column(name: str, chunked: pa.ChunkedArray) -> Column:
    array = chunked.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    shape = [len(array)]
    while pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        _refuse_nulls(name, array)
        array, width = _inner(name, array)
        shape.append(width)
    _refuse_nulls(name, array)
    return _values(array, tuple(shape))


def _inner(name: str, array: pa.Array) -> tuple[pa.Array, int]:
    """(the items of all rows one after another, items of one row)."""
    flat = array.flatten()
    width = len(flat) // len(array)
    if not pa.types.is_fixed_size_list(array.type):
        lengths = np.diff(array.offsets.to_numpy())
        if (lengths != width).any():
            raise invalid(f"column {name!r}: rows of different lengths ({lengths.min()} to {lengths.max()})")
    return flat, width


def _values(array: pa.Array, shape: tuple[int, ...]) -> Column:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers: Array = array.to_numpy(zero_copy_only=False)
        return numbers.reshape(shape)
    if pa.types.is_boolean(kind):
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool).reshape(shape)
    if len(shape) > 1:
        return np.array(array.to_pylist(), dtype=object).reshape(shape)
    items: list[Any] = array.to_pylist()
    return items


def _refuse_nulls(name: str, array: pa.Array) -> None:
    if array.null_count:
        raise _null(name, array.null_count)


def _null(name: str, count: int) -> DomainError:
    return invalid(f"column {name!r}: {count} values are null; send a value for every row", column=name)


def rows_in(columns: Mapping[str, Column]) -> int:
    """How many rows the columns have."""
    return len(next(iter(columns.values()))) if columns else 0
