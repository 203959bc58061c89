"""Models with code of their own that generate text, see ``generation``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from modelyard_runtime.generation import Question, whole
from modelyard_runtime.loaders.calling import Function, FunctionModel
from modelyard_runtime.loaders.declared import Tensors
from modelyard_runtime.model import Array, Tensor

PROMPT = Tensor("prompt", "string", (None,))
TEXT = Tensor("text", "string", (None,))
_TOKENS = 16
"""Of an answer to a row, which says no number."""


class GeneratingModel(FunctionModel):
    """A function over named arrays that also generates."""

    def __init__(self, original: Any, function: Function, inputs: Tensors, outputs: Tensors) -> None:
        super().__init__(original, function, inputs, outputs)
        self.generate: Callable[..., Iterable[str]] = original.generate
        if hasattr(original, "count_tokens"):
            self.count_tokens = original.count_tokens


def texts(original: Any) -> GeneratingModel:
    """A model that only generates; a row is a prompt, and answered by the whole text."""

    def predict(inputs: Mapping[str, Array]) -> dict[str, Array]:
        answers = [whole(original, Question(str(prompt), _TOKENS)) for prompt in inputs[PROMPT.name]]
        return {TEXT.name: np.array(answers, dtype=object)}

    return GeneratingModel(original, predict, (PROMPT,), (TEXT,))
