"""What pipelines of transformers may be asked: the types that uploads declare, and a first row."""

from typing import Any

import numpy as np

from modelyard_runtime.loaders.declared import Tensors, rows
from modelyard_runtime.loaders.hugging_face_tasks import IMAGE_TASKS, MAIN, SOUND_TASKS, Task
from modelyard_runtime.model import Array, Rejected, Tensor, Unloadable

_SIDE = 32
_WORD = "this"
_PICTURES: tuple[str, ...] = ("int", "uint", "json")
_SOUNDS: tuple[str, ...] = ("float", *_PICTURES)
_TEXTS: tuple[str, ...] = ("string", "json")


def check_declared(task: Task, inputs: Tensors) -> None:
    """``Unloadable`` where the upload leaves out what the task wants, or declares another thing than it takes."""
    missing = [tensor.name for tensor in task.inputs if tensor.name not in {declared.name for declared in inputs}]
    if missing:
        raise Unloadable(f"The declared inputs of {task.pipeline} lack {' and '.join(missing)}; declare all it takes.")
    usual, kinds = "string", _TEXTS
    if task.pipeline in IMAGE_TASKS:
        usual, kinds = "lists of uint8, [height,width,3]", _PICTURES
    elif task.pipeline in SOUND_TASKS:
        usual, kinds = "a list of float32", _SOUNDS
    for tensor in inputs:
        if tensor.name == MAIN and not tensor.dtype.startswith(kinds):
            message = f"The input {MAIN!r} is declared as {tensor.dtype}; for {task.pipeline} declare it as {usual}."
            raise Unloadable(message)


def first_row(task: Task, inputs: Tensors, pipeline: Any) -> dict[str, Array]:
    """A row that any pipeline of the task answers; ``Rejected`` where it is to come with arguments of its own."""
    usual = {tensor.name for tensor in task.inputs}
    more = [tensor.name for tensor in inputs if tensor.name not in usual]
    if more:
        raise Rejected(f"What {', '.join(more)} may be is not known.")
    return {tensor.name: rows([_value(task.pipeline, tensor, pipeline)]) for tensor in inputs}


def _value(task: str, tensor: Tensor, pipeline: Any) -> Any:
    if tensor.name == "candidate_labels":
        return [_WORD]
    if task == "fill-mask":
        return pipeline.tokenizer.mask_token
    if task in IMAGE_TASKS:
        return np.zeros(_sizes(tensor, (_SIDE, _SIDE, 3)), np.uint8)
    if task in SOUND_TASKS:
        return np.zeros(_sizes(tensor, (pipeline.feature_extractor.sampling_rate,)), np.float32)
    return _WORD


def _sizes(tensor: Tensor, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Those that are declared, and the usual ones in place of what is open."""
    if tensor.dtype == "json":
        return usual
    return tuple(size or usual[min(place, len(usual) - 1)] for place, size in enumerate(tensor.shape[1:]))
