"""Combiners: one answer out of the answers of several nodes, each given with its node's name."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Columns

Answers = Sequence[tuple[str, dict[str, Array]]]
Specs = tuple[TensorSpec, ...]


class Combiner(Protocol):
    """See the module."""

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        """The one answer."""

    def outputs(self, nodes: Sequence[Specs]) -> Specs:
        """What it gives, as far as that is known from what the nodes give."""


class First:
    """The first answer; the others were asked in vain."""

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        del result
        return answers[0][1]

    def outputs(self, nodes: Sequence[Specs]) -> Specs:
        return nodes[0]


class Champion(First):
    """The first answer; the others stand beside it, under their nodes' names."""

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        for name, outputs in answers[1:]:
            result.note_alternative(name, outputs)
        return answers[0][1]


class Nth(First):
    """The answer of one place."""

    def __init__(self, place: int) -> None:
        self._place = place

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        del result
        return answers[self._place][1]

    def outputs(self, nodes: Sequence[Specs]) -> Specs:
        return nodes[self._place]


class Audited:
    """What another combiner makes of the answers; those at some places stand beside it, under their nodes' names."""

    def __init__(self, places: Sequence[int], then: Combiner) -> None:
        self._places = tuple(places)
        self._then = then

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        for place in self._places:
            result.note_alternative(*answers[place])
        return self._then.combine(answers, result)

    def outputs(self, nodes: Sequence[Specs]) -> Specs:
        return self._then.outputs(nodes)


class Average(First):
    """The mean of the answers, number by number."""

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        del result
        first = list(answers[0][1].values())
        for name, outputs in answers[1:]:
            if [array.shape for array in outputs.values()] != [array.shape for array in first]:
                shapes = [[list(a.shape) for a in outputs.values()] for outputs in (answers[0][1], outputs)]
                raise invalid(f"cannot average {answers[0][0]!r} {shapes[0]} and {name!r} {shapes[1]}", node=name)
        columns = zip(*(outputs.values() for _, outputs in answers), strict=True)
        return {name: _mean(arrays) for name, arrays in zip(answers[0][1], columns, strict=True)}


class Runner(Protocol):
    """What ``ByModel`` needs of its node."""

    name: str

    @property
    def outputs(self) -> Specs:
        """See ``nodes.Node``."""

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        """See ``nodes.Node``."""


class ByModel:
    """What a model makes of all answers: tensors of the same name are told apart by their nodes' names."""

    def __init__(self, node: Runner) -> None:
        self._node = node

    def combine(self, answers: Answers, result: Result) -> dict[str, Array]:
        return self._node.run(_all(answers), result)

    def outputs(self, nodes: Sequence[Specs]) -> Specs:
        del nodes
        return self._node.outputs


BY_NAME: Mapping[str, type[First]] = {"first": First, "champion": Champion, "average": Average}
"""The combiners that need nothing."""


def _all(answers: Answers) -> dict[str, Array]:
    names = [name for _, outputs in answers for name in outputs]
    return {
        (name if names.count(name) == 1 else f"{node}.{name}"): array
        for node, outputs in answers
        for name, array in outputs.items()
    }


def _mean(arrays: Sequence[Array]) -> Array:
    if any(array.dtype.kind not in "fiub" for array in arrays):
        raise invalid("cannot average text; only numbers have a mean")
    mean: Any = np.mean(np.stack([array.astype(np.float64) for array in arrays]), axis=0)
    return np.asarray(mean, dtype=arrays[0].dtype if arrays[0].dtype.kind == "f" else np.float64)
