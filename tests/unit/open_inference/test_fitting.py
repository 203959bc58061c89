"""What a deployment expects: strictly without a content type, as columns with ``np`` and ``pd``."""

from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.graph import Graph, Target
from modelyard.core.serving.graph.nodes import LoadedModel, ModelNode, Step
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.dialects.open_inference.fitting import Expected
from modelyard.dialects.open_inference.request import read
from modelyard.web.call import json_bytes

ONE = Signature((TensorSpec("x", "float32", (None, 3)),), (TensorSpec("sum", "float32", (None,)),))


class Sum:
    """A model that adds up each row."""

    inline = True
    yields = False
    signature = ONE

    def run(self, inputs: dict[str, Any]) -> list[Any]:
        return [inputs["x"].sum(axis=1)]


def graph(fields: tuple[str, ...] | None = None) -> Graph:
    model: LoadedModel = Sum()
    return Graph([Target("", 100, ModelNode("m", Step(model, fields), first=True))])


def sums(made: Graph, *inputs: dict[str, Any], content_type: str | None = None) -> list[float]:
    parameters = {"parameters": {"content_type": content_type}} if content_type else {}
    question = read(json_bytes({"inputs": inputs, **parameters}), None, Expected(made))
    answer: list[float] = made.run(question.columns).outputs["sum"].tolist()
    return answer


def tensor(name: str, shape: list[int], data: list[Any], datatype: str = "FP32") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


ROWS = tensor("x", [2, 3], [1, 2, 3, 4, 5, 6])
COLUMNS = [tensor("a", [2], [1, 4]), tensor("b", [2, 1], [2, 5]), tensor("c", [2], [3, 6])]
FLAT = [tensor("a", [2], [1, 4]), tensor("b", [2], [2, 5]), tensor("c", [2], [3, 6])]


def test_one_tensor_by_its_name() -> None:
    assert sums(graph(), ROWS) == [6, 15]


def test_tensor_fields_are_the_names_that_count() -> None:
    assert sums(graph(("a", "b", "c")), *FLAT) == [6, 15]
    with pytest.raises(DomainError, match="a: FP32"):
        sums(graph(("a", "b", "c")), ROWS)


def test_columns_of_a_frame_become_the_only_tensor() -> None:
    assert sums(graph(), *COLUMNS, content_type="pd") == [6, 15]
    with pytest.raises(DomainError, match="no input tensor 'a'"):
        sums(graph(), *COLUMNS)


def test_the_columns_of_one_array_feed_the_fields() -> None:
    for kind in ("np", "pd"):
        assert sums(graph(("a", "b", "c")), {**ROWS, "name": "any"}, content_type=kind) == [6, 15]


def test_numbers_of_another_type_are_taken_where_no_value_changes() -> None:
    whole = tensor("x", [1, 3], [1, 2, 3], "INT64")
    assert sums(graph(), whole, content_type="np") == [6]
    with pytest.raises(DomainError, match="expected datatype FP32, got INT64"):
        sums(graph(), whole)


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        ([tensor("a", [2], [1, 4]), tensor("b", [2], [2, 5])], "pd"),
        ([*FLAT[:2], tensor("c", [3], [3, 6, 9])], "pd"),
        ([{**ROWS, "name": "any", "shape": [3, 2]}], "np"),
        ([], "pd"),
    ],
)
def test_what_is_not_the_same_either_way_is_refused(inputs: list[dict[str, Any]], kind: str) -> None:
    with pytest.raises(DomainError, match="x: FP32"):
        sums(graph(), *inputs, content_type=kind)


def test_an_unknown_content_type_is_refused() -> None:
    with pytest.raises(DomainError, match="content_type 'avro' is not known"):
        sums(graph(), ROWS, content_type="avro")


def test_a_question_is_the_same_by_the_short_way_and_by_the_long_one() -> None:
    expected = Expected(graph())
    short = read(json_bytes({"inputs": [ROWS], "id": "7"}), None, expected)
    long = read(json_bytes({"inputs": [ROWS], "id": "7", "parameters": {"any": 1}}), None, expected)
    assert short.id == long.id == "7"
    assert short.chosen is long.chosen is None
    for question in (short, long):
        array = question.columns["x"]
        assert isinstance(array, np.ndarray)
        assert (array.dtype, array.shape) == (np.dtype("float32"), (2, 3))
