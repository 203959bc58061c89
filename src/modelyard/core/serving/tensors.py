"""From the columns of a request to the tensors of a model, strictly: what does not fit is refused, never guessed.

A column is a list of JSON values or a numpy array, one entry a row.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec

Array = NDArray[Any]
Column = Sequence[Any] | Array
Columns = Mapping[str, Column]

_FLOAT32, _FLOAT64 = np.dtype("float32"), np.dtype("float64")
_TARGETS = {name: np.dtype(name) for name in ("float16", "float32", "float64", "bool")} | {
    f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_FEW = 1000
_SQUARE = float(np.finfo(np.float32).max) ** 2
"""While the sum of all squares is below this, each of them fits: to know that takes half of the time of watching."""
_ACCEPTED = {"string": "UTO", "bool": "b"}


def tensor(name: str, column: Column, spec: TensorSpec) -> Array:
    """The column as the tensor ``spec`` describes; ``INVALID`` names the column, what it should be and what it is."""
    if spec.dtype == "json":
        return json_values(column)
    array = column if isinstance(column, np.ndarray) else _listed(name, column, spec)
    if array.shape[1:] == spec.shape[1:] and (ready := _ready(array, spec.dtype)) is not None:
        return ready
    if array is column and array.dtype.kind == "f" and _has_nan(array):  # JSON has no NaN
        raise _misfit(name, spec, "NaN or null")
    if array.dtype.kind not in _ACCEPTED.get(spec.dtype, "fiu") or not _is_plain(array):
        raise _misfit(name, spec, _type_name(array))
    if array.shape[1:] != spec.shape[1:]:
        array = _reshaped(name, array, spec)
    return cast(name, array, spec)


def json_values(column: Column) -> Array:
    """A value for each row, whatever it is: numpy is not to look into lists."""
    values = column.tolist() if isinstance(column, np.ndarray) else column
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return array


def texts(array: Array) -> list[Any]:
    """What protocols send that have texts and numbers only: all values as their JSON, unless all are texts."""
    values: list[Any] = array.ravel().tolist()
    if all(isinstance(value, str | bytes) for value in values):
        return values
    return [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]


def _reshaped(name: str, given: Array, spec: TensorSpec) -> Array:
    array = given
    if given.ndim == 1 and len(spec.shape) > 1:  # one number a row where the model wants [N, 1]
        array = given.reshape(-1, *(1,) * (len(spec.shape) - 1))
    if len(spec.shape) == 1 and given.ndim == 2 and given.shape[1] == 1:
        array = given.reshape(-1)
    if not fits(array.shape, spec.shape):
        raise _misfit(name, spec, f"{_type_name(given)} {list(given.shape)}")
    return array


def stacked(names: Sequence[str], columns: Columns, spec: TensorSpec) -> Array:
    """Scalar columns side by side as one tensor [rows, columns]."""
    each = TensorSpec(spec.name, spec.dtype, (spec.shape[0],))
    return np.stack([tensor(name, columns[name], each) for name in names], axis=1)


def fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether an array of ``shape`` can stand where ``wanted`` is asked for; the batch dimension is free."""
    return len(shape) == len(wanted) and all(
        want is None or want == size for size, want in zip(shape[1:], wanted[1:], strict=True)
    )


def cast(name: str, array: Array, spec: TensorSpec) -> Array:
    """The array in the tensor's type, when every value survives it: 3 may become 3.0, but 3.5 not 3."""
    if spec.dtype == "json":
        return json_values(array)
    if spec.dtype == "string":
        return array.astype(object)
    target = _TARGETS[spec.dtype]
    if array.dtype is target:
        return array
    if array.dtype.kind == "f" and target.kind in "iu" and not np.array_equal(array, np.trunc(array)):
        raise _misfit(name, spec, "numbers with a fraction")
    converted = _converted(name, array, target, spec)
    if target.kind in "iu" and not np.array_equal(converted, array):
        raise _misfit(name, spec, "numbers beyond the type's range")
    return converted


def _converted(name: str, array: Array, target: np.dtype[Any], spec: TensorSpec) -> Array:
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return array.astype(target)
    except FloatingPointError as error:  # 1e39 would be infinite
        raise _misfit(name, spec, "numbers beyond the type's range") from error


def _listed(name: str, column: Sequence[Any], spec: TensorSpec) -> Array:
    try:
        return np.array(column)
    except ValueError as error:
        raise _misfit(name, spec, "rows of different lengths") from error


def _ready(array: Array, dtype: str) -> Array | None:
    """The few numbers of the usual request in the type, without detours; None when there is more to look at."""
    if array.size >= _FEW or array.dtype.kind != "f":
        return None
    squares = np.vdot(array, array)
    if array.dtype is _TARGETS.get(dtype):
        return None if math.isnan(squares) else array
    if array.dtype is _FLOAT64 and dtype == "float32" and squares < _SQUARE:
        return array.astype(_FLOAT32)  # JSON's numbers for the usual network: only digits can be lost
    return None


def _is_plain(array: Array) -> bool:
    """Whether objects are texts: numpy makes objects of numbers without an end, of nulls and of mixtures, too."""
    return array.dtype.kind != "O" or all(isinstance(value, str) for value in array.flat)


def _has_nan(array: Array) -> bool:
    """The sum of squares is NaN exactly when one of them is; for a row it takes a third of the time of looking."""
    return bool(np.isnan(array).any()) if array.size > _FEW else math.isnan(np.vdot(array, array))


def _type_name(array: Array) -> str:
    if array.dtype.kind == "O":
        values = array.ravel()
        return "null" if any(value is None for value in values) else "values of different types"
    return "string" if array.dtype.kind in "UT" else str(array.dtype)


def _misfit(name: str, spec: TensorSpec, given: str) -> DomainError:
    sizes = ", ".join("rows" if i == 0 else "any" if n is None else str(n) for i, n in enumerate(spec.shape))
    expected = f"{spec.dtype} [{sizes}]"
    return invalid(f"column {name!r}: expected {expected}, got {given}", column=name, expected=expected, given=given)
