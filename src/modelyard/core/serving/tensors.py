"""From the columns of a request to the tensors of a model, strictly: what does not fit is refused, never guessed.

A column is a list of JSON values or a numpy array, one entry a row.
"""

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
_ACCEPTED = {"string": "UTO", "bool": "b"}


def tensor(name: str, column: Column, spec: TensorSpec) -> Array:
    """The column as the tensor ``spec`` describes; ``INVALID`` names the column, what it should be and what it is."""
    array = _array(name, column, spec)
    if array.shape[1:] != spec.shape[1:]:
        array = _reshaped(name, array, spec)
    elif array.dtype is _FLOAT64 and spec.dtype == "float32":
        return array.astype(_FLOAT32)  # JSON's numbers for the usual network: nothing can be lost but digits
    return cast(name, array, spec)


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
    if spec.dtype == "string":
        return array.astype(object)
    target = _TARGETS[spec.dtype]
    if array.dtype is target:
        return array
    if array.dtype.kind == "f" and target.kind in "iu" and not np.array_equal(array, np.trunc(array)):
        raise _misfit(name, spec, "numbers with a fraction")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(target)
    if target.kind in "iu" and not np.array_equal(converted, array):
        raise _misfit(name, spec, "numbers beyond the type's range")
    return converted


def _array(name: str, column: Column, spec: TensorSpec) -> Array:
    if isinstance(column, np.ndarray):
        array = column
        if array.dtype.kind == "f" and _has_nan(array):  # JSON has no NaN
            raise _misfit(name, spec, "NaN or null")
    else:
        try:
            array = np.array(column)
        except ValueError as error:
            raise _misfit(name, spec, "rows of different lengths") from error
    if array.dtype.kind not in _ACCEPTED.get(spec.dtype, "fiu"):
        raise _misfit(name, spec, _type_name(array))
    return array


def _has_nan(array: Array) -> bool:
    """The sum of squares is NaN exactly when one of them is; for a row it takes a third of the time of looking."""
    return bool(np.isnan(array).any()) if array.size > 1000 else math.isnan(np.vdot(array, array))


def _type_name(array: Array) -> str:
    if array.dtype.kind == "O":
        values = array.ravel()
        return "null" if any(value is None for value in values) else "values of different types"
    return "string" if array.dtype.kind in "UT" else str(array.dtype)


def _misfit(name: str, spec: TensorSpec, given: str) -> DomainError:
    sizes = ", ".join("rows" if i == 0 else "any" if n is None else str(n) for i, n in enumerate(spec.shape))
    expected = f"{spec.dtype} [{sizes}]"
    return invalid(f"column {name!r}: expected {expected}, got {given}", column=name, expected=expected, given=given)
