"""Uploaded files are models that can be served, or are refused with what they are; whatever they are, quickly."""

import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_file import read_facts

MODELS = Path(__file__).parents[3] / "examples" / "models"
GOOD = (MODELS / "ccfraud.onnx").read_bytes()


def refusal(path: Path) -> str:
    began = time.monotonic()
    with pytest.raises(DomainError) as caught:
        check_model(path)
    assert time.monotonic() - began < 10
    assert caught.value.kind is ErrorKind.INVALID
    for inner in (str(path.parent), "onnxruntime_src", "::"):
        assert inner not in caught.value.message
    return caught.value.message


def model(*nodes: Any, opset: int = 15, ir: int = 8, domain: str = "", **graph: Any) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, graph.pop("x", ["n", 2]))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, graph.pop("y", ["n", 2]))
    made = helper.make_graph(list(nodes) or [helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y], **graph)
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(made, opset_imports=opsets, ir_version=ir)


def saved(path: Path, made: onnx.ModelProto) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("name", ["ccfraud", "ccfraud_v2", "fraud_threshold", "house_price"])
def test_a_good_model_tells_its_tensors(name: str) -> None:
    signature = check_model(MODELS / f"{name}.onnx")
    assert signature.inputs
    assert all(spec.shape[0] is None for spec in (*signature.inputs, *signature.outputs))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"import os\nos.remove(1)\n", "text that begins with 'import os"),
        (pickle.dumps({"a": 1}), "a Python pickle"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5"),
        (b"\x7fELF" + b"\0" * 100, "an executable"),
        (b"\x00" * 5_000_000, "not an ONNX model"),
        (b"\xff" * 1000, "not an ONNX model"),
        (GOOD[:-5], "not an ONNX model"),
        (GOOD[: len(GOOD) // 2], "not an ONNX model"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert words in refusal(path)


def test_an_archive_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.onnx", "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert "zip archive" in refusal(tmp_path / "m.onnx")


def external(location: str) -> onnx.TensorProto:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


@pytest.mark.parametrize("location", ["weights.bin", "../../etc/passwd", "/etc/passwd"])
def test_tensors_in_other_files_are_refused(tmp_path: Path, location: str) -> None:
    add = helper.make_node("Add", ["x", "w"], ["y"])
    text = refusal(saved(tmp_path / "m.onnx", model(add, initializer=[external(location)])))
    assert "another file" in text
    assert location in text


def test_tensors_in_other_files_are_found_inside_attributes_and_subgraphs(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["w"], value=external("hidden.bin"))
    add = helper.make_node("Add", ["x", "w"], ["y"])
    assert "hidden.bin" in refusal(saved(tmp_path / "a.onnx", model(constant, add)))
    branch = helper.make_graph(
        [constant, helper.make_node("Add", ["x", "w"], ["z"])],
        "b",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    truth = helper.make_node("Constant", [], ["t"], value=helper.make_tensor("t", TensorProto.BOOL, [], [True]))
    choice = helper.make_node("If", ["t"], ["y"], then_branch=branch, else_branch=branch)
    assert "hidden.bin" in refusal(saved(tmp_path / "b.onnx", model(truth, choice)))


def test_unknown_operators_and_versions_are_named(tmp_path: Path) -> None:
    custom = helper.make_node("Evil", ["x"], ["y"], domain="com.evil")
    assert "Evil" in refusal(saved(tmp_path / "a.onnx", model(custom, domain="com.evil")))
    assert "999" in refusal(saved(tmp_path / "b.onnx", model(opset=999)))
    assert "99" in refusal(saved(tmp_path / "c.onnx", model(ir=99)))


def test_a_model_that_is_all_header_is_refused(tmp_path: Path) -> None:
    empty = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", 15)])
    refusal(saved(tmp_path / "m.onnx", empty))


def test_a_tensor_that_claims_to_be_huge_hurts_nobody(tmp_path: Path) -> None:
    huge = helper.make_node("ConstantOfShape", ["s"], ["w"])
    shape = helper.make_tensor("s", TensorProto.INT64, [1], [2**40])
    add = helper.make_node("Add", ["x", "w"], ["y"])
    path = saved(tmp_path / "m.onnx", model(huge, add, initializer=[shape]))
    try:
        check_model(path)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


def test_outputs_that_are_no_tensors_are_refused_with_advice(tmp_path: Path) -> None:
    sequence = helper.make_node("SequenceConstruct", ["x"], ["y"])
    output = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    made = helper.make_model(
        helper.make_graph([sequence], "g", [x], [output]), opset_imports=[helper.make_opsetid("", 15)], ir_version=8
    )
    text = refusal(saved(tmp_path / "m.onnx", made))
    assert "'y'" in text
    assert "zipmap" in text


def test_deep_nesting_ends(tmp_path: Path) -> None:
    payload = b""
    for _ in range(20_000):
        payload = b"\x32" + _varint(len(payload)) + payload  # Attribute.g: a graph in a graph in a graph …
        payload = b"\x2a" + _varint(len(payload)) + payload if len(payload) < 10_000 else payload
        if len(payload) > 200_000:
            break
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08\x3a" + _varint(len(payload)) + payload)
    assert refusal(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(GOOD)))
def test_reading_the_facts_of_any_bytes_ends_in_facts_or_a_refusal(at: int, byte: int, cut: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] = byte
    for data in (bytes(damaged), GOOD[:cut], GOOD[at:]):
        try:
            read_facts(memoryview(data))
        except DomainError as error:
            assert error.kind is ErrorKind.INVALID


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(20, len(GOOD) - 1), byte=st.integers(0, 255))
def test_a_damaged_model_is_served_or_refused(tmp_path: Path, at: int, byte: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] = byte
    path = tmp_path / "m.onnx"
    path.write_bytes(damaged)
    try:
        assert check_model(path).inputs
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
