"""Bodies of inference requests: columns or a refusal, for any bytes."""

import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.dataset import Dataset, from_query
from modelyard.dialects.wallaroo.inference.request import columns_of, from_json
from modelyard.dialects.wallaroo.rows import arrow_file, records

ARROW = b"application/vnd.apache.arrow.file"


def table(compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    columns = pa.table(
        {
            "tensor": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32())),
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "n": pa.array([1, 2]),
        }
    )
    with pa.ipc.new_file(sink, columns.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(columns)
    return sink.getvalue()


GOOD = [table(), table("zstd")]


@pytest.mark.parametrize("body", GOOD)
def test_arrow_columns_become_arrays(body: bytes) -> None:
    columns = columns_of(body, ARROW)
    assert [list(row) for row in columns["tensor"]] == [[1, 2], [3, 4]]
    assert list(columns["name"]) == ["a", "b"]
    assert list(columns["n"]) == [1, 2]


@settings(max_examples=400, deadline=None)
@given(which=st.sampled_from(GOOD), flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=4))
def test_damaged_arrow_is_read_or_refused(which: bytes, flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(which)
    for at, mask in flips:
        damaged[at % len(damaged)] ^= mask
    try:
        assert columns_of(bytes(damaged), ARROW)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


@given(body=st.binary(max_size=200))
def test_any_bytes_are_json_columns_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(from_json(body), dict)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


COLUMNS = {"time": [1], "in.a": [2], "out.y": [3], "anomaly.count": [0], "metadata.elapsed": [[1]], "out_b.y": [4]}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"", list(COLUMNS)),
        (b"dataset[]=*", ["time", "in.a", "out.y", "anomaly.count", "out_b.y"]),
        (b"dataset%5B%5D=*&dataset.exclude%5B%5D=anomaly", ["time", "in.a", "out.y", "out_b.y"]),
        (b"dataset[]=time&dataset[]=out", ["time", "out.y"]),
        (b"dataset[]=out.y&dataset[]=metadata", ["out.y", "metadata.elapsed"]),
        (b"dataset[]=*&dataset[]=anomaly.count&dataset.exclude[]=anomaly", [*list(COLUMNS)[:4], "out_b.y"]),
        (b"dataset.exclude[]=metadata&dataset.exclude[]=in", ["time", "out.y", "anomaly.count", "out_b.y"]),
    ],
)
def test_datasets_choose_columns(query: bytes, shown: list[str]) -> None:
    assert from_query(query).choose(COLUMNS) == shown


def test_rows_are_flat_with_a_separator_and_nested_without() -> None:
    assert records({"in.a": [1], "time": [2]}, 1, Dataset(separator="/")) == b'[{"in/a":1,"time":2}]'
    assert records({"in.a.b": [1], "time": [2]}, 1, Dataset()) == b'[{"in":{"a.b":1},"time":2}]'


def test_values_of_different_kinds_become_text_in_arrow() -> None:
    found = pa.ipc.open_file(arrow_file({"in.x": [1, "two", None]}, Dataset(separator="."))).read_all()
    assert found["in.x"].to_pylist() == ["1", '"two"', "null"]
