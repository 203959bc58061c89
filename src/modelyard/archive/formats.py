"""How a schema of the log stands in a Parquet file, and back."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from modelyard.core.serving.tensors import Array
from modelyard.segments.frames import JSON, LAST_MODEL, ColumnFormat, SegmentSchema

SCHEMA_KEY = b"modelyard.schema"
GROUPS_KEY = b"modelyard.groups"
"""In a file's metadata, for each of its row groups: the rows of each partition, as JSON {partition: [first, end]}."""
DTYPE_KEY = b"modelyard.dtype"
SHAPE_KEY = b"modelyard.shape"
PARTITION = "metadata.partition"
ROW = "metadata.row"
FIRST = "metadata.first"
REQUEST_ID = "metadata.request_id"
TARGET = "metadata.target"
ROUTING = "metadata.routing"
BY_ROW = "metadata.by_row"
VERSION = "metadata.pipeline_version"
ELAPSED = "metadata.elapsed"
COUNT = "anomaly.count"

NAMES = (PARTITION, TARGET, ROUTING, BY_ROW, LAST_MODEL, VERSION)
"""Texts of which a file has few."""
PLACES = ("time", PARTITION, ROW, FIRST, REQUEST_ID, TARGET)
"""What tells one request from another."""


@dataclass(frozen=True)
class FileSchema:
    """What all rows of a file look like: their columns, and how many step times they have."""

    columns: tuple[ColumnFormat, ...]
    steps: int
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest()[:16])

    @property
    def text(self) -> str:
        """The schema as JSON, for the file's metadata."""
        return json.dumps({"columns": [[c.name, c.dtype, c.shape] for c in self.columns], "steps": self.steps})

    @property
    def arrow(self) -> pa.Schema:
        """The schema of the Parquet file."""
        plain = {ROW: pa.int64(), FIRST: pa.int64(), REQUEST_ID: pa.string(), **dict.fromkeys(NAMES, pa.string())}
        fields = [
            pa.field("time", pa.timestamp("ms", tz="UTC"), nullable=False),
            *(_field(column) for column in self.columns),
            pa.field(COUNT, pa.uint32(), nullable=False),
            *(pa.field(name, kind, nullable=name in (ROUTING, BY_ROW)) for name, kind in plain.items()),
            pa.field(ELAPSED, pa.list_(pa.int64()), nullable=False),
        ]
        return pa.schema(fields, {SCHEMA_KEY: self.text.encode()})

    def as_segment(self) -> SegmentSchema:
        """The same as rows of a segment have it; the values that all rows share are those of none."""
        return SegmentSchema(self.columns, self.steps, {LAST_MODEL: "", VERSION: "", PARTITION: ""})


def read_file_schema(schema: pa.Schema) -> FileSchema:
    """The schema that a file's metadata tells."""
    data = json.loads(schema.metadata[SCHEMA_KEY])
    columns = tuple(ColumnFormat(name, dtype, tuple(shape)) for name, dtype, shape in data["columns"])
    return FileSchema(columns, data["steps"])


def values_of(column: ColumnFormat, array: pa.Array) -> Array | list[Any]:
    """The values of rows: [rows, *shape] of the column's dtype, or a list of what the JSON said."""
    if column.dtype == JSON:
        return [json.loads(text) for text in array.to_pylist()]
    flat = array.flatten() if column.shape else array
    plain: Array = flat.to_numpy(zero_copy_only=False).astype(column.dtype, copy=False)
    return plain.reshape(len(array), *column.shape)


def array_of(column: ColumnFormat, buffers: list[bytes]) -> pa.Array:
    """The Arrow array of rows' plain buffers one after another, or of the JSON texts of one row each."""
    if column.dtype == JSON:
        return pa.array([text.decode() for text in buffers], pa.string())
    values = np.frombuffer(b"".join(buffers), dtype=column.dtype)
    size = _elements(column)
    return pa.FixedSizeListArray.from_arrays(pa.array(values), size) if column.shape else pa.array(values)


def _elements(column: ColumnFormat) -> int:
    return int(np.prod(column.shape, dtype=np.int64))


def _field(column: ColumnFormat) -> pa.Field:
    if column.dtype == JSON:
        return pa.field(column.name, pa.string(), nullable=False, metadata={DTYPE_KEY: b"json"})
    plain = pa.from_numpy_dtype(np.dtype(column.dtype))
    kind = pa.list_(plain, _elements(column)) if column.shape else plain
    told = {DTYPE_KEY: column.dtype.encode(), SHAPE_KEY: json.dumps(column.shape).encode()}
    return pa.field(column.name, kind, nullable=False, metadata=told)
