"""The protocol's datatypes and ours."""

from typing import Final

import numpy as np

from modelyard.core.serving.signature import TensorSpec

BYTES: Final = "BYTES"

DTYPE: Final = {
    "BOOL": np.dtype("bool"),
    "UINT8": np.dtype("uint8"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("int8"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""Datatypes of numbers, as they lie in binary data: little-endian."""

DATATYPE: Final = {dtype.name: datatype for datatype, dtype in DTYPE.items()} | dict.fromkeys(
    ("string", "json", "object"), BYTES
)
"""By the name of a numpy dtype, or of a ``TensorSpec``'s."""


def described(spec: TensorSpec) -> dict[str, object]:
    """A tensor as metadata show it: -1 stands for any size."""
    return {"name": spec.name, "datatype": DATATYPE[spec.dtype], "shape": shape_of(spec)}


def shape_of(spec: TensorSpec) -> list[int]:
    """The shape with -1 for any size. The batch is free where the graph runs it row by row."""
    return [-1 if size is None else size for size in spec.shape]
