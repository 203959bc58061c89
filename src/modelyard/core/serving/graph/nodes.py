"""The nodes of a graph, ready to run. Thread-safe as far as their models are; none holds the state of a request.

A node takes columns (a request's, or the tensors of the node before it) and gives tensors; what else there is to say
it notes in the ``Result``. Branches run one after another: models of this process would only fight for its core.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.graph.binding import RequestBinding, take
from modelyard.core.serving.graph.combiners import Combiner
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.graph.routers import ALL, NONE, Router
from modelyard.core.serving.graph.rows import merged, parted
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array, Column, Columns


class LoadedModel(Protocol):
    """A model that is ready to run."""

    @property
    def inline(self) -> bool:
        """Whether it runs in this process, soon enough for the event loop to wait for it."""

    @property
    def yields(self) -> bool:
        """Whether all its waiting goes through ``core.serving.waiting``, so that it may run beside others."""

    @property
    def signature(self) -> Signature:
        """The tensors it takes and gives."""

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        """The output tensors, in the signature's order; raises ``INVALID`` when the model rejects its input."""


@dataclass(frozen=True, slots=True)
class Step:
    """A loaded model and how it is configured.

    ``tensor_fields`` renames a request's columns to its inputs, by position; ``label`` is the JSON text
    {"model_name", "model_sha"}; ``description`` says more of it, for answers that tell who gave them.
    """

    model: LoadedModel
    tensor_fields: tuple[str, ...] | None = None
    label: str = ""
    description: str = ""


class Node(Protocol):
    """Part of a graph."""

    name: str

    @property
    def binding(self) -> RequestBinding | None:
        """What a request is to bring when this node is the first; None when it takes anything."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives, as far as that is known beforehand."""

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        """The tensors it makes of the columns."""


class ModelNode:
    """A model. The first one of a graph takes the request's columns strictly; a later one what came before it.

    Where several may be the first, ``leading`` names the columns that the request brings: a model that has other names
    for its inputs takes these, as it would take what came before it.
    """

    leading: tuple[str, ...] = ()

    def __init__(self, name: str, step: Step, *, first: bool) -> None:
        self.name = name
        self.step = step
        self._model = step.model
        self._signature = step.model.signature
        self._names = tuple(spec.name for spec in self._signature.outputs)
        self.binding = RequestBinding(self._signature, step.tensor_fields) if first else None
        self.outputs = self._signature.outputs

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        inputs = self._signature.inputs
        try:
            if self.binding is None:
                feed = take(columns, inputs)
            else:
                feed = entered(self.binding, self.leading, columns, inputs, result)
            began = time.perf_counter_ns()
            outputs = _in_fixed_batches(self._model, feed) if self._signature.fixed_batch else self._model.run(feed)
        except DomainError as error:
            error.details.setdefault("node", self.name)
            raise
        result.elapsed.append(time.perf_counter_ns() - began)
        result.last_model = self.step.label
        return dict(zip(self._names, outputs, strict=True))


class Chain:
    """Nodes that run one after another."""

    def __init__(self, nodes: Sequence[Node], name: str | None = None) -> None:
        self.name = name or nodes[0].name
        self._nodes = tuple(nodes)
        self.binding = nodes[0].binding
        self.outputs = nodes[-1].outputs

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        first, *others = self._nodes
        outputs = first.run(columns, result)
        for node in others:
            outputs = node.run(outputs, result)
        return outputs


class Branch:
    """Nodes beside one another: the router says which of them answer, the combiner makes one answer of theirs."""

    def __init__(  # what it is made of
        self, name: str, nodes: Sequence[Node], router: Router | None, combiner: Combiner, *, told: bool = False
    ) -> None:
        """``told`` has the result say whom the router chose."""
        self.name = name
        self._told = told
        self._nodes = tuple(nodes)
        self._router = router
        self._combiner = combiner
        self.binding = next((node.binding for node in nodes if node.binding), None)
        self.outputs = combiner.outputs([node.outputs for node in nodes])

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        chosen = self._router.choose(columns, result) if self._router else ALL
        if isinstance(chosen, list):
            return self._run_rows(columns, result, chosen)
        if self._router:
            result.note_route(self.name, self._checked(chosen))
        if chosen == NONE:
            return {name: np.asarray(column) for name, column in (result.inputs or columns).items()}
        answering = self._nodes if chosen == ALL else self._nodes[chosen : chosen + 1]
        if self._told and chosen != ALL:
            result.told = description(answering[0])
        answers = [(node.name, node.run(columns, result)) for node in answering]
        return self._combiner.combine(answers, result)

    def _run_rows(self, columns: Columns, result: Result, chosen: list[int]) -> dict[str, Array]:
        """Each row through the node that was chosen for it."""
        if not chosen:
            raise invalid("no rows: send at least one", node=self.name)
        if len(set(chosen)) == 1:
            result.note_route(self.name, chosen[0])
            node = self._nodes[chosen[0]]
            if self._told:
                result.told = description(node)
            return self._combiner.combine([(node.name, node.run(columns, result))], result)
        parts = []
        for at, rows in parted(chosen):
            part = Result(asked={name: _some(column, rows) for name, column in result.asked.items()})
            node = self._nodes[at]
            outputs = node.run({name: _some(column, rows) for name, column in columns.items()}, part)
            part.outputs = self._combiner.combine([(node.name, outputs)], part)
            parts.append((rows, part))
        outputs = merged(parts, result)
        result.note_route(self.name, chosen)
        if self._told:
            told = [description(node) for node in self._nodes]
            result.told = [told[at] for at in chosen]
        return outputs

    def _checked(self, chosen: int) -> int:
        if NONE <= chosen < len(self._nodes):
            return chosen
        raise invalid(f"node {self.name!r} chose branch {chosen}, but has {len(self._nodes)} of them", node=self.name)


def description(node: Node) -> str:
    """What there is to say of the model that a node is; its name when there is nothing."""
    return (node.step.description if isinstance(node, ModelNode) else "") or node.name


class Constant:
    """Answers the same for each row: what there is to try a graph with before there is a model."""

    binding = None

    def __init__(self, name: str, values: Sequence[float]) -> None:
        self.name = name
        self._row = np.array(values, dtype=np.float64)
        self.outputs = (TensorSpec("output", "float64", (None, len(values))),)

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        rows = len(next(iter(columns.values()), []))
        if not rows:
            raise invalid("no rows: send at least one", node=self.name)
        if not result.inputs:
            result.inputs = {name: self._array(name, column) for name, column in columns.items()}
        return {"output": np.tile(self._row, (rows, 1))}

    def _array(self, name: str, column: Column) -> Array:
        try:
            return np.asarray(column)
        except ValueError as error:
            raise invalid(f"column {name!r}: rows of different lengths", column=name, node=self.name) from error


def entered(  # the request, and who takes it
    binding: RequestBinding, leading: Sequence[str], columns: Columns, inputs: Sequence[TensorSpec], result: Result
) -> dict[str, Array]:
    """What the first node of a graph makes of a request's columns; see ``ModelNode`` for ``leading``."""
    if leading and all(name in columns for name in leading) and not all(name in columns for name in binding.columns):
        return take({name: columns[name] for name in leading}, inputs)
    taken, feed = binding.bind(columns)
    if not result.inputs:
        result.inputs = taken
    return feed


def _some(column: Sequence[object] | Array, rows: list[int]) -> Sequence[object] | Array:
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]


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
