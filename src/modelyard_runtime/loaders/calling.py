"""Models that are a function over named arrays, as users write them."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelyard_runtime.loaders.declared import Tensors, fitted
from modelyard_runtime.model import Array

Function = Callable[[dict[str, Array]], Any]


class FunctionModel:
    """Hands a function its inputs by name and takes the outputs that it returns by name; more than these is left out.

    ``original`` is what the function belongs to.
    """

    def __init__(self, original: Any, function: Function, inputs: Tensors, outputs: Tensors) -> None:
        self.original = original
        self.inputs = inputs
        self.outputs = outputs
        self._function = function

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        answers = self._function({name: _own(values) for name, values in inputs.items()})
        if inspect.iscoroutine(answers):
            answers = asyncio.run(answers)
        if not isinstance(answers, Mapping):
            raise TypeError(f"The model returned {type(answers).__name__}; a dict of arrays by name is expected.")
        return counted(fitted(answers, self.outputs), len(next(iter(inputs.values()))))


def _own(values: Array) -> Array:
    """An array that the function may change: those of a request are views of what came in."""
    return values if values.flags.writeable else values.copy()


def counted(answers: dict[str, Array], count: int) -> dict[str, Array]:
    """The answers, once each is known to have a row for each row that was asked."""
    for name, values in answers.items():
        if np.ndim(values) == 0 or len(values) != count:
            shape = list(np.shape(values))
            raise RuntimeError(f"The output {name!r} has the shape {shape}; {count} rows were asked for.")
    return answers
