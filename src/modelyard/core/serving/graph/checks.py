"""The node that looks at what another one answers: validations, which note the rows that fail them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.expressions.parsing import Expression, parse
from modelyard.core.serving.expressions.values import Lookup, Values, column
from modelyard.core.serving.graph.nodes import Node
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Columns

Specs = Sequence[TensorSpec]


class Checked:
    """A node and its validations: a row fails where one of them is true.

    They see ``in.…``, the request, ``out.…``, what the node answers, and ``out_<node>.…``, what others answered beside.
    """

    def __init__(self, node: Node, expressions: Sequence[Expression]) -> None:
        self.name = node.name
        self.binding = node.binding
        self.outputs = node.outputs
        self._node = node
        self._expressions = tuple(expressions)

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        outputs = self._node.run(columns, result)
        rows = len(next(iter(outputs.values()), []))
        lookup = _lookup(outputs, result)
        for expression in self._expressions:
            try:
                result.note_check(expression.name, expression.true_rows(lookup, rows))
            except DomainError as error:
                raise invalid(f"the validation {expression.name!r}: {error.message}", node=self.name) from error
        return outputs


def expressions(node: Mapping[str, Any]) -> list[Expression]:
    """The validations of a ``checked`` node of a plan."""
    return [parse(check["expression"]) for check in node["checks"]]


def check_expressions(node: Mapping[str, Any], asked: Specs, answers: Specs) -> None:
    """Whether the validations can look at a request and an answer like these; ``FAILED_PRECONDITION`` if not.

    They are tried on one row of zeros when all columns they look at are known.
    """
    known = {f"in.{spec.name}": spec for spec in asked} | {f"out.{spec.name}": spec for spec in answers}
    for expression in expressions(node):
        for name in sorted(expression.columns - known.keys()):
            if answers and name.startswith("out."):
                there = ", ".join(sorted(each for each in known if each.startswith("out.")))
                raise _refused(expression, f"there is no column {name!r} here, only {there}")
        if expression.columns <= known.keys():
            _try(expression, known)


def _try(expression: Expression, known: Mapping[str, TensorSpec]) -> None:
    try:
        expression.true_rows(lambda name: _zeros(known[name]), 1)
    except DomainError as error:
        raise _refused(expression, error.message) from error


def _refused(expression: Expression, why: str) -> DomainError:
    return DomainError(ErrorKind.FAILED_PRECONDITION, f"the validation {expression.name!r} cannot be made: {why}")


def _zeros(spec: TensorSpec) -> Values:
    shape = (1, *(1 if size is None else size for size in spec.row_shape))
    return Values(np.full(shape, "", dtype=object) if spec.dtype == "string" else np.zeros(shape, dtype=spec.dtype))


def _lookup(outputs: Mapping[str, Array], result: Result) -> Lookup:
    def find(name: str) -> Values:
        root, _, rest = name.partition(".")
        if root == "in" and (rest in result.inputs or rest in result.asked):
            return column(name, result.inputs[rest] if rest in result.inputs else result.asked[rest])
        if root == "out" and rest in outputs:
            return column(name, outputs[rest])
        for node, beside in (result.alternatives or {}).items():
            at = name.removeprefix(f"out_{node}.")
            if at in beside and at != name:
                return column(name, beside[at])
        there = [f"in.{each}" for each in (*result.inputs, *(n for n in result.asked if n not in result.inputs))]
        there += [f"out.{each}" for each in outputs]
        raise invalid(f"there is no column {name!r}, only {', '.join(there[:30])}", column=name)

    return find
