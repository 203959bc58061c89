"""Scoring requests of MLflow: from every content type and format to columns, or a refusal that says what is wrong."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import TensorSpec
from modelyard.dialects.mlflow.scoring.request import columns_of

JSON, CSV = "application/json", "text/csv"
WIDE = [TensorSpec("x", "float32", (None, 2))]
TWO = [TensorSpec("a", "float32", (None, 1)), TensorSpec("b", "string", (None,))]
TABLE = [[1.0, 2.0], [3.0, 4.0]]


def columns(body: Any, inputs: list[TensorSpec], content_type: str = JSON) -> tuple[Any, bool]:
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    found, framed = columns_of(sent, content_type, inputs)
    return json.loads(orjson.dumps(dict(found), option=orjson.OPT_SERIALIZE_NUMPY)), framed


@pytest.mark.parametrize(
    ("body", "framed"),
    [
        ({"dataframe_split": {"columns": ["p", "q"], "data": TABLE}}, True),
        ({"dataframe_split": {"columns": ["p", "q"], "index": [5, 6], "data": TABLE}}, True),
        ({"dataframe_split": {"data": TABLE}}, True),
        ({"dataframe_split": {"columns": ["x"], "data": [[row] for row in TABLE]}}, True),
        ({"dataframe_records": [{"p": 1, "q": 2}, {"p": 3, "q": 4}]}, True),
        ({"instances": TABLE}, False),
        ({"instances": [{"x": row} for row in TABLE]}, False),
        ({"inputs": TABLE}, False),
        ({"inputs": {"x": TABLE}}, False),
    ],
)
def test_every_format_of_a_table_is_the_same_table(body: Any, framed: bool) -> None:
    assert columns(body, WIDE) == ({"x": TABLE}, framed)


def test_csv_is_a_frame_whose_columns_have_a_type() -> None:
    assert columns("p,q\r\n1,2\r\n3,4.0\r\n", WIDE, CSV) == ({"x": TABLE}, True)
    assert columns('a,b\n1,"x, ""y"""\n\n2,3\n', TWO, CSV) == ({"a": [1, 2], "b": ['x, "y"', "3"]}, True)
    assert columns("a,b\n1e2,True\n2,false\n", TWO, "text/csv; charset=UTF-8")[0] == {"a": [100, 2], "b": [True, False]}
    assert columns("a,b\n1_0,x\n", TWO, CSV)[0]["a"] == ["1_0"]


def test_columns_beyond_those_of_the_model_come_along() -> None:
    assert columns({"dataframe_records": [{"a": 1, "b": "x", "c": None}]}, TWO)[0] == {
        "a": [1],
        "b": ["x"],
        "c": [None],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[1]", ["must be a JSON object", "dataframe_split, dataframe_records, instances, inputs"]),
        ("5", ["must be a JSON object"]),
        ("{", ["not valid JSON"]),
        ('{"inputs": [[NaN]]}', ["not valid JSON"]),
        ('{"inputs": ' + "[" * 100_000, ["not valid JSON"]),
        ("{}", ["exactly one of", "got none"]),
        ({"columns": ["a"], "data": [[1]]}, ["exactly one of", "'columns', 'data'"]),
        ({"inputs": TABLE, "instances": TABLE}, ["exactly one of", "'inputs', 'instances'"]),
        ({"inputs": TABLE, "note": 1}, ["nothing else", "'note'"]),
        ({"inputs": TABLE, "params": {"k": 1}}, ["params", "leave it out"]),
        ({"inputs": 5}, ["inputs must be a list"]),
        ({"instances": {"x": TABLE}}, ["instances must be a list"]),
        ({"inputs": {"x": 1}}, ["'x' must be a list"]),
        ({"inputs": {}}, ["no rows"]),
        ({"instances": [{"x": [1, 2]}, 3]}, ["row 1 is not an object"]),
        ({"dataframe_records": {"a": [1]}}, ["dataframe_records must be a list"]),
        ({"dataframe_records": []}, ["no rows"]),
        ({"dataframe_records": [{"p": 1, "q": 2}, {"p": 1}]}, ["row 1", "'q'"]),
        ({"dataframe_records": [{"p": 1}]}, ["takes x: float32 [any, 2]", "the columns 'p'"]),
        ({"dataframe_split": [1]}, ["dataframe_split", "object"]),
        ({"dataframe_split": {}}, ["dataframe_split", "`data`"]),
        ({"dataframe_split": {"data": []}}, ["no rows"]),
        ({"dataframe_split": {"data": [1]}}, ["dataframe_split", "array"]),
        ({"dataframe_split": {"columns": ["p"], "data": TABLE}}, ["row 0 has 2 values for 1 columns"]),
        ({"dataframe_split": {"columns": ["p", "p"], "data": TABLE}}, ["twice"]),
        ({"dataframe_split": {"data": TABLE, "dtype": "f"}}, ["dtype"]),
    ],
)
def test_bodies_of_another_kind_are_refused_with_what_is_wrong(body: Any, words: list[str]) -> None:
    with pytest.raises(DomainError) as caught:
        columns(body, WIDE)
    assert caught.value.kind is ErrorKind.INVALID
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "same name"),
        ("p,q\n1\n", "row 0 of the CSV has 1 values for 2 columns"),
        ("p,q\n1,2\n3,\n", "column 'q': row 1 has no value"),
        ('p,q\n1,"2\n', "not valid CSV"),
        ("p\n" + "1" * 200_000 + "\n", "not valid CSV"),
    ],
)
def test_csv_that_is_no_frame_is_refused(text: str, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        columns(text, WIDE, CSV)


def test_csv_must_be_utf_8() -> None:
    with pytest.raises(DomainError, match="not UTF-8"):
        columns_of(b"p,q\n\xff,2\n", CSV, WIDE)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "text/csv; header=no"],
)
def test_other_content_types_are_unsupported(content_type: str) -> None:
    with pytest.raises(DomainError) as caught:
        columns({"inputs": TABLE}, WIDE, content_type)
    assert caught.value.details["unsupported"]


@given(body=st.binary(max_size=200), content_type=st.sampled_from([JSON, CSV]))
def test_any_bytes_are_columns_or_a_refusal(body: bytes, content_type: str) -> None:
    try:
        assert columns_of(body, content_type, TWO)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
