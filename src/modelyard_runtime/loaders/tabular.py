"""Models over tables: a matrix, or one column for each input."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelyard_runtime.loaders.declared import Tensors, fitted
from modelyard_runtime.model import Array, Tensor

try:
    import pandas as pd
except ImportError:  # the environment of a model that needs none
    pd = None


class TableModel:
    """Answers with what ``answer`` gives for a matrix (or a DataFrame, where ``names`` are known and pandas is there).

    ``original`` is the framework's own object.
    """

    def __init__(self, original: Any, answer: Callable[[Any], Any], inputs: Tensors, names: Sequence[str] = ()) -> None:
        self.original = original
        self.inputs = inputs
        self.outputs: Tensors = ()
        self.method = "predict"
        self.names = list(names) if pd is not None else []
        self._answer = answer

    def answer(self, inputs: Mapping[str, Array]) -> Any:
        """What the framework gives, as it gives it."""
        if not self.names:
            return self._answer(matrix(inputs, self.inputs))
        return self._answer(frame(inputs, self.inputs, self.names))

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        return fitted(self.answer(inputs), self.outputs)


def matrix(inputs: Mapping[str, Array], tensors: Tensors) -> Array:
    """All inputs side by side, ``[rows, columns]``."""
    columns = [np.asarray(inputs[tensor.name]) for tensor in tensors]
    if len(columns) == 1:
        return columns[0] if columns[0].ndim > 1 else columns[0][:, np.newaxis]
    return np.column_stack(columns)


def frame(inputs: Mapping[str, Array], tensors: Tensors, names: Sequence[str]) -> Any:
    """A DataFrame with these columns: by name where the inputs bear them, else by place."""
    columns: dict[str, Array] = {}
    by_name = set(names) == {tensor.name for tensor in tensors}
    for tensor in tensors:
        values = np.asarray(inputs[tensor.name])
        for column in [values] if values.ndim == 1 else values.T:
            columns[tensor.name if by_name else names[len(columns)]] = column
    return pd.DataFrame(columns)[list(names)]


def one_matrix(width: int, dtype: str = "float64") -> Tensors:
    """What a model of so many features takes where the upload does not say."""
    return (Tensor("inputs", dtype, (None, width)),)
