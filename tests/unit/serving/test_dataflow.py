"""Data flows against a naive evaluator: whatever the graph, the same steps run and give the same numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph import plan
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array

SPEC = TensorSpec("x", "float64", (None, 1))


class Affine:
    """``x`` times a factor plus one as ``y``; ``z`` is the negative of it, or nothing where it is below a limit."""

    inline = True
    yields = False

    def __init__(self, factor: float, limit: float = -np.inf) -> None:
        self.signature = Signature(
            (SPEC,), (TensorSpec("y", "float64", (None, 1)), TensorSpec("z", "float64", (None, 1)))
        )
        self._factor, self._limit = factor, limit

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        y = inputs["x"] * self._factor + 1
        return [y, -y if y.sum() >= self._limit else y[:0]]


class Difference(Affine):
    """``a`` minus ``b`` as ``y``, and ``z`` as above."""

    def __init__(self, limit: float = -np.inf) -> None:
        super().__init__(1.0, limit)
        takes = tuple(TensorSpec(name, "float64", (None, 1)) for name in "ab")
        self.signature = Signature(takes, self.signature.outputs)

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        return super().run({"x": inputs["a"] - inputs["b"]})


class Broken(Affine):
    """Never answers."""

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        raise DomainError(ErrorKind.INVALID, f"broken by {len(inputs)}")


def graph(models: list[Affine], steps: list[dict[str, Any]], output: list[dict[str, Any]], join: str = "all") -> Graph:
    nodes = [plan.model(step["name"], place) for place, step in enumerate(steps)]
    whole = plan.plan(plan.dataflow("flow", nodes, steps, output, join))
    return compile_plan(whole, [Step(model) for model in models])


@st.composite
def flows(draw: st.DrawFn) -> tuple[list[Affine], list[dict[str, Any]], list[dict[str, Any]], str]:
    """Up to seven steps, fed by the first of some earlier ones that gives anything or by two, some with triggers."""
    size = draw(st.integers(1, 7))
    models: list[Affine] = []
    steps = []
    for at in range(size):
        earlier = [(f"s{each}", tensor) for each in range(at) for tensor in ("y", "z")]
        pool = st.sampled_from([(None, "x"), *earlier])
        limit, join = draw(st.sampled_from([-np.inf, 0.0])), draw(st.sampled_from(["all", "any"]))
        if draw(st.booleans()):
            models.append(Difference(limit))
            inputs, how = [wire(*draw(pool), to=name) for name in "ab"], "all"
        else:
            models.append(Affine(draw(st.sampled_from([-2.0, -1.0, 1.0, 3.0])), limit))
            inputs, how = [wire(*each) for each in draw(st.lists(pool, min_size=1, max_size=3))], "any"
        triggers = [wire(*each) for each in draw(st.lists(st.sampled_from(earlier), max_size=2))] if earlier else []
        steps.append(plan.wires(f"s{at}", inputs, how, triggers=triggers, triggers_join=join, place=f"s{at}"))
    ends = st.lists(st.sampled_from([f"s{at}" for at in range(size)]), min_size=1, max_size=3, unique=True)
    return models, steps, [wire(end, "y", to=end) for end in draw(ends)], draw(st.sampled_from(["all", "any"]))


def wire(step: str | None, tensor: str, to: str = "x") -> dict[str, Any]:
    return plan.wire(step, tensor, rename={tensor: to})


def naive(
    models: list[Affine], steps: list[dict[str, Any]], output: list[dict[str, Any]], join: str, x: Array
) -> dict[str, Array] | None:
    """By recursion and without any plan: what each wire brings is worked out where it is asked for."""

    def gave(step: str) -> dict[str, Array]:
        at = int(step[1:])
        wires = steps[at]
        opened = [bool(brings(each)) for each in wires["triggers"]]
        lets = not opened or (all(opened) if wires["triggers_join"] == "all" else any(opened))
        found = [brings(each) for each in wires["inputs"]]
        if wires["join"] == "any":
            found = [each for each in found if each][:1]
        if not lets or not found or not all(found):
            return {}
        y, z = models[at].run({name: value for each in found for name, value in each.items()})
        return {name: value for name, value in (("y", y), ("z", z)) if len(value)}

    def brings(each: Mapping[str, Any]) -> dict[str, Array]:
        source = {"x": x} if each["from"] is None else gave(each["from"])
        found = source.get(each["tensor"])
        return {} if found is None else {each["rename"].get(each["tensor"], each["tensor"]): found}

    found = [brings(each) for each in output]
    if join == "any":
        return next((each for each in found if each), None)
    return None if not all(found) else {name: value for each in found for name, value in each.items()}


@settings(max_examples=400, deadline=None)
@given(flow=flows(), x=st.lists(st.floats(-10, 10), min_size=1, max_size=4))
def test_a_flow_gives_what_a_naive_evaluator_gives(flow: Any, x: list[float]) -> None:
    models, steps, output, join = flow
    column = np.array(x).reshape(-1, 1)
    wanted = naive(models, steps, output, join, column)
    asks_request = any(each["from"] is None for step in steps for each in step["inputs"])
    assert asks_request, "the first step has nothing else to ask"
    if wanted is None:
        with pytest.raises(DomainError, match="nothing reached the output"):
            graph(models, steps, output, join).run({"x": column})
        return
    got = graph(models, steps, output, join).run({"x": column})
    assert got.outputs.keys() == wanted.keys()
    for name, value in wanted.items():
        assert np.array_equal(got.outputs[name], value)


def run(steps: list[dict[str, Any]], output: list[dict[str, Any]], **more: Any) -> Result:
    models = more.pop("models", None) or [Affine(at + 1.0) for at in range(len(steps))]
    return graph(models, steps, output, **more).run({"x": np.ones((2, 1))})


def test_steps_that_lead_nowhere_stand_beside_the_answer() -> None:
    steps = [plan.wires("a", [plan.wire(None)]), plan.wires("b", [wire("a", "y")])]
    result = run(steps, [plan.wire("a", "y")])
    assert result.outputs["y"].ravel().tolist() == [2, 2]
    assert result.alternatives is not None
    assert result.alternatives["b"]["y"].ravel().tolist() == [5, 5]
    assert len(result.elapsed) == 1


def test_a_failure_aside_does_not_spoil_the_answer() -> None:
    steps = [plan.wires("a", [plan.wire(None)]), plan.wires("b", [wire("a", "y")])]
    result = run(steps, [plan.wire("a", "y")], models=[Affine(1), Broken(1)])
    assert result.outputs["y"].ravel().tolist() == [2, 2]
    assert result.alternatives is None
    with pytest.raises(DomainError, match="broken") as caught:
        run(steps, [plan.wire("b", "y")], models=[Affine(1), Broken(1)])
    assert caught.value.details["node"] == "b"


def test_skipped_steps_are_noted() -> None:
    closed = plan.wires("b", [plan.wire(None)], triggers=[plan.wire("a", "z")])
    steps = [plan.wires("a", [plan.wire(None)]), closed]
    result = run(steps, [plan.wire("a", "y"), plan.wire("b", "y")], join="any", models=[Affine(1, 1e9), Affine(1)])
    assert result.routing == {"b": -2}


@pytest.mark.parametrize(
    ("steps", "output", "says"),
    [
        (
            [plan.wires("a", [plan.wire("b", place="here")]), plan.wires("b", [plan.wire(None)])],
            "a",
            "here: there is no step 'b' before",
        ),
        ([plan.wires("a", [plan.wire(None, "w", place="here")])], "a", None),
        (
            [plan.wires("a", [plan.wire(None)]), plan.wires("b", [plan.wire("a", "w", place="here")])],
            "b",
            "here: a has no tensor 'w', only",
        ),
        ([plan.wires("a", [plan.wire(None)])], "b", "there is no step 'b'"),
    ],
)
def test_wires_that_lead_nowhere_are_refused_by_their_place(steps: Any, output: str, says: str | None) -> None:
    if says is None:
        assert run_with_column(steps, output).outputs["y"].ravel().tolist() == [2, 2]
        return
    with pytest.raises(DomainError, match=says) as caught:
        run(steps, [plan.wire(output)])
    assert caught.value.kind is ErrorKind.INVALID


def run_with_column(steps: list[dict[str, Any]], output: str) -> Result:
    """The only input of a step takes the one column that it is given, whatever its name."""
    return graph([Affine(1)], steps, [plan.wire(output, "y")]).run({"w": np.ones((2, 1))})


def test_what_does_not_fit_is_refused_beforehand() -> None:
    class Wide(Affine):
        def __init__(self) -> None:
            super().__init__(1)
            self.signature = Signature((TensorSpec("x", "float64", (None, 3)),), self.signature.outputs)

    steps = [plan.wires("a", [plan.wire(None)]), plan.wires("b", [plan.wire("a", "y")], place="steps[1]")]
    with pytest.raises(DomainError, match=r"steps\[1\]: the step takes x: float64 \[any, 3\]; what it is given is y"):
        run(steps, [plan.wire("b")], models=[Affine(1), Wide()])


def test_steps_that_take_one_column_in_two_types_get_the_wider() -> None:
    class Single(Affine):
        def __init__(self) -> None:
            super().__init__(1)
            self.signature = Signature((TensorSpec("x", "float32", (None, 1)),), self.signature.outputs)

    steps = [plan.wires("a", [plan.wire(None)]), plan.wires("b", [plan.wire(None)])]
    made = graph([Single(), Affine(1)], steps, [plan.wire("b", "y")])
    assert [str(spec) for spec in made.inputs] == ["x: float64 [any, 1]"]
    assert made.run({"x": [[0.1]]}).outputs["y"].tolist() == [[1.1]]
