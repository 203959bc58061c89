"""Features: the single values of logged rows, one column each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelyard.core.serving.tensors import Array

REQUEST = "in."
RESPONSE = "out."


def features(columns: Mapping[str, Array | list[Any]], prefix: str) -> dict[str, Array]:
    """The columns whose names begin with ``prefix``, by the rest of their names, as one array of [rows] each.

    A column of vectors [rows, k] becomes ``name_0`` to ``name_{k-1}``, in whatever shape the vectors are; anything but
    numbers and truth values is an array of objects.
    """
    found: dict[str, Array] = {}
    for name, values in columns.items():
        if name.startswith(prefix):
            found |= _single(name.removeprefix(prefix), values)
    return found


def matrix(columns: Mapping[str, Array | list[Any]], prefix: str) -> tuple[list[str], Array]:
    """(the names of the features that are numbers, their values [rows, features])."""
    numbers = {name: array for name, array in features(columns, prefix).items() if array.dtype.kind in "fiub"}
    if not numbers:
        return [], np.empty((0, 0))
    return list(numbers), np.stack([array.astype(np.float64) for array in numbers.values()], axis=1)


def _single(name: str, values: Array | list[Any]) -> dict[str, Array]:
    if not isinstance(values, np.ndarray):
        return {name: _objects(values)}
    if values.ndim == 1:
        return {name: values}
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    if flat.shape[1] == 1:
        return {name: flat[:, 0]}
    return {f"{name}_{place}": flat[:, place] for place in range(flat.shape[1])}


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
