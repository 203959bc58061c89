"""From columns to tensors: what fits is taken, what does not is refused by name, type and shape."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.binding import compatible, take
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import tensor, texts

ROWS_OF_3 = TensorSpec("x", "float32", (None, 3))
WHOLE = TensorSpec("n", "int64", (None, 1))


def refusal(column: Any, spec: TensorSpec) -> DomainError:
    with pytest.raises(DomainError) as caught:
        tensor("c", column, spec)
    assert caught.value.kind is ErrorKind.INVALID
    assert caught.value.details["column"] == "c"
    return caught.value


@pytest.mark.parametrize("column", [[[1, 2, 3]], [[1.0, 2.0, 3.0]], [[1, 2.0, 3]], np.array([[1, 2, 3]], np.int8)])
def test_numbers_become_floats(column: Any) -> None:
    array = tensor("c", column, ROWS_OF_3)
    assert array.dtype == np.float32
    assert array.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ([["1", "2", "3"]], "string"),
        ([[None, 2, 3]], "null"),
        ([[1, "2", 3]], "string"),
        ([[True, False, True]], "bool"),
        ([[1, 2]], "int64 [1, 2]"),
        ([[[1, 2, 3]]], "int64 [1, 1, 3]"),
        ([1, 2], "int64 [2]"),
        ([[1, 2, 3], [1]], "different lengths"),
        ([{"a": 1}], "values of different types"),
        (np.array([[1, np.nan, 3]]), "NaN"),
        (np.array([["a", "b", "c"]]), "string"),
    ],
)
def test_what_does_not_fit_is_refused(column: Any, given: str) -> None:
    error = refusal(column, ROWS_OF_3)
    assert error.details["expected"] == "float32 [rows, 3]"
    assert given in error.details["given"]


def test_a_number_a_row_stands_for_a_column_of_width_one() -> None:
    assert tensor("c", [1, 2], WHOLE).tolist() == [[1], [2]]
    assert tensor("c", [[1], [2]], TensorSpec("n", "int64", (None,))).tolist() == [1, 2]


@pytest.mark.parametrize("column", [[[1.5]], [[float("inf")]], [[2**70]], [[1e300]]])
def test_whole_numbers_are_not_made_of_anything_else(column: Any) -> None:
    refusal(column, WHOLE)


def test_whole_floats_may_stand_for_whole_numbers() -> None:
    assert tensor("c", [[3.0]], WHOLE).tolist() == [[3]]


@pytest.mark.parametrize("value", [300, -1])
def test_numbers_beyond_the_type_are_refused(value: int) -> None:
    refusal([[value]], TensorSpec("n", "uint8", (None, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("column", [[[1.0, 1e39]], [[True, 1e39]], np.array([[1.0, -1e300]])])
def test_numbers_that_would_become_infinite_are_refused(column: Any, dtype: str) -> None:
    refused = refusal(column, TensorSpec("x", dtype, (None, 2)))
    assert refused.details["given"] == "numbers beyond the type's range"


def test_sizes_that_the_model_leaves_open_are_free() -> None:
    assert tensor("c", [[[1, 2], [3, 4]]], TensorSpec("x", "float32", (None, None, 2))).shape == (1, 2, 2)


def test_text_is_taken_where_text_is_wanted() -> None:
    assert tensor("c", [["a"], ["b"]], TensorSpec("s", "string", (None, 1))).tolist() == [["a"], ["b"]]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)


@pytest.mark.parametrize("column", [[None], [2**70], ["a", None], [{"a": 1}], [["a", 2**70]]])
def test_objects_that_are_no_text_are_refused_where_text_is_wanted(column: Any) -> None:
    for spec in (TensorSpec("s", "string", (None,)), TensorSpec("s", "string", (None, None))):
        with pytest.raises(DomainError, match="expected string"):
            tensor("c", column, spec)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
@given(column=st.lists(ANY_JSON, min_size=1, max_size=4))
def test_any_json_is_taken_or_refused_and_nothing_else(column: list[Any]) -> None:
    for spec in (ROWS_OF_3, WHOLE, TensorSpec("s", "string", (None, 1)), TensorSpec("b", "bool", (None,))):
        try:
            array = tensor("c", column, spec)
        except DomainError as error:
            assert error.kind is ErrorKind.INVALID
        else:
            assert len(array) == len(column)
            assert array.ndim == len(spec.shape)


JSON = TensorSpec("j", "json", (None,))


def test_json_takes_a_value_of_any_kind_for_each_row() -> None:
    values: list[Any] = [{"a": [1]}, [1, 2], [3, 4], None, "text"]
    array = tensor("j", values, JSON)
    assert (array.shape, array.dtype) == ((5,), object)
    assert array.tolist() == values
    assert tensor("j", np.array([[1.0, 2.0], [3.0, 4.0]]), JSON).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_what_a_model_takes_as_json_may_be_anything_that_came_before_it() -> None:
    number, text = TensorSpec("n", "float64", (None, 2)), TensorSpec("t", "string", (None,))
    assert compatible(number, JSON)
    assert compatible(text, JSON)
    assert not compatible(JSON, number)
    assert not compatible(JSON, text)
    assert take({"n": np.array([[1.0, 2.0]])}, [JSON])["j"].tolist() == [[1.0, 2.0]]
    values = np.array([{"a": 1}], dtype=object)
    for spec in (number, text):
        with pytest.raises(DomainError, match="does not fit"):
            take({spec.name: values}, [spec])


def test_values_are_texts_as_they_are_or_their_json() -> None:
    assert texts(np.array(["é", "b"], dtype=object)) == ["é", "b"]
    assert texts(np.array([{"a": 1}, "é", None], dtype=object)) == ['{"a":1}', '"é"', "null"]
