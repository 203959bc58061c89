"""Models that keep their tensors in other files become one file with the same numbers."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold, take

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)
BIAS = np.linspace(-1, 1, 4, dtype=np.float32)


def saved(folder: Path, location: str = "weights.data", *, many: bool = False) -> Path:
    """A linear model whose weights lie outside."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Add", ["y", "b"], ["z"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [None, 4])]
    tensors = [numpy_helper.from_array(WEIGHTS, "w"), numpy_helper.from_array(BIAS, "b")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, tensors), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    convert_model_to_external_data(model, all_tensors_to_one_file=not many, location=location, size_threshold=0)
    onnx.save_model(model, folder / "model.onnx")
    return folder / "model.onnx"


def files_beside(model: Path) -> dict[str, Path]:
    return {path.name: path for path in model.parent.iterdir() if path != model}


@pytest.mark.parametrize("many", [False, True], ids=["one file", "a file for each"])
def test_a_folded_model_gives_the_same_numbers(tmp_path: Path, many: bool) -> None:
    source, out = tmp_path / "in", tmp_path / "folded.onnx"
    source.mkdir()
    model = saved(source, many=many)
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    fold(model, files_beside(model), out)
    assert check_model(out).to_json()["outputs"][0]["name"] == "z"
    (answer,) = ort.InferenceSession(str(out)).run(None, {"x": rows})
    np.testing.assert_allclose(answer, rows @ WEIGHTS + BIAS, rtol=1e-6)


def test_a_model_with_outside_tensors_says_so(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="another file") as refused:
        check_model(saved(tmp_path))
    assert refused.value.details["external"] is True


@pytest.mark.parametrize("location", ["../canary", "/etc/passwd", "a/../../canary", "sub/canary", "missing.data"])
def test_only_plain_names_of_given_files_are_read(tmp_path: Path, location: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (tmp_path / "canary").write_bytes(bytes(1000))
    model = saved(source)
    proto = onnx.load(model, load_external_data=False)
    for tensor in proto.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = location
    model.write_bytes(proto.SerializeToString())
    with pytest.raises(DomainError, match="not among its files"):
        fold(model, files_beside(model), tmp_path / "folded.onnx")
    assert not (tmp_path / "folded.onnx").exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("length", "100000", "shorter"),
        ("offset", "100000", "shorter"),
        ("offset", "-1", "not an ONNX model"),
        ("length", "-1", "not an ONNX model"),
        ("offset", "many", "not an ONNX model"),
    ],
)
def test_tensors_beyond_their_file_are_refused(tmp_path: Path, key: str, value: str, words: str) -> None:
    model = saved(tmp_path)
    proto = onnx.load(model, load_external_data=False)
    for entry in proto.graph.initializer[0].external_data:
        entry.value = value if entry.key == key else entry.value
    if key not in {entry.key for entry in proto.graph.initializer[0].external_data}:
        proto.graph.initializer[0].external_data.add(key=key, value=value)
    model.write_bytes(proto.SerializeToString())
    with pytest.raises(DomainError, match=words) as refused:
        fold(model, files_beside(model), tmp_path / "folded.onnx")
    assert refused.value.kind is ErrorKind.INVALID


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x80\x04 not a model")
    with pytest.raises(DomainError, match="not an ONNX model"):
        fold(tmp_path / "model.onnx", {}, tmp_path / "folded.onnx")


@pytest.mark.parametrize("link", [True, False], ids=["link", "folder"])
def test_what_the_process_leaves_instead_of_a_file_is_not_taken(tmp_path: Path, link: bool) -> None:
    made, secret = tmp_path / "folded.onnx", tmp_path / "secret"
    secret.write_text("canary")
    if link:
        made.symlink_to(secret)
    else:
        made.mkdir()
    with pytest.raises(DomainError, match="something else than a file"):
        take(made, tmp_path / "taken.onnx")
    assert not (tmp_path / "taken.onnx").exists()
