"""Steps of every kind become a graph that answers as numpy says, or are refused by their number."""

import json
from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.definitions import check_definition
from modelyard.core.serving.graph.compiling import check_plan, compile_plan
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.steps import steps_planned
from modelyard.core.serving.tensors import Array

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Times:
    """Every number times a factor, as many outputs as inputs."""

    inline = True
    yields = False

    def __init__(self, factor: float, width: int | None = 3, name: str = "y") -> None:
        self.signature = Signature(
            (TensorSpec("x", "float32", (None, width)),), (TensorSpec(name, "float32", (None, width)),)
        )
        self._factor = factor
        self.runs = 0

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        self.runs += 1
        return [inputs["x"] * np.float32(self._factor)]


def ref(name: str) -> dict[str, str]:
    return {"name": name, "version": f"v-{name}", "sha": "s"}


def models(*names: str) -> dict[str, Any]:
    return {"ModelInference": {"models": [ref(name) for name in names]}}


def rows_to(*names: str) -> dict[str, Any]:
    pairs = [{"row_index": row, "model": ref(name)} for row, name in enumerate(names)]
    return {"RowsToModels": {"rows_to_models": pairs}}


def check(name: str = "big", column: str = "out.y", place: int = 0, above: float = 2.5) -> dict[str, Any]:
    get = {"Function": {"input": [{"Column": column}, {"Literal": {"Int32": place}}], "function": {"ListExpr": "Get"}}}
    tree = {"BinaryExpr": {"left": get, "op": "Gt", "right": {"Literal": {"Float64": above}}}}
    return {"Check": {"tree": [json.dumps({"Alias": [tree, name]})]}}


def split(*weights: float, hash_key: str | None = None) -> dict[str, Any]:
    pairs = [{"weight": weight, "model": ref(f"m{at + 1}")} for at, weight in enumerate(weights)]
    return {"RandomSplit": {"hash_key": hash_key, "weights": pairs}}


def graph(*steps: dict[str, Any], loaded: dict[str, Times] | None = None) -> Graph:
    definition = {"id": "p", "steps": list(steps)}
    check_definition(definition)
    refs, plan = steps_planned(definition)
    made = [(loaded or {}).get(each.name) or Times(int(each.name[1:])) for each in refs]
    plan = json.loads(json.dumps(plan))  # as it comes out of the store
    return compile_plan(
        plan, [Step(model, None, each.name, f"told {each.name}") for model, each in zip(made, refs, strict=True)]
    )


def refusal(*steps: dict[str, Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        graph(*steps)
    return caught.value


def test_models_run_one_after_another_and_a_model_named_twice_is_loaded_once() -> None:
    model = Times(2)
    result = graph(models("m2"), models("m3"), models("m2"), loaded={"m2": model}).run({"x": X})
    assert np.array_equal(result.outputs["y"], X * 12)
    assert model.runs == 2
    assert len(result.elapsed) == 3


def test_of_several_models_the_first_answers_and_the_others_stand_beside_it() -> None:
    for closing in ([], [{"MultiOut": {}}], [{"AuditResults": {"from": 1, "to": None}}, {"MultiOut": {}}]):
        result = graph(models("m1", "m2", "m3"), *closing).run({"x": X})
        assert np.array_equal(result.outputs["y"], X)
        assert result.alternatives is not None
        assert {name: outputs["y"].tolist() for name, outputs in result.alternatives.items()} == {
            "m2": (X * 2).tolist(),
            "m3": (X * 3).tolist(),
        }
        assert list(result.beside()) == ["out_m2.y", "out_m3.y"]


def test_the_same_model_twice_beside_one_another_has_two_names() -> None:
    result = graph(models("m1", "m2", "m2"), {"MultiOut": {}}).run({"x": X})
    assert list(result.alternatives or {}) == ["m2", "m2_2"]


def test_nth_chooses_one_and_the_audited_stand_beside_it() -> None:
    result = graph(models("m1", "m2", "m3"), {"Nth": {"index": 2}}).run({"x": X})
    assert np.array_equal(result.outputs["y"], X * 3)
    assert result.alternatives is None
    audited = graph(models("m1", "m2", "m3"), {"AuditResults": {"from": 0, "to": 2}}, {"Nth": {"index": 1}})
    assert list(audited.run({"x": X}).alternatives or {}) == ["m1"]


def test_the_average_of_several_goes_on_to_the_next_step() -> None:
    result = graph(models("m1", "m2", "m6"), {"Average": {}}, models("m2")).run({"x": X})
    assert result.outputs["y"] == pytest.approx(X * 6)


def test_rows_go_to_their_models() -> None:
    result = graph(rows_to("m2", "m5")).run({"x": X})
    assert result.outputs["y"].tolist() == [(X[0] * 2).tolist(), (X[1] * 5).tolist()]
    with pytest.raises(DomainError, match="no model for row 2"):
        graph(rows_to("m2", "m5")).run({"x": np.zeros((3, 3))})


def test_columns_become_rows_for_models_whose_answers_are_averaged() -> None:
    loaded = {"m2": Times(2, 1), "m4": Times(4, 1)}
    steps = ({"ColumnsToRows": {}}, rows_to("m2", "m4"), {"Average": {}})
    result = graph({"ColumnsSelect": {"columns": [2, 0]}}, *steps, loaded=loaded).run({"x": X})
    assert result.outputs["y"] == pytest.approx((X[:, [2]] * 2 + X[:, [0]] * 4) / 2)
    assert result.inputs["x"].shape == (2, 3)
    table = graph(*steps, loaded=loaded).run({"a": [1, 2], "b": [3, 4]})
    assert table.outputs["y"].tolist() == [[7], [10]]


def test_columns_are_selected_within_a_tensor_and_of_a_table() -> None:
    loaded = {"m2": Times(2, 2)}
    served = graph({"ColumnsSelect": {"columns": [2, 0]}}, models("m2"), loaded=loaded)
    assert np.array_equal(served.run({"x": X.tolist()}).outputs["y"], X[:, [2, 0]] * 2)
    assert served.run({"a": [1], "b": [2], "c": [3]}).outputs["y"].tolist() == [[6, 2]]
    with pytest.raises(DomainError, match="no column 2: there are 2"):
        served.run({"x": [[1, 2]]})
    behind = graph(models("m3"), {"ColumnsSelect": {"columns": [1]}}).run({"x": X})
    assert behind.outputs["y"].tolist() == [[3], [12]]
    message = refusal(models("m3"), {"ColumnsSelect": {"columns": [3]}}).message
    assert "no column 3 to take" in message


def test_a_split_asks_one_model_and_says_which() -> None:
    never = Times(1)
    served = graph(split(0, 1), loaded={"m1": never})
    for _ in range(50):
        result = served.run({"x": X})
        assert result.told == "told m2"
        assert np.array_equal(result.outputs["y"], X * 2)
    assert never.runs == 0
    assert result.beside()["out._model_split"].tolist() == [["told m2"], ["told m2"]]
    assert result.routing == {"step-0": 1}


def test_a_split_by_a_column_sends_each_row_its_way_and_keeps_their_order() -> None:
    rows = np.arange(60, dtype=np.float32).reshape(20, 3)
    keys = [f"user-{row}" for row in range(20)]
    result = graph(split(1, 1, hash_key="user")).run({"x": rows, "user": keys})
    assert isinstance(result.told, list)
    factors = np.array([[int(told[-1])] for told in result.told])
    assert set(factors.ravel()) == {1, 2}
    assert np.array_equal(result.outputs["y"], rows * factors)
    assert np.array_equal(result.inputs["x"], rows)
    again = graph(split(1, 1, hash_key="user")).run({"x": rows[::-1], "user": keys[::-1]})
    assert again.told == result.told[::-1]


def test_values_choose_models_even_behind_another_step() -> None:
    step = {"MetaValueSplit": {"split_key": "card", "control": ref("m1"), "routes": {"gold": ref("m2")}}}
    result = graph(models("m3"), step).run({"x": X, "card": ["iron", "gold"]})
    assert result.outputs["y"].tolist() == [(X[0] * 3).tolist(), (X[1] * 6).tolist()]
    assert result.told == ["told m1", "told m2"]


def test_models_of_a_split_may_take_columns_of_other_names() -> None:
    other = Times(2)
    other.signature = Signature((TensorSpec("z", "float32", (None, 3)),), other.signature.outputs)
    other.run = lambda inputs: [inputs["z"] * np.float32(2)]  # type: ignore[method-assign]
    step = {"MetaValueSplit": {"split_key": "card", "control": ref("m1"), "routes": {"gold": ref("m2")}}}
    served = graph(step, loaded={"m2": other})
    assert np.array_equal(served.run({"z": X, "card": ["gold", "gold"]}).outputs["y"], X * 2)
    assert np.array_equal(served.run({"x": X, "card": ["iron", "iron"]}).outputs["y"], X)
    both = served.run({"x": X, "z": X + 1, "card": ["iron", "gold"]})
    assert both.outputs["y"].tolist() == [X[0].tolist(), ((X[1] + 1) * 2).tolist()]
    with pytest.raises(DomainError, match="column 'x' is missing"):
        served.run({"z": X, "card": ["iron", "iron"]})


def test_rows_of_models_that_answer_differently_do_not_come_together() -> None:
    loaded = {"m1": Times(1, name="a"), "m2": Times(2, name="b")}
    served = graph(split(1, 1, hash_key="key"), loaded=loaded)
    with pytest.raises(DomainError, match=r"answer differently: a \[3\] and b \[3\]; send them one by one"):
        served.run({"x": X, "key": np.array([0.1, 0.9])})
    assert served.run({"x": X, "key": np.array([0.9, 0.9])}).outputs.keys() == {"b"}


def test_checks_see_what_is_there_where_they_stand() -> None:
    result = graph(models("m2"), check("before"), models("m2"), check("after"), check("input", "in.x", 1)).run({"x": X})
    assert result.checks is not None
    assert {name: failed.tolist() for name, failed in result.checks.items()} == {
        "before": [False, True],
        "after": [False, True],
        "input": [False, True],
    }
    assert np.array_equal(result.outputs["y"], X * 4)


def test_checks_before_all_models_look_at_the_answer_of_the_whole() -> None:
    result = graph(check("first", above=11), models("m2"), models("m2")).run({"x": X})
    assert (result.checks or {})["first"].tolist() == [False, True]


def test_checks_see_columns_that_no_model_takes_and_challengers() -> None:
    served = graph(models("m1", "m9"), check("beside", "out_m9.y", 1, 8), check("extra", "in.extra"))
    result = served.run({"x": X, "extra": [[1], [3]]})
    assert {name: failed.tolist() for name, failed in (result.checks or {}).items()} == {
        "beside": [True, True],
        "extra": [False, True],
    }
    with pytest.raises(DomainError, match=r"no column 'in\.extra', only in\.x"):
        served.run({"x": X})


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([models("m1", "m2"), models("m3")], "step 1 (ModelInference): several models answer before it"),
        ([models("m1"), {"Average": {}}], "step 1 (Average): there is nothing to average"),
        ([models("m1"), {"Nth": {"index": 1}}], "step 1 (Nth): there is no answer 1: 1 models answer"),
        (
            [models("m1", "m2"), {"AuditResults": {"from": 2, "to": None}}],
            "step 1 (AuditResults): there is nothing from 2",
        ),
        ([{"ColumnsToRows": {}}, models("m1")], "step 1 (ModelInference): the step before it is ColumnsToRows"),
        ([models("m1"), {"ColumnsToRows": {}}], "the last step is ColumnsToRows"),
        ([models("m1"), check(), check()], "step 2 (Check): there is another validation named 'big'"),
        ([models("m1"), check(column="out.z")], "there is no column 'out.z' here, only out.y"),
        ([check()], "the pipeline has no steps"),
    ],
)
def test_steps_that_make_no_sense_together_are_refused_by_number(steps: list[dict[str, Any]], words: str) -> None:
    error = refusal(*steps)
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert words in error.message


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"ModelInference": {"models": []}}, "models must be a list of 1 to 100"),
        ({"ModelInference": {"models": [{"name": "m"}]}}, "named by its name, version and sha"),
        (split(0, 0), "all weights are 0"),
        (split(-1, 1), "at least 0: -1"),
        (split(float("nan"), 1), "at least 0: nan"),
        (split(True, 1), "at least 0: True"),
        (split(1, hash_key=5), "hash_key must be the name of a column"),  # type: ignore[arg-type]
        ({"MetaValueSplit": {"split_key": "k", "control": ref("m1"), "routes": []}}, "routes must be an object"),
        ({"MetaValueSplit": {"split_key": "k", "control": {}, "routes": {}}}, "named by its name, version and sha"),
        ({"RowsToModels": {"rows_to_models": [{"row_index": -1, "model": ref("m1")}]}}, "whole numbers from 0: -1"),
        ({"ColumnsSelect": {"columns": [1, 1]}}, "selected twice"),
        ({"ColumnsSelect": {"columns": ["a"]}}, "whole numbers from 0: 'a'"),
        ({"Nth": {"index": 1.5}}, "whole numbers from 0: 1.5"),
        ({"AuditResults": {"from": None}}, "from must be a whole number"),
        ({"Check": {"tree": ["{}"]}}, "must be an object with one key"),
        ({"Check": {"tree": [json.dumps({"Alias": [{"Window": {}}, "w"]})]}}, "Window looks at many rows together"),
        (check("count"), "'count' cannot be the name"),
        ({"Unknown": {}}, "of the unknown kind 'Unknown'"),
    ],
)
def test_what_a_step_must_hold_is_refused_by_number(step: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_definition({"id": "p", "steps": [models("m1"), step]})
    assert caught.value.kind is ErrorKind.INVALID
    assert caught.value.message.startswith("step 1")
    assert words in caught.value.message


def test_a_model_that_does_not_take_what_comes_is_refused_wherever_it_stands() -> None:
    definition = {"steps": [models("m1"), split(1, 1)]}
    _, plan = steps_planned(definition)
    signatures = [Times(1).signature, Times(2, 4).signature]
    with pytest.raises(DomainError, match="do not fit together"):
        check_plan(plan, [(signature, None) for signature in signatures])
