"""The chain of models that a deployment runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array, Columns, cast, stacked, tensor


class LoadedModel(Protocol):
    """A model in memory, ready to run."""

    @property
    def signature(self) -> Signature:
        """The tensors it takes and gives."""

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        """The output tensors, in the signature's order; raises ``INVALID`` when the model rejects its input."""


@dataclass(frozen=True, slots=True)
class Step:
    """One model of the chain; ``tensor_fields`` renames the request's columns to its inputs, by position."""

    model: LoadedModel
    tensor_fields: tuple[str, ...] | None = None


@dataclass(slots=True)
class Result:
    """What one batch gave: the inputs as the first model saw them, the last model's outputs, nanoseconds a step."""

    rows: int
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    elapsed: list[int]


class Graph:
    """A chain of steps. Thread-safe as far as its models are; holds no state of a request."""

    def __init__(self, steps: Sequence[Step]) -> None:
        check_chain([(step.model.signature, step.tensor_fields) for step in steps])
        self._steps = tuple(steps)
        first = steps[0]
        self._inputs = first.model.signature.inputs
        fields = field_names(first.model.signature, first.tensor_fields)
        self._binding = list(zip(self._inputs, fields, strict=True))
        self._links = [_link(a.model.signature, b.model.signature) for a, b in pairwise(steps)]
        self._output_names = tuple(spec.name for spec in steps[-1].model.signature.outputs)
        self.columns = tuple(name for names in fields for name in names)

    def run(self, columns: Columns) -> Result:
        """Answer the rows; ``INVALID`` says which column does not fit and how."""
        inputs, feed = self._bind(columns)
        elapsed = []
        for index, step in enumerate(self._steps):
            began = time.perf_counter_ns()
            model = step.model
            outputs = _in_fixed_batches(model, feed) if model.signature.fixed_batch else model.run(feed)
            elapsed.append(time.perf_counter_ns() - began)
            if index < len(self._links):
                feed = {spec.name: cast(spec.name, outputs[at], spec) for spec, at in self._links[index]}
        rows = len(inputs[self.columns[0]])
        answers = dict(zip(self._output_names, outputs, strict=True))
        for name, output in answers.items():
            if output.shape[:1] != (rows,):
                raise invalid(f"the model's output {name!r} has shape {list(output.shape)} for {rows} rows")
        return Result(rows, inputs, answers, elapsed)

    def example(self) -> dict[str, Array]:
        """One row of zeros that fits: to warm the models up."""
        return {name: _zeros(spec, len(names)) for spec, names in self._binding for name in names}

    def _bind(self, columns: Columns) -> tuple[dict[str, Array], dict[str, Array]]:
        """(what to log, what to feed)."""
        for name in self.columns:
            if name not in columns:
                raise _missing(name, self._inputs, columns)
        inputs, feed = {}, {}
        for spec, names in self._binding:
            if len(names) == 1:
                inputs[names[0]] = feed[spec.name] = tensor(names[0], columns[names[0]], spec)
            else:
                feed[spec.name] = block = stacked(names, columns, spec)
                inputs.update({name: block[:, at] for at, name in enumerate(names)})
        _same_length(feed)
        return inputs, feed


def field_names(signature: Signature, tensor_fields: Sequence[str] | None) -> list[tuple[str, ...]]:
    """The request's columns behind each input: its own name, or the configured names by position.

    One input [N, k] may also be fed by k configured scalar columns.
    """
    inputs = signature.inputs
    if not tensor_fields:
        return [(spec.name,) for spec in inputs]
    if len(tensor_fields) == len(inputs):
        return [(name,) for name in tensor_fields]
    if len(inputs) == 1 and inputs[0].row_shape == (len(tensor_fields),):
        return [tuple(tensor_fields)]
    wanted = "; ".join(str(spec) for spec in inputs)
    raise failed_precondition(f"{len(tensor_fields)} tensor_fields do not fit the model's inputs ({wanted})")


def check_chain(steps: Sequence[tuple[Signature, Sequence[str] | None]]) -> None:
    """Whether the models can run one after another; ``FAILED_PRECONDITION`` says what does not fit."""
    if not steps:
        raise failed_precondition("the pipeline has no steps; add a model step and deploy again")
    field_names(*steps[0])
    for (before, _), (after, _) in pairwise(steps):
        _link(before, after)


def _link(before: Signature, after: Signature) -> list[tuple[TensorSpec, int]]:
    """For each input of the next model the place of the output that feeds it: by name, else by position."""
    names = [spec.name for spec in before.outputs]
    if all(spec.name in names for spec in after.inputs):
        pairs = [(spec, names.index(spec.name)) for spec in after.inputs]
    elif len(before.outputs) >= len(after.inputs):
        pairs = [(spec, at) for at, spec in enumerate(after.inputs)]
    else:
        pairs = []
    if not pairs or any(not _compatible(before.outputs[at], spec) for spec, at in pairs):
        raise failed_precondition(
            "two steps do not fit together: the first gives "
            f"{'; '.join(map(str, before.outputs))}, the next takes {'; '.join(map(str, after.inputs))}"
        )
    return pairs


def _compatible(given: TensorSpec, wanted: TensorSpec) -> bool:
    if (given.dtype == "string") != (wanted.dtype == "string") or len(given.shape) != len(wanted.shape):
        return False
    return all(None in pair or pair[0] == pair[1] for pair in zip(given.row_shape, wanted.row_shape, strict=True))


def _in_fixed_batches(model: LoadedModel, feed: dict[str, Array]) -> list[Array]:
    """Run a model that insists on its batch size; one exported for a row at a time gets a row at a time."""
    fixed = model.signature.fixed_batch
    rows = len(next(iter(feed.values())))
    if fixed == {rows}:
        return model.run(feed)
    if fixed != {1}:
        raise invalid(f"the model takes batches of exactly {min(fixed)} rows, got {rows}")
    parts = [model.run({name: array[i : i + 1] for name, array in feed.items()}) for i in range(rows)]
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _zeros(spec: TensorSpec, columns: int) -> Array:
    row = () if columns > 1 else tuple(1 if size is None else size for size in spec.row_shape)
    if spec.dtype == "string":
        return np.full((1, *row), "", dtype=object)
    return np.zeros((1, *row), dtype=spec.dtype)


def _same_length(feed: dict[str, Array]) -> None:
    lengths = [len(array) for array in feed.values()]
    if 0 in lengths:
        raise invalid("no rows: send at least one")
    if len(lengths) > 1 and len(set(lengths)) > 1:
        raise invalid(f"columns of different lengths: {dict(zip(feed, lengths, strict=True))}")


def _missing(name: str, inputs: tuple[TensorSpec, ...], columns: Columns) -> DomainError:
    wanted = "; ".join(str(spec) for spec in inputs)
    given = ", ".join(repr(column) for column in list(columns)[:20]) or "none"
    return invalid(
        f"column {name!r} is missing: the model takes {wanted}; got the columns {given}. "
        "Name the columns after the model's inputs, or configure tensor_fields",
        column=name,
    )
