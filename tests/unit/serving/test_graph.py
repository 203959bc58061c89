"""The chain of models: what it takes, how its steps are joined, what cannot run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.compiling import check_plan, compile_plan
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import Plan, model, plan
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array
from modelyard.engines import onnx

MODELS = Path(__file__).parents[3] / "examples" / "models"


class Sum:
    """Adds up all its inputs and remembers the shapes it saw."""

    inline = True
    yields = False

    def __init__(self, *inputs: TensorSpec, output: str = "y") -> None:
        self.signature = Signature(inputs, (TensorSpec(output, "float32", (None, 1)),))
        self.seen: list[tuple[int, ...]] = []

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        arrays = [inputs[spec.name] for spec in self.signature.inputs]
        self.seen.append(arrays[0].shape)
        return [np.sum([a.reshape(len(a), -1).sum(axis=1) for a in arrays], axis=0, dtype=np.float32).reshape(-1, 1)]


def one_after_another(count: int) -> Plan:
    return plan({"kind": "chain", "nodes": [model(f"m{place}", place) for place in range(count)]})


def chain(steps: Sequence[Step]) -> Graph:
    return compile_plan(one_after_another(len(steps)), steps)


def check_chain(models: Sequence[tuple[Signature, Sequence[str] | None]]) -> None:
    check_plan(one_after_another(len(models)), models)


def spec(name: str, *row: int, batch: int | None = None, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, (batch, *row))


def message(kind: ErrorKind, *steps: Step, **columns: object) -> str:
    with pytest.raises(DomainError) as caught:
        chain(steps).run(columns)  # type: ignore[arg-type]
    assert caught.value.kind is kind
    return caught.value.message


def test_columns_are_found_by_the_names_of_the_inputs() -> None:
    result = chain([Step(Sum(spec("a", 1), spec("b", 2)))]).run({"b": [[2, 3]], "a": [1]})
    assert result.outputs["y"].tolist() == [[6]]
    assert {name: array.tolist() for name, array in result.inputs.items()} == {"a": [[1]], "b": [[2, 3]]}


def test_tensor_fields_name_columns_by_position() -> None:
    graph = chain([Step(Sum(spec("a", 1), spec("b", 1)), ("first", "second"))])
    assert graph.run({"second": [2], "first": [1]}).outputs["y"].tolist() == [[3]]
    assert graph.columns == ("first", "second")


def test_scalar_columns_are_stacked_into_one_input() -> None:
    model = Sum(spec("x", 3))
    result = chain([Step(model, ("a", "b", "c"))]).run({"a": [1, 4], "b": [2, 5], "c": [3, 6]})
    assert result.outputs["y"].tolist() == [[6], [15]]
    assert result.inputs["b"].tolist() == [2, 5]


def test_steps_are_joined_by_name_else_by_position() -> None:
    first = Sum(spec("x", 2), output="score")
    for name in ("score", "other"):
        result = chain([Step(first), Step(Sum(spec(name, 1), output="z"))]).run({"x": [[1, 2]]})
        assert result.outputs == {"z": np.array([[3]])}
        assert len(result.elapsed) == 2


def test_a_model_for_one_row_at_a_time_gets_one_row_at_a_time() -> None:
    model = Sum(spec("x", 2, batch=1))
    assert chain([Step(model)]).run({"x": [[1, 2], [3, 4]]}).outputs["y"].tolist() == [[3], [7]]
    assert model.seen == [(1, 2), (1, 2)]


def test_other_fixed_batches_are_taken_whole_or_not() -> None:
    model = Step(Sum(spec("x", 1, batch=2)))
    assert chain([model]).run({"x": [1, 2]}).rows == 2
    assert "exactly 2 rows, got 3" in message(ErrorKind.INVALID, model, x=[1, 2, 3])


def test_what_is_missing_is_named_with_what_was_given() -> None:
    text = message(ErrorKind.INVALID, Step(Sum(spec("x", 2))), y=[1])
    assert "'x' is missing" in text
    assert "'y'" in text


def test_columns_must_have_the_same_rows_and_some() -> None:
    step = Step(Sum(spec("a", 1), spec("b", 1)))
    assert "different lengths" in message(ErrorKind.INVALID, step, a=[1], b=[1, 2])
    assert "no rows" in message(ErrorKind.INVALID, step, a=np.zeros((0, 1)), b=np.zeros((0, 1)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (spec("y", 1), spec("x", 2)),
        (spec("y", 1), spec("x", 1, 1)),
        (spec("y", 1, dtype="string"), spec("x", 1)),
    ],
)
def test_steps_that_cannot_be_joined_are_refused_before_they_are_loaded(before: TensorSpec, after: TensorSpec) -> None:
    signatures = [Signature((spec("in", 1),), (before,)), Signature((after,), (spec("z", 1),))]
    with pytest.raises(DomainError, match="do not fit together") as caught:
        check_chain([(signature, None) for signature in signatures])
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_no_steps_and_misfitting_fields_are_refused() -> None:
    with pytest.raises(DomainError, match="no steps"):
        check_chain([])
    with pytest.raises(DomainError, match="2 tensor_fields do not fit"):
        check_chain([(Signature((spec("x", 3),), (spec("y", 1),)), ["a", "b"])])


def test_an_output_without_a_row_for_each_row_is_refused() -> None:
    class Total(Sum):
        def run(self, inputs: dict[str, Array]) -> list[Array]:
            return [super().run(inputs)[0].sum(keepdims=True)]

    assert "for 2 rows" in message(ErrorKind.INVALID, Step(Total(spec("x", 1))), x=[1, 2])


@pytest.mark.parametrize("name", ["ccfraud", "ccfraud_v2", "fraud_threshold", "house_price"])
def test_the_example_of_a_graph_runs(name: str) -> None:
    graph = chain([Step(onnx.load(MODELS / f"{name}.onnx"))])
    graph.warm_up()
    zeros = {each.name: np.zeros((1, *[size or 1 for size in each.row_shape])) for each in graph.inputs}
    assert graph.run(zeros).rows == 1
