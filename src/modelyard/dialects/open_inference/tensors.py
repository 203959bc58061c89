"""From one tensor of a request to an array, strictly: what does not fit its own description is refused.

Nothing is allocated for what a shape promises before it is known that the data keep the promise.
"""

import math
import struct
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import msgspec
import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.tensors import Array, texts
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE

_MAX_DIMENSIONS = 32
_LENGTH = struct.Struct("<I")
_ITEM: dict[str, Any] = {"b": bool, "u": int, "i": int, "f": float}


def from_json(name: str, datatype: str, shape: Sequence[int], data: msgspec.Raw) -> Array:
    """The array of a JSON list, flat or nested in row-major order."""
    try:
        values = _decoder(datatype, 1).decode(data)
        nested = False
    except msgspec.ValidationError as error:
        values, nested = _nested(name, datatype, shape, data, error), True
    if not nested:
        check_size(name, shape, len(values), "values")
    try:
        array = np.array(values, dtype=DTYPE.get(datatype, object))
    except (ValueError, OverflowError) as error:
        raise _mismatch(name, f"{datatype} {list(shape)}", f"data that do not fit: {error}") from error
    if nested and array.shape != tuple(shape):
        raise _mismatch(name, f"data of shape {list(shape)}", f"{list(array.shape)}")
    return array if len(shape) == 1 else _shaped(name, array, shape)


def from_binary(name: str, datatype: str, shape: Sequence[int], data: bytes | memoryview) -> Array:
    """The array of raw bytes: little-endian values; BYTES as four bytes of length before each value."""
    if datatype == BYTES:
        values = _texts(name, data)
        check_size(name, shape, len(values), "values")
        return _shaped(name, text_array(values), shape)
    dtype = dtype_of(name, datatype)
    check_size(name, shape, len(data), "bytes", dtype.itemsize)
    array = _shaped(name, np.frombuffer(data, dtype=dtype), shape)
    if datatype == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
        raise _mismatch(name, "0 or 1 in each byte of BOOL data", "another number")
    return array


def to_binary(array: Array) -> bytes:
    """The raw bytes of an array, as ``from_binary`` reads them."""
    if array.dtype.kind not in "OUT":
        return array.tobytes()
    encoded = [_encoded(value) for value in texts(array)]
    return b"".join(part for value in encoded for part in (_LENGTH.pack(len(value)), value))


def check_shape(name: str, shape: Sequence[int]) -> None:
    """A shape has sizes of 0 or more, and not too many of them."""
    if len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0:
        shown = f"{len(shape)} dimensions" if len(shape) > _MAX_DIMENSIONS else str(list(shape))
        raise _mismatch(name, f"a shape of at most {_MAX_DIMENSIONS} sizes of 0 or more", shown)


def check_size(name: str, shape: Sequence[int], given: int, what: str, each: int = 1) -> None:
    """There are as many values, or bytes, as the shape says."""
    expected = math.prod(shape) * each
    if given != expected:
        raise _mismatch(name, f"{expected} {what} for shape {list(shape)}", f"{given}")


def dtype_of(name: str, datatype: str) -> "np.dtype[Any]":
    """The dtype of a datatype of numbers; ``INVALID`` for any other."""
    dtype = DTYPE.get(datatype)
    if dtype is None:
        raise unknown_datatype(name, datatype)
    return dtype


def text(name: str, value: bytes) -> str:
    """A value of BYTES: text in UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _mismatch(name, "BYTES in UTF-8", f"bytes that are not ({error.reason})") from error


def text_array(values: Sequence[str]) -> Array:
    """A flat array of texts."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def unknown_datatype(name: str, datatype: str) -> DomainError:
    """The error for a datatype that there is not; BF16 is one that no model here takes."""
    return invalid(f"tensor {name!r}: datatype {datatype[:50]!r} is none of {', '.join([*DTYPE, BYTES])}", tensor=name)


def _shaped(name: str, array: Array, shape: Sequence[int]) -> Array:
    try:
        return array.reshape(shape)
    except (ValueError, OverflowError) as error:  # no values, but a size that no machine has
        raise _mismatch(name, "a shape that can be", str(list(shape))) from error


def _nested(name: str, datatype: str, shape: Sequence[int], data: msgspec.Raw, flat: Exception) -> Any:
    if len(shape) > 1:
        try:
            return _decoder(datatype, len(shape)).decode(data)
        except (msgspec.ValidationError, RecursionError):
            pass
    reason = str(flat).partition(" - at ")[0]
    expected = f"a list of {datatype} values, flat or nested as shape {list(shape)}"
    raise _mismatch(name, expected, f"data that are not ({reason})") from flat


@cache
def _decoder(datatype: str, depth: int) -> msgspec.json.Decoder[Any]:
    kind: Any = str if datatype == BYTES else _ITEM[DTYPE[datatype].kind]
    if kind is float:  # beyond this, numbers would become infinite, which JSON cannot say
        largest = float(np.finfo(DTYPE[datatype].name).max)
        kind = Annotated[float, msgspec.Meta(ge=-largest, le=largest)]
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind)


def _texts(name: str, data: bytes | memoryview) -> list[str]:
    values, at, end = [], 0, len(data)
    while at < end:
        stop = at + 4 + (_LENGTH.unpack_from(data, at)[0] if at + 4 <= end else end)
        if stop > end:
            raise _mismatch(name, "BYTES that each begin with their length in four bytes", "data that end too early")
        values.append(text(name, bytes(data[at + 4 : stop])))
        at = stop
    return values


def _encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _mismatch(name: str, expected: str, given: str) -> DomainError:
    return invalid(f"tensor {name!r}: expected {expected}, got {given}", tensor=name, expected=expected, given=given)
