"""What answers the requests to a deployment."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.nodes import Node
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.graph.routers import Shares
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Columns


@dataclass(frozen=True, slots=True)
class Target:
    """One that may answer, with its weight among all."""

    name: str
    weight: float
    node: Node


@dataclass(frozen=True, slots=True)
class Shadow:
    """One that gets a copy of ``percent`` of the requests."""

    name: str
    percent: float
    node: Node


class Graph:
    """Targets that share the requests, and a shadow. Thread-safe as far as its models are."""

    def __init__(
        self,
        targets: Sequence[Target],
        shadow: Shadow | None = None,
        *,
        several: bool = False,
        inline: bool = True,
        yields: bool = False,
    ) -> None:
        """``several`` models may be the first to get a request: what it brings is looked at before one is chosen.

        ``inline`` says that all its models are, ``yields`` that those do that are not; see ``LoadedModel``.
        """
        self.inline = inline
        self.yields = yields
        self._targets = tuple(targets)
        self._by_name = {target.name: target for target in targets}
        self._only = targets[0] if len(targets) == 1 else None
        self._shares = Shares([target.weight for target in targets])
        self.shadow = shadow
        leading = max(targets, key=lambda target: target.weight).node
        self._leading = leading.binding if several else None
        self.inputs: tuple[TensorSpec, ...] = tuple(leading.binding.specs()) if leading.binding else ()
        """The columns that a request is to bring, in order; empty when anything will do."""
        self.outputs: tuple[TensorSpec, ...] = leading.outputs
        """What it answers, as far as that is known beforehand."""
        self.columns = tuple(spec.name for spec in self.inputs)

    def run(self, columns: Columns, target: str | None = None) -> Result:
        """Answer the rows; ``INVALID`` says which column does not fit and how, and which node says so.

        ``target`` asks for one by name, where the caller was with it before.
        """
        chosen = self._only or self._chosen(target)
        result = self._run(chosen.node, chosen.name, columns)
        if self.shadow is not None:
            result.mirrored = random.random() * 100 < self.shadow.percent  # noqa: S311
        return result

    def run_shadow(self, columns: Columns) -> Result:
        """What the shadow answers to a copy of a request."""
        if self.shadow is None:
            raise RuntimeError("this graph has no shadow")
        return self._run(self.shadow.node, self.shadow.name, columns)

    def warm_up(self) -> None:
        """Run every target and the shadow once, on a row of zeros."""
        parts: list[Target | Shadow] = [*self._targets]
        if self.shadow:
            parts.append(self.shadow)
        for part in parts:
            binding = self._leading or part.node.binding
            if binding:
                self._run(part.node, part.name, binding.example())

    def _chosen(self, wanted: str | None) -> Target:
        known = self._by_name.get(wanted) if wanted else None
        return known or self._targets[self._shares.at(random.random())]  # noqa: S311

    def _brought(self, columns: Columns) -> bool:
        """Whether the request is meant for the leading model; else the one that is chosen says what it misses."""
        return any(name in columns for name in self.columns)

    def _run(self, node: Node, target: str, columns: Columns) -> Result:
        result = Result(target=target, asked=columns)
        if self._leading is not None and self._brought(columns):
            result.inputs, _ = self._leading.bind(columns)
            columns = {**columns, **result.inputs}
        outputs = node.run(columns, result)
        result.rows = rows = len(next(iter(result.inputs.values())))
        _check_rows(outputs, rows)
        if result.alternatives is not None:
            for beside in result.alternatives.values():
                _check_rows(beside, rows)
        result.outputs = outputs
        return result


def _check_rows(outputs: dict[str, Array], rows: int) -> None:
    for name, output in outputs.items():
        if output.shape[:1] != (rows,):
            raise invalid(f"the model's output {name!r} has shape {list(output.shape)} for {rows} rows")
