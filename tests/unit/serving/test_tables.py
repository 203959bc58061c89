"""Tables are bound to what a deployment takes where there is no doubt, and else refused with what was expected."""

from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tables import from_columns, from_frame, from_records, from_rows, is_text, taking


def spec(name: str, *row: int, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, (None, *row))


WIDE = [spec("x", 3)]
SCALARS = [spec("a"), spec("b", 1)]


@pytest.mark.parametrize("names", [(), ("x",), ("p", "q", "r")])
def test_the_only_input_takes_the_whole_table_whatever_its_columns_are_called(names: tuple[str, ...]) -> None:
    assert from_rows(WIDE, [[1, 2, 3]], names) == {"x": [[1, 2, 3]]}


def test_several_inputs_take_a_column_each_by_position() -> None:
    assert from_rows(SCALARS, [[1, "u"], [2, "v"]]) == {"a": [1, 2], "b": ["u", "v"]}


def test_names_that_match_decide_and_others_come_along() -> None:
    assert from_rows(SCALARS, [[1, 2, 3]], ["b", "key", "a"]) == {"b": [1], "key": [2], "a": [3]}
    assert from_rows([spec("a")], [[1, "k"]], ["a", "key"]) == {"a": [1], "key": ["k"]}


def test_arrays_are_split_like_lists() -> None:
    found = from_rows(SCALARS, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert {name: list(column) for name, column in found.items()} == {"a": [1.0, 3.0], "b": [2.0, 4.0]}


@pytest.mark.parametrize(
    ("inputs", "rows", "names", "words"),
    [
        (WIDE, [[1, 2, 3]], ["p", "q"], ["x: float32 [any, 3]", "3 values in row 0", "2 columns 'p', 'q'"]),
        (WIDE, [1, 2, 3], ["p", "q", "r"], ["row 0 that is no list"]),
        (WIDE, np.zeros((1, 3)), ["p", "q"], ["the shape [1, 3]"]),
        (WIDE, [[1, 2]], ["p", "p"], ["'p', 'p' has a name twice"]),
        (SCALARS, [[1]], (), ["a: float32 [any]; b: float32 [any, 1]", "1 values in row 0", "2 columns 'a', 'b'"]),
        (SCALARS, [[1, 2]], ["a", "c"], ["the names 'a', 'c'"]),
        (SCALARS, [1, 2], (), ["row 0 that is no list"]),
        (SCALARS, np.zeros(2), (), ["the shape [2]"]),
        ([spec("a", 2), spec("b", 2)], [[1, 2, 3, 4]], (), ["a table without names"]),
    ],
)
def test_what_is_in_doubt_is_refused_with_what_was_expected_and_given(
    inputs: list[TensorSpec], rows: Any, names: tuple[str, ...], words: list[str]
) -> None:
    with pytest.raises(DomainError) as caught:
        from_rows(inputs, rows, names)
    assert caught.value.kind is ErrorKind.INVALID
    for word in words:
        assert word in caught.value.message


def test_frames_go_by_name_else_side_by_side_into_the_only_input() -> None:
    assert from_frame(SCALARS, {"b": [1], "a": [2], "c": [3]}) == {"b": [1], "a": [2], "c": [3]}
    assert from_frame(WIDE, {"p": [1, 4], "q": [2, 5], "r": [3, 6]}) == {"x": [[1, 2, 3], [4, 5, 6]]}
    assert from_frame(WIDE, {"x": [[1, 2, 3]]}) == {"x": [[1, 2, 3]]}
    with pytest.raises(DomainError, match=r"takes x: float32 \[any, 3\]; got the columns 'p', 'q'"):
        from_frame(WIDE, {"p": [1], "q": [2]})


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "no rows"),
        ([{}], "no rows"),
        ([{"a": 1}, 2], "row 1 is not an object"),
        ([{"a": 1}, {"b": 1}], "row 1 does not have the columns of row 0: 'a', 'b' differ"),
    ],
)
def test_records_have_the_same_columns(records: list[Any], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        from_records(records)


def test_columns_are_lists_of_one_length() -> None:
    assert from_columns({"a": [1], "b": [2]}) == {"a": [1], "b": [2]}
    for wrong, words in (({}, "no rows"), ({"a": 1}, "must be a list"), ({"a": [1], "b": []}, "different lengths")):
        with pytest.raises(DomainError, match=words):
            from_columns(wrong)  # type: ignore[arg-type]


def test_a_deployment_takes_text_when_it_takes_nothing_else() -> None:
    assert is_text([spec("t", dtype="string")])
    assert is_text([spec("t", 1, dtype="string")])
    assert not is_text([spec("t", 2, dtype="string")])
    assert not is_text([spec("t", dtype="string"), spec("u", dtype="string")])
    assert taking([]) == "any table"
