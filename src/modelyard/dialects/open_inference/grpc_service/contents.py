"""Tensors in protobuf messages."""

from typing import Any, Final

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.tensors import Array, texts
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE
from modelyard.dialects.open_inference.tensors import check_size, dtype_of, text, text_array

FIELD: Final = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""The field of ``InferTensorContents`` that holds each datatype. FP16 has none: it travels as raw bytes."""


def from_contents(name: str, datatype: str, shape: list[int], contents: Any) -> Array:
    """The array of an input's contents; ``INVALID`` when they are not what its shape and datatype promise."""
    field = FIELD.get(datatype)
    if field is None:
        dtype_of(name, datatype)
        raise invalid(
            f"tensor {name!r}: {datatype} has no field in contents; send it in raw_input_contents", tensor=name
        )
    values = getattr(contents, field)
    check_size(name, shape, len(values), f"values in {field}")
    if datatype == BYTES:
        return text_array([text(name, value) for value in values]).reshape(shape)
    try:
        return np.array(values, dtype=DTYPE[datatype]).reshape(shape)
    except (OverflowError, ValueError) as error:
        raise invalid(f"tensor {name!r}: expected {datatype} values, got others: {error}", tensor=name) from error


def put_contents(contents: Any, datatype: str, array: Array) -> None:
    """The array as an output's contents."""
    values: list[Any] = texts(array) if datatype == BYTES else array.ravel().tolist()
    if datatype == BYTES:
        values = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    getattr(contents, FIELD[datatype]).extend(values)
