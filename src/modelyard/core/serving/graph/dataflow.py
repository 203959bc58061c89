"""Steps that feed one another: a directed graph without cycles, run in process, one step after the other.

A step whose inputs or triggers bring nothing is skipped, and what hangs on it with it: that is how a flow takes one way
or another. A tensor without rows is nothing. Steps that do not lead to the output run after those that do; what they
give stands beside the answer, and when they fail, the answer is not the worse for it.
"""

import logging
from collections.abc import Sequence

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.graph.binding import RequestBinding, take
from modelyard.core.serving.graph.nodes import Node, entered
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.graph.routers import NONE
from modelyard.core.serving.graph.wiring import Flow, Wiring, needed, open_to, together
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.tensors import Array, Columns

_LOG = logging.getLogger(__name__)


class Dataflow:
    """See the module. ``leading`` is as of ``ModelNode``."""

    leading: tuple[str, ...] = ()

    def __init__(self, name: str, nodes: Sequence[Node], wiring: Wiring, *, first: bool) -> None:
        """``nodes`` are the steps, each behind those that it is fed by."""
        self.name = name
        self._nodes = tuple(nodes)
        self._wiring = wiring
        leading = needed(wiring)
        self._answering = [step for step in range(len(nodes)) if step in leading]
        self._aside = [step for step in range(len(nodes)) if step not in leading]
        self.binding = RequestBinding(Signature(wiring.request, ()), None) if first and wiring.request else None
        self.outputs = wiring.outputs

    def run(self, columns: Columns, result: Result) -> dict[str, Array]:
        request = self._entered(columns, result)
        flow: Flow[Array] = Flow(request, [None] * len(self._nodes), [None] * len(self._nodes))
        for step in self._answering:
            self._run(step, flow, result)
        outputs = together(self._wiring.output, flow)
        if outputs is None:
            waiting = ", ".join(sorted({wire.label for wire in self._wiring.output.wires}))
            raise invalid(f"nothing reached the output: it waits for {waiting}, which gave nothing", node=self.name)
        for step in self._aside:
            self._run_aside(step, flow, result)
        return outputs

    def _entered(self, columns: Columns, result: Result) -> dict[str, Array]:
        if self.binding is not None:
            return entered(self.binding, self.leading, columns, self._wiring.request, result)
        if self._wiring.request:
            return take(columns, self._wiring.request)
        given = {name: np.asarray(column) for name, column in columns.items()}
        result.inputs = result.inputs or given
        return given

    def _run(self, step: int, flow: Flow[Array], result: Result) -> None:
        feed = together(self._wiring.inputs[step], flow) if open_to(self._wiring.triggers[step], flow) else None
        if feed is None:
            result.note_route(self._nodes[step].name, NONE)
            return
        flow.fed[step] = feed
        outputs = self._nodes[step].run(feed, result)
        flow.gave[step] = {name: array for name, array in outputs.items() if array.size} or None

    def _run_aside(self, step: int, flow: Flow[Array], result: Result) -> None:
        """Nobody waits for this step: it is timed and named nowhere, but what it gives is noted."""
        name = self._nodes[step].name
        try:
            self._run(step, flow, Result())
        except DomainError as error:
            _LOG.warning("step %s of %s failed: %s", name, self.name, error.message)
        rows = len(next(iter(flow.request.values())))
        given = {each: array for each, array in (flow.gave[step] or {}).items() if len(array) == rows}
        if given:
            result.note_alternative(name, given)
