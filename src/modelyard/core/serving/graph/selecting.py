"""The node that takes some columns: of several tensors whole ones, of a single one [rows, k, …] those along k."""

from collections.abc import Sequence

import numpy as np

from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid
from modelyard.core.serving.graph.binding import RequestBinding
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Columns


class Selected:
    """Some of the columns; ``apart`` takes each out of its table, so that what is left of it is [rows, …]."""

    binding: RequestBinding | None = None
    outputs: tuple[TensorSpec, ...] = ()

    def __init__(self, name: str, places: Sequence[int], *, apart: bool) -> None:
        self.name = name
        self._places = list(places)
        self._apart = apart

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        given = {name: _array(name, column) for name, column in columns.items()}
        if not result.inputs:
            result.inputs = given
        if len(given) > 1:
            names = list(given)
            self._check(len(names))
            return {names[at]: _at_least_2d(given[names[at]]) for at in self._places}
        return {name: self._within(array) for name, array in given.items()}

    def _within(self, array: Array) -> Array:
        table = _at_least_2d(array)
        self._check(table.shape[1])
        if self._apart and table.ndim > 2:
            return np.asarray(table[:, self._places[0]])
        return np.asarray(table[:, self._places])

    def _check(self, width: int) -> None:
        if max(self._places) >= width:
            raise invalid(f"there is no column {max(self._places)}: there are {width}", node=self.name)


def selected(before: Sequence[TensorSpec], places: Sequence[int], *, apart: bool) -> tuple[TensorSpec, ...]:
    """What is known of the columns that are taken, () when nothing is; ``FAILED_PRECONDITION`` when one is missing."""
    if len(before) > 1:
        if max(places) >= len(before):
            raise _not_there(max(places), len(before))
        return tuple(before[at] for at in places)
    if not before or len(before[0].shape) < 2:
        return ()
    spec = before[0]
    width = spec.shape[1]
    if width is not None and max(places) >= width:
        raise _not_there(max(places), width)
    inner = spec.shape[2:] if apart and len(spec.shape) > 2 else (len(places), *spec.shape[2:])
    return (TensorSpec(spec.name, spec.dtype, (spec.shape[0], *inner)),)


def _not_there(place: int, width: int) -> DomainError:
    return failed_precondition(f"there is no column {place} to take: what comes before gives {width}")


def _array(name: str, column: object) -> Array:
    try:
        return np.asarray(column)
    except ValueError as error:
        raise invalid(f"column {name!r}: rows of different lengths", column=name) from error


def _at_least_2d(array: Array) -> Array:
    return array.reshape(-1, 1) if array.ndim == 1 else array
