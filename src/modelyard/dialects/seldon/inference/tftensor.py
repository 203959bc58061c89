"""TensorFlow's TensorProto as JSON (protobuf's JSON mapping), as far as numbers go."""

import base64
import binascii
from math import prod
from typing import Any

import msgspec
import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.tensors import Array

_MEMBERS = {
    "DT_FLOAT": ("float32", "floatVal"),
    "DT_DOUBLE": ("float64", "doubleVal"),
    "DT_INT32": ("int32", "intVal"),
    "DT_INT16": ("int16", "intVal"),
    "DT_INT8": ("int8", "intVal"),
    "DT_UINT8": ("uint8", "intVal"),
    "DT_UINT16": ("uint16", "intVal"),
    "DT_INT64": ("int64", "int64Val"),
    "DT_UINT32": ("uint32", "uint32Val"),
    "DT_UINT64": ("uint64", "uint64Val"),
}
_BY_TYPE = {dtype: (name, member) for name, (dtype, member) in _MEMBERS.items()}
_TEXTS = frozenset({"int64Val", "uint64Val"})
"""JSON has these as text: not every reader keeps all digits of such numbers."""

_MAX_DIMENSIONS = 16


class _Size(msgspec.Struct):
    size: int = 0


class _Shape(msgspec.Struct):
    dim: list[_Size] = []


class _Head(msgspec.Struct, rename="camel"):
    dtype: str
    tensor_shape: _Shape = msgspec.field(default_factory=_Shape)
    tensor_content: str | None = None


def read(given: dict[str, Any]) -> Array:
    """The numbers; ``INVALID`` for another type, and when there are not as many as the shape says."""
    head = _converted(given, _Head)
    if head.dtype not in _MEMBERS:
        raise invalid(f"tftensor: the dtype {head.dtype[:40]!r} is not served; known are {', '.join(_MEMBERS)}")
    dtype, member = _MEMBERS[head.dtype]
    shape = [dim.size for dim in head.tensor_shape.dim]
    values = _content(head.tensor_content, dtype) if head.tensor_content else _values(given.get(member), dtype, member)
    return shaped(values, shape, "tftensor")


def shaped(values: Array, shape: list[int], what: str) -> Array:
    """The values in this shape, which has rows; ``INVALID`` when they are more or fewer."""
    if not 0 < len(shape) <= _MAX_DIMENSIONS or any(size < 0 for size in shape) or prod(shape) != len(values):
        raise invalid(f"{what}: the shape {shape[:_MAX_DIMENSIONS]} does not hold {len(values)} values")
    return values.reshape(shape)


def written(array: Array) -> dict[str, Any] | None:
    """The array as TensorProto; None where that has no member for its type."""
    if array.dtype.name not in _BY_TYPE:
        return None
    name, member = _BY_TYPE[array.dtype.name]
    values = array.ravel()
    dims = [{"size": str(size)} for size in array.shape]
    return {
        "dtype": name,
        "tensorShape": {"dim": dims},
        member: [str(value) for value in values.tolist()] if member in _TEXTS else values,
    }


def _content(text: str, dtype: str) -> Array:
    kind = np.dtype(dtype).newbyteorder("<")
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind).astype(dtype)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"tftensor: tensorContent cannot be read as {dtype}: {error}") from error


def _values(given: Any, dtype: str, member: str) -> Array:
    kind = float if dtype.startswith("float") else int
    numbers = _converted(given or [], list[kind], member)  # type: ignore[valid-type]
    try:
        return np.array(numbers, dtype=dtype)
    except OverflowError as error:
        raise invalid(f"tftensor: a number in {member} is beyond the range of {dtype}") from error


def _converted(given: Any, shape: Any, where: str = "") -> Any:
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(f"tftensor {where}: {str(error).replace('`$.', '`')}".replace(" :", ":")) from error
