"""Why a deployment answered as it did: how much each number of a row adds to each output (Shapley values).

What is explained is a function from numbers to numbers: a deployment whose columns and outputs lie side by side in
matrices, one row an instance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelyard.core.kernel.errors import failed_precondition, invalid
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.signature import TensorSpec

Matrix = NDArray[np.float64]

MOST_ROWS, MOST_FEATURES, BACKGROUND_ROWS = 16, 256, 20
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Attributions:
    """``base`` is what the deployment gives for the background on average, [outputs]; ``values`` what each feature adds
    to it, [outputs, rows, features]: base and values sum up to the prediction.
    """

    base: Matrix
    values: Matrix


class Explainer(Protocol):
    """Finds attributions."""

    async def explain(self, predict: Callable[[Matrix], Matrix], rows: Matrix, background: Matrix) -> Attributions:
        """Attributions of each row against the background; ``predict`` is called on threads of its own.

        ``FAILED_PRECONDITION`` without the means to do it, or when it takes too long.
        """


class Numbers:
    """A graph as a function from matrices to matrices; ``features`` and ``outputs`` name their columns."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._specs = [(spec, _width(spec)) for spec in graph.inputs]
        self.features = [name for spec, width in self._specs for name in _numbered(spec.name, width)]
        if not 0 < len(self.features) <= MOST_FEATURES:
            found = len(self.features)
            raise failed_precondition(
                f"deployments of 1 to {MOST_FEATURES} numbers are explained; this one takes {found}"
            )
        self.outputs: list[str] = []

    def matrix(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Columns side by side; ``INVALID`` when one is missing or holds other things than numbers."""
        parts = []
        for spec, width in self._specs:
            try:
                column = np.asarray(columns[spec.name], dtype=np.float64)
                parts.append(column.reshape(len(column), width))
            except KeyError as error:
                raise invalid(f"column {spec.name!r} is missing; the deployment takes {spec}") from error
            except (TypeError, ValueError) as error:
                raise invalid(f"column {spec.name!r} must hold {width} numbers in each row") from error
        return np.concatenate(parts, axis=1)

    def predict(self, matrix: Matrix) -> Matrix:
        """The outputs side by side; runs the graph, and logs nothing."""
        parts = [self._predicted(matrix[at : at + _BATCH]) for at in range(0, len(matrix), _BATCH)]
        return np.concatenate(parts)

    def _predicted(self, matrix: Matrix) -> Matrix:
        columns, start = {}, 0
        for spec, width in self._specs:
            part = matrix[:, start : start + width]
            columns[spec.name] = part.reshape(len(matrix), *(size or 1 for size in spec.row_shape))
            start += width
        found = {
            name: array.reshape(len(matrix), -1).astype(np.float64)
            for name, array in self._graph.run(columns).outputs.items()
            if array.dtype.kind in "fiub"
        }
        if not found:
            raise failed_precondition("the deployment's outputs are no numbers: there is nothing to be explained")
        self.outputs = [name for key, array in found.items() for name in _numbered(key, array.shape[1])]
        return np.concatenate(list(found.values()), axis=1)


def _width(spec: TensorSpec) -> int:
    if spec.dtype in ("string", "json", "bool") or None in spec.row_shape:
        raise failed_precondition(
            f"only columns of numbers of a known shape are explained; the deployment takes {spec}"
        )
    return int(np.prod([size or 1 for size in spec.row_shape]))


def _numbered(name: str, width: int) -> list[str]:
    return [name] if width == 1 else [f"{name}:{at}" for at in range(width)]
