"""Requests in three manners become the same rows, and what is none is refused with what is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.automation.payloads import Manner, read_rows, write_answer
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import TensorSpec

TENSOR = (TensorSpec("x", "float32", (None, 2)),)
SCALARS = (
    TensorSpec("a", "float32", (None,)),
    TensorSpec("b", "int64", (None, 1)),
    TensorSpec("c", "float32", (None, 2)),
)


@pytest.mark.parametrize(
    "payload",
    [
        [{"x": [1, 2]}, {"x": [3, 4]}],
        {"data": {"ndarray": [[1, 2], [3, 4]]}},
        {"data": {"ndarray": [[1, 2], [3, 4]], "names": ["p", "q"]}},
        {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}}},
        {"jsonData": [{"x": [1, 2]}, {"x": [3, 4]}]},
        {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}]},
        {"inputs": [{"name": "other", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3, 4]]}]},
    ],
    ids=str,
)
def test_every_manner_gives_the_same_rows(payload: Any) -> None:
    assert read_rows(payload, TENSOR).records == [{"x": [1, 2]}, {"x": [3, 4]}]


def test_a_matrix_is_spread_over_several_columns_by_position_or_by_name() -> None:
    wanted = [{"a": 1, "b": [2], "c": [3, 4]}]
    assert read_rows({"data": {"ndarray": [[1, 2, 3, 4]]}}, SCALARS).records == wanted
    named = {"data": {"ndarray": [[[3, 4], 2, 1]], "names": ["c", "b", "a"]}}
    assert read_rows(named, SCALARS).records == [{"c": [3, 4], "b": 2, "a": 1}]


def test_text_is_one_cell() -> None:
    text = (TensorSpec("text", "string", (None, 1)),)
    assert read_rows({"strData": "hello"}, text).records == [{"text": ["hello"]}]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        3,
        "text",
        [],
        [1],
        {},
        {"data": 3},
        {"data": {}},
        {"data": {"tftensor": {}}},
        {"data": {"ndarray": []}},
        {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3]}}},
        {"data": {"tensor": {"shape": [-1, 2], "values": [1, 2]}}},
        {"data": {"tensor": {"shape": "x", "values": [1]}}},
        {"data": {"tensor": {"shape": [1, [2]], "values": [1]}}},
        {"inputs": []},
        {"inputs": [3]},
        {"inputs": [{"name": "x", "data": [1]}]},
        {"inputs": [{"name": "x", "shape": [10**12, 10**12], "data": [1]}]},
        {"inputs": [{"name": n, "shape": [k], "data": [1] * k} for n, k in (("a", 1), ("b", 2))]},
    ],
    ids=str,
)
def test_what_is_no_request_is_refused(payload: Any) -> None:
    for inputs in (TENSOR, ()):
        with pytest.raises(DomainError) as caught:
            read_rows(payload, inputs)
        assert caught.value.kind is ErrorKind.INVALID


def test_a_row_of_the_wrong_width_is_named() -> None:
    with pytest.raises(DomainError, match="row 1 has 3 values where 4 are expected"):
        read_rows({"data": {"ndarray": [[1, 2, 3, 4], [1, 2, 3]]}}, SCALARS)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "inputs", "x"]), inner),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["ndarray", "tensor", "names", "shape", "values"]))
def test_nothing_but_a_refusal_comes_of_nonsense(value: Any, key: str) -> None:
    for payload in (
        value,
        {"data": {key: value}},
        {"data": {"tensor": {"shape": [1], key: value}}},
        {"inputs": [value]},
    ):
        for inputs in (TENSOR, SCALARS, ()):
            try:
                assert read_rows(payload, inputs).records
            except DomainError as error:
                assert error.kind is ErrorKind.INVALID


def test_answers_are_written_as_the_question_was() -> None:
    outputs = [{"p": [0.25, 0.75], "label": 1}, {"p": [0.5, 0.5], "label": 0}]
    seldon = write_answer(Manner.SELDON, outputs, "m", {"batch_index": 3})
    assert seldon["data"] == {"names": ["p:0", "p:1", "label"], "ndarray": [[0.25, 0.75, 1], [0.5, 0.5, 0]]}
    assert seldon["meta"] == {"tags": {"batch_index": 3}}
    tensors = write_answer(Manner.OPEN_INFERENCE, outputs, "m", {})["outputs"]
    assert tensors[0] == {"name": "p", "shape": [2, 2], "datatype": "FP64", "data": [0.25, 0.75, 0.5, 0.5]}
    assert tensors[1] == {"name": "label", "shape": [2], "datatype": "INT64", "data": [1, 0]}
    assert write_answer(Manner.RECORDS, outputs, "m", {}) == outputs
