"""Pipelines of transformers in an archive, as ``save_pretrained`` wrote them.

Options: ``task`` is the pipeline's (the framework's name says it). The pipeline's main input is ``inputs`` (for
questions: ``question`` and ``context``); every other input is an argument of its call.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import transformers
from transformers.pipelines import PipelineException

from modelyard_runtime import archives
from modelyard_runtime.loaders.calling import counted
from modelyard_runtime.loaders.declared import Tensors, fitted, inputs_of, outputs_of, rows
from modelyard_runtime.loaders.hugging_face_answers import part, plain
from modelyard_runtime.loaders.hugging_face_inputs import check_declared, first_row
from modelyard_runtime.loaders.hugging_face_media import picture, sound
from modelyard_runtime.loaders.hugging_face_tasks import IMAGE_TASKS, MAIN, SOUND_TASKS, TASKS, Task
from modelyard_runtime.loaders.hugging_face_text import TextGenerator
from modelyard_runtime.model import Array, Model, Rejected, Source, Unloadable


class Pipeline:
    """Asks the pipeline row by row; each row may come with arguments of its own."""

    def __init__(self, pipeline: Any, kind: Task, inputs: Tensors, outputs: Tensors) -> None:
        self.original = pipeline
        self.inputs = inputs
        self.outputs = outputs
        self._kind, self._task = kind, kind.pipeline

    def example(self) -> Mapping[str, Array]:
        """A row that it answers; zeros and empty texts are no question to most pipelines."""
        return first_row(self._kind, self.inputs, self.original)

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        count = len(next(iter(inputs.values())))
        answers = [self._answer({name: values[row] for name, values in inputs.items()}) for row in range(count)]
        columns = {
            one.name: rows([self._value(answer, one.name, len(one.shape)) for answer in answers])
            for one in self.outputs
        }
        fitting = {name: values if self._is_json(name) else _stacked(values, name) for name, values in columns.items()}
        return counted(fitted(fitting, self.outputs), count)

    def _answer(self, row: dict[str, Any]) -> Any:
        try:
            return self._asked(row)
        except (ValueError, PipelineException) as error:  # so pipelines say what they do not take: an empty question
            raise Rejected(f"The pipeline does not take this input: {error}") from error

    def _asked(self, row: dict[str, Any]) -> Any:
        more = {name: plain(value) for name, value in row.items() if name != MAIN}
        if self._task == "question-answering":
            return self.original(**more)
        if row.get(MAIN) is None:
            raise Rejected(f"The input {MAIN!r} is missing.")
        return self.original(self._main(row[MAIN], more), **more)

    def _main(self, given: Any, more: dict[str, Any]) -> Any:
        """What the pipeline is asked about; what is said of it is taken out of the other arguments."""
        if self._task in IMAGE_TASKS:
            return picture(given)
        if self._task in SOUND_TASKS:
            return sound(given, more.pop("sampling_rate", None), self.original.feature_extractor.sampling_rate)
        return plain(given)

    def _value(self, answer: Any, name: str, ndim: int) -> Any:
        """The answer's part of this name: of several candidates all of them, or the first for a single value."""
        if self._task == "feature-extraction":
            return answer[0]
        if not isinstance(answer, list):
            return part(answer, name)
        values = [part(candidate, name) for candidate in answer]
        if ndim > 1 or self._is_json(name):
            return values
        if not values:
            message = f"The pipeline found nothing for the output {name!r}, which is declared as one value for each row"
            raise Rejected(f"{message}; declare it as a list, or leave out the output schema.")
        return values[0]

    def _is_json(self, name: str) -> bool:
        return any(one.name == name and one.dtype == "json" for one in self.outputs)


class TextPipeline(Pipeline):
    """Also generates, see ``generation``."""

    def __init__(self, pipeline: Any, kind: Task, inputs: Tensors, outputs: Tensors) -> None:
        super().__init__(pipeline, kind, inputs, outputs)
        text = TextGenerator(pipeline)
        self.generate, self.count_tokens = text.generate, text.count_tokens


def load(source: Source) -> Model:
    """The pipeline; its task has tensors of its own where the upload declared none."""
    task = source.options.get("task", "")
    if task not in TASKS:
        raise Unloadable(f"The task {task!r} is not one of {', '.join(sorted(TASKS))}.")
    kind = TASKS[task]
    inputs, outputs = inputs_of(source, kind.inputs), outputs_of(source, kind.outputs)
    check_declared(kind, inputs)
    pipeline = _pipeline(kind.pipeline, archives.extract(source.path, source.scratch))
    of_this_kind = TextPipeline if kind.pipeline == "text-generation" else Pipeline
    return of_this_kind(pipeline, kind, inputs, outputs)


def _pipeline(task: str, folder: Path) -> Any:
    try:
        return transformers.pipeline(task, model=str(folder), trust_remote_code=False, device="cpu")
    except ImportError as error:
        message = "The pipeline needs a package that its environment lacks; name it in the upload's requirements"
        raise Unloadable(f"{message}: {error}") from error


def _stacked(values: Array, name: str) -> Array:
    try:
        return np.asarray(values.tolist())
    except ValueError as error:
        message = f"The rows of the output {name!r} are not of equal length; ask for them in separate requests"
        raise Rejected(f"{message}, or leave out the output schema to get them as JSON.") from error
