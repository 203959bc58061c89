"""Which tensors a model has: what the upload declared, else what the model itself says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelyard_runtime.model import Array, Source, Tensor, Unloadable, as_array

Tensors = tuple[Tensor, ...]


def inputs_of(source: Source, found: Sequence[Tensor] = ()) -> Tensors:
    """The declared inputs, else those found in the model."""
    return _known(source.inputs, found, "inputs", "input_schema")


def outputs_of(source: Source, found: Sequence[Tensor] = ()) -> Tensors:
    """The declared outputs, else those found in the model."""
    return _known(source.outputs, found, "outputs", "output_schema")


def probed(source: Source, inputs: Tensors, answer: Callable[[Mapping[str, Array]], Any], name: str) -> Tensors:
    """The declared outputs, else what one row of zeros is answered with: one array (``name``), several, or a mapping.

    Several arrays are called ``name_1``, ``name_2`` and so on.
    """
    if source.outputs:
        return source.outputs
    try:
        answers = answer(zeros(inputs))
    except Exception as error:
        message = (
            f"What the model gives is not known and a row of zeros does not tell ({error}); declare output_schema."
        )
        raise Unloadable(message) from error
    return tuple(described(key, np.asarray(value)) for key, value in named(answers, name).items())


def zeros(inputs: Tensors) -> dict[str, Array]:
    """One row of zeros, empty texts and nulls; sizes that are left open are 1."""
    return {tensor.name: _zero(tensor) for tensor in inputs}


def described(name: str, values: Array) -> Tensor:
    """The tensor that these values are of; the batch may be of any size."""
    dtype = "string" if values.dtype.kind in "OUS" else str(values.dtype)
    return Tensor(name, dtype, (None, *values.shape[1:]))


def named(answers: Any, name: str) -> Mapping[str, Any]:
    """Answers by name, numbered where they come as a sequence of several."""
    if isinstance(answers, Mapping):
        return answers
    if isinstance(answers, list | tuple):
        if len(answers) == 1:
            return {name: answers[0]}
        return {f"{name}_{place}": value for place, value in enumerate(answers, start=1)}
    return {name: answers}


def fitted(answers: Any, outputs: Tensors) -> dict[str, Array]:
    """Answers in the types and shapes of the outputs.

    A mapping goes by name, a sequence by place; one matrix is dealt out by columns where there are as many outputs.
    """
    if not isinstance(answers, Mapping):
        answers = dict(zip((output.name for output in outputs), _dealt(answers, len(outputs)), strict=True))
    missing = [output.name for output in outputs if output.name not in answers]
    if missing:
        raise RuntimeError(f"The model gave {', '.join(answers) or 'nothing'}, but not {', '.join(missing)}.")
    return {output.name: shaped(answers[output.name], output) for output in outputs}


def shaped(values: Any, tensor: Tensor) -> Array:
    """The values in the tensor's type; a single value for each row stands alone or in a list, as the tensor has it."""
    if tensor.dtype == "json":
        return rows(values)
    array = as_array(values, tensor)
    if array.ndim == 2 and array.shape[1] == 1 and len(tensor.shape) == 1:
        return array[:, 0]
    if array.ndim == 1 and tensor.shape[1:] in ((1,), (None,)):
        return array[:, np.newaxis]
    return array


def rows(values: Any) -> Array:
    """One object for each row, whatever it is: numpy does not look into them."""
    items = values.tolist() if isinstance(values, np.ndarray) else list(values)
    objects = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):  # at once, numpy would look into lists of equal length
        objects[place] = item
    return objects


def _known(declared: Tensors | None, found: Sequence[Tensor], side: str, argument: str) -> Tensors:
    if declared or found:
        return declared or tuple(found)
    raise Unloadable(f"The model does not say what its {side} are; declare {argument} with the upload.")


def _dealt(answers: Any, count: int) -> Sequence[Any]:
    if isinstance(answers, list | tuple) and len(answers) == count and _has_rows(answers[0]):
        return answers
    if count == 1:
        return [answers]
    matrix = np.asarray(answers)
    if matrix.ndim != 2 or matrix.shape[1] != count:
        raise RuntimeError(f"{count} outputs are declared, but the model gave an array of shape {list(matrix.shape)}.")
    return list(matrix.T)


def _has_rows(answer: Any) -> bool:
    return getattr(answer, "ndim", 0) > 0


def _zero(tensor: Tensor) -> Array:
    shape = (1, *(size or 1 for size in tensor.shape[1:]))
    if tensor.dtype == "string":
        return np.full(shape, "", dtype=object)
    return as_array(np.zeros(shape) if tensor.dtype != "json" else rows([None]), tensor)
