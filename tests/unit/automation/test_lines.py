"""Lines of a batch job's input, however long and wrong."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelyard.core.automation.batch import read_definition
from modelyard.core.automation.payloads import Manner
from modelyard.core.serving.signature import TensorSpec
from modelyard.runner.batch import _chunks
from modelyard.runner.lines import LINE_BYTES, Line, Reading, lines_of

DEFINITION = read_definition({"inputData": "file:///in", "outputData": "file:///out"})
INPUTS = (TensorSpec("x", "float32", (None, 2)),)
READING = Reading(DEFINITION, INPUTS, Manner.SELDON)


def _lines(path: Path, reading: Reading = READING) -> Iterator[Line]:
    with path.open("rb") as file:
        yield from lines_of(file, path.name, reading)


@pytest.fixture(autouse=True)
def _limit_of_csv() -> Iterator[None]:
    """A runner is a process of its own and sets the limit of all; here others come after."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


def test_a_line_that_is_too_long_is_passed_over_and_named(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbf[[1,2]]\n[[" + b"1," * LINE_BYTES + b"1]]\r\n[[3,4]]\r\n[[5,6]]")
    lines = list(_lines(path))
    assert [line.rows.records for line in lines] == [[{"x": [1, 2]}], [], [{"x": [3, 4]}], [{"x": [5, 6]}]]
    assert lines[1].error == f"line 2: longer than {LINE_BYTES} bytes"


def test_long_lines_go_into_smaller_requests(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes((b"[[1,2" + b" " * 2**21 + b"]]\n") * 5 + b"[[1,2]]\n" * 3)
    chunks = list(_chunks(_lines(path), 1000))
    assert [len(chunk) for chunk in chunks] == [2, 2, 4]


def test_cells_of_a_csv_file_are_numbers_where_they_look_so(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('a,b,c,d\n1,2.5,true,"x, y"\n-1e3,,null,[1]\n')
    columns = tuple(TensorSpec(name, "string", (None,)) for name in "abcd")
    first, second = (line.rows.records for line in _lines(path, replace(READING, inputs=columns)))
    assert first == [{"a": 1, "b": 2.5, "c": True, "d": "x, y"}]
    assert second == [{"a": -1000.0, "b": "", "c": "null", "d": "[1]"}]


V2 = b'{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}'
MESSAGE = b'{"meta":{"puid":"mine"},"data":{"tensor":{"shape":[1,2],"values":[1,2]}}}'


@pytest.mark.parametrize(("own", "sent"), [(Manner.SELDON, [1]), (Manner.OPEN_INFERENCE, [2])])
def test_only_a_request_of_the_deployments_own_protocol_is_sent_as_it_came(
    tmp_path: Path, own: Manner, sent: list[int]
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join((b"[[1, 2]]", MESSAGE, V2, b'[{"x": [1, 2]}]')))
    lines = list(_lines(path, replace(READING, own=own)))
    assert [line.number for line in lines if line.body is not None] == sent
    assert [line.rows.records for line in lines if line.body is None] == [[{"x": [1, 2]}]] * 3
    if own is Manner.SELDON:
        assert lines[1].body == MESSAGE


def test_a_cell_that_nests_without_end_is_text(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a\n" + "[" * 50_000 + "\n1\n")
    reading = replace(READING, inputs=(TensorSpec("a", "string", (None,)),))
    first, second = (line.rows.records for line in _lines(path, reading))
    assert first == [{"a": "[" * 50_000}]
    assert second == [{"a": 1}]
