"""Schemas on the command line: as text, as files, and refused with what is wrong and how it is written."""

import base64
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest

from modelyard.cli import run
from modelyard.cli.failures import UsageError
from modelyard.cli.schemas import declared
from modelyard.client.schemas import tensor_text
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.engines.declared import declared_tensors

TENSORS = (
    TensorSpec("x", "float32", (None, 20)),
    TensorSpec("image:0", "uint8", (None, 28, None, 3)),
    TensorSpec("half", "float16", (None,)),
    TensorSpec("flag", "bool", (None, None)),
    TensorSpec("words of all", "string", (None, 2)),
    TensorSpec("any thing", "json", (None,)),
)
TEXTS = [
    *("x: float32[20]", "image:0: uint8[28, any, 3]", "half: float16", "flag: bool[any]"),
    *("words of all: string[2]", "any thing: json"),
]


def understood(schema: pa.Schema | None) -> tuple[TensorSpec, ...] | None:
    """What the server makes of it."""
    assert schema is not None
    return declared_tensors(base64.b64encode(schema.serialize()).decode(), "input_schema")


def test_texts_are_the_tensors_that_the_server_sees_and_are_shown_as_they_are_written() -> None:
    assert understood(declared("--input-schema", TEXTS)) == TENSORS
    assert understood(declared("--input-schema", ["x:float32[ 20 ]"])) == TENSORS[:1]
    shown = Signature(TENSORS, ()).to_json()["inputs"]
    assert [tensor_text(tensor) for tensor in shown] == TEXTS
    assert declared("--input-schema", []) is None


def written(kind: str) -> bytes:
    """A schema of these tensors as a file of this kind."""
    schema = declared("--input-schema", TEXTS)
    assert schema is not None
    if kind == "json":
        return json.dumps(Signature(TENSORS, ()).to_json()["inputs"]).encode()
    if kind == "schema":
        return bytes(schema.serialize())
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, schema) if kind == "file" else pa.ipc.new_stream(sink, schema):
        pass
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["json", "schema", "file", "stream"])
def test_a_file_may_hold_a_schema_in_several_forms(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(written(kind))
    assert understood(declared("--input-schema", [str(tmp_path / "in")])) == TENSORS


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["x: float33[20]"], "the type 'float33'; use one of float16, float32"),
        (["x: [20]"], "is no tensor; write it like 'x: float32[20]'"),
        (["x: float32[0]"], "the size '0'; use a number from 1, or any"),
        (["x: float32[]"], "the size ''"),
        (["x: float32[4, -1]"], "the size '-1'"),
        (["x: float32[9999999999999]"], "the size '9999999999999'"),
        (["x: json[3]"], "one value of any form"),
        (["x: int8", "x: int16"], "the tensor 'x' is named more than once"),
        ([": int8"], "is no tensor"),
    ],
)
def test_what_is_no_tensor_is_refused_with_how_it_is_written(given: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        declared("--input-schema", given)
    assert str(caught.value).startswith("--input-schema: ")
    assert said in str(caught.value)
    assert "x: float32[20]" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "neither an Arrow schema, nor an Arrow table, nor JSON"),
        (b"ARROW1 and no more", "neither an Arrow schema"),
        (b"[]", "it names no tensor"),
        (b"[{", "Expecting property name"),
        (b'{"name": "x"}', "the first size null for the rows"),
        (b'[{"name": "x", "dtype": "float32", "shape": [3]}]', "the first size null"),
        (b'[{"name": "x", "dtype": "number", "shape": [null]}]', "the type 'number'"),
    ],
)
def test_files_that_declare_nothing_are_named(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        declared("--output-schema", [str(tmp_path / "in")])
    assert str(caught.value).startswith(f"--output-schema: {tmp_path / 'in'}: ")
    assert said in str(caught.value)


def test_a_file_declares_all_and_one_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(written("json"))
    with pytest.raises(UsageError, match="declares all of them; leave out the others"):
        declared("--input-schema", ["x: int8", str(tmp_path / "in")])
    with pytest.raises(UsageError, match="neither a tensor nor a file that is there"):
        declared("--input-schema", [str(tmp_path / "none")])


def test_an_onnx_file_needs_no_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "upload", "m", str(tmp_path / "m.onnx"), "--input-schema", "x: float32[20]"]) == 2
    assert "An ONNX file says itself what its tensors are" in capsys.readouterr().err
