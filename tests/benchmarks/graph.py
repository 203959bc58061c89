"""What a graph of three models costs beyond its models."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import MODEL

from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.steps import steps_planned
from modelyard.engines import onnx

_ROUNDS = 15
_RUNS = 400
_MODELS = MODEL.parent
_NAMES = ("ccfraud", "ccfraud_v2", "fraud_threshold")


def three_nodes() -> list[Figure]:
    """One row as JSON gives it, through a chain of three nodes, and through a champion with two challengers."""
    loaded = [onnx.load(_MODELS / f"{name}.onnx") for name in _NAMES]
    named = [{"name": name, "version": name, "sha": ""} for name in _NAMES]
    old, new, threshold = named
    split = {"RandomSplit": {"hash_key": None, "weights": [{"weight": 1, "model": old}, {"weight": 1, "model": new}]}}
    shadow = [{"ModelInference": {"models": [old, new, new]}}, {"MultiOut": {}}]
    chain = [split, {"ModelInference": {"models": [threshold]}}, {"ModelInference": {"models": [threshold]}}]
    row = {"tensor": [np.random.default_rng(0).normal(size=29).round(4).tolist()]}
    tensor = {"tensor": np.array(row["tensor"], dtype=np.float32)}
    score = {"dense_1": np.array([[0.5]], dtype=np.float32)}
    network, limit = (lambda: loaded[0].run(tensor)), (lambda: loaded[2].run(score))
    return [
        _figure("a split and two steps", _running(chain, loaded, row), [network, limit, limit]),
        _figure("a champion and two challengers", _running(shadow, loaded, row), [network, network, network]),
    ]


def _running(steps: list[dict[str, Any]], loaded: list[Any], row: dict[str, Any]) -> Callable[[], object]:
    refs, plan = steps_planned({"steps": steps})
    graph = compile_plan(plan, [Step(loaded[_NAMES.index(ref.name)], None, ref.name) for ref in refs])
    return lambda: graph.run(row)


def _figure(what: str, graph: Callable[[], object], models: list[Callable[[], object]]) -> Figure:
    """Graph and models in turn; the goal is 1.5 times the sum of the models' times and 0.2 ms."""
    pairs = [(_seconds(graph), sum(_seconds(model) for model in models)) for _ in range(_ROUNDS)]
    whole, parts = (statistics.median(pair[at] for pair in pairs) * 1e6 for at in (0, 1))
    goal = 1.5 * parts + 200
    return Figure(
        f"graph of {what}", f"{whole:.0f} µs ({parts:.0f} µs in the models)", f"<= {goal:.0f} µs", whole <= goal
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(_RUNS):
        work()
    return (time.perf_counter() - began) / _RUNS
