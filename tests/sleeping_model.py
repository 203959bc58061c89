"""A model that runs beside the event loop and takes its time, and the route to it."""

import threading
from typing import Any

from modelyard.core.serving.deadlines import current_deadline
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.routes import Route
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.steps import steps_planned
from modelyard.core.serving.tensors import Array


class Sleeper:
    """Doubles ``x`` after ``seconds``, or as soon as it is let go; sees whether it still has time."""

    inline = False
    yields = False

    def __init__(self, seconds: float) -> None:
        self.signature = Signature((TensorSpec("x", "float64", (None, 1)),), (TensorSpec("y", "float64", (None, 1)),))
        self.go_on = threading.Event()
        self.seconds = seconds
        self.deadlines: list[float | None] = []
        self.most = self._running = 0
        self._lock = threading.Lock()

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
            self.deadlines.append(current_deadline())
        self.go_on.wait(self.seconds)
        with self._lock:
            self._running -= 1
        return [inputs["x"] * 2]


def route_to(model: Any, deployment: int = 1, concurrency: int = 2) -> Route:
    """A deployment of nothing but the model."""
    refs, plan = steps_planned({"steps": [{"ModelInference": {"models": [{"name": "m", "version": "v", "sha": ""}]}}]})
    graph = compile_plan(plan, [Step(model, None, ref.name) for ref in refs])
    return Route(deployment, 1, f"m-{deployment}", 1, "w", 1, "m", "v-uuid", graph, plan, (), concurrency)
