"""The shipped example models and data are what `examples/train_models.py` makes, and do what the README says."""

import json
import runpy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pytest
from numpy.typing import NDArray

EXAMPLES = Path(__file__).parents[3] / "examples"
SUBJECTS = {"ccfraud": "ccfraud", "ccfraud_v2": "ccfraud", "house_price": "house_price"}
DATA = ["ccfraud_1k", "ccfraud_smoke", "house_price_1k", "house_price_smoke"]
MODELS = [*SUBJECTS, "fraud_threshold"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything freshly made."""
    folder = tmp_path_factory.mktemp("examples")
    runpy.run_path(str(EXAMPLES / "train_models.py"))["main"](folder)
    return folder


def records(folder: Path, name: str) -> NDArray[np.float32]:
    rows = json.loads((folder / "data" / f"{name}.df.json").read_text())
    return np.array([row["tensor"] for row in rows], np.float32)


def answers(folder: Path, model: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(folder / "models" / f"{model}.onnx")
    return np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[0])


@pytest.mark.parametrize(("model", "subject"), SUBJECTS.items())
def test_a_fresh_training_predicts_what_the_shipped_model_predicts(made: Path, model: str, subject: str) -> None:
    rows = records(EXAMPLES, f"{subject}_1k")
    np.testing.assert_allclose(answers(made, model, rows), answers(EXAMPLES, model, rows), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", DATA)
def test_fresh_data_equal_the_shipped_data(made: Path, name: str) -> None:
    np.testing.assert_allclose(records(made, name), records(EXAMPLES, name), rtol=1e-5)


@pytest.mark.parametrize("name", DATA)
def test_arrow_and_records_hold_the_same_rows(name: str) -> None:
    with pa.ipc.open_file(EXAMPLES / "data" / f"{name}.arrow") as reader:
        table = reader.read_all()
    assert table.schema.field("tensor").type == pa.list_(pa.float32())
    np.testing.assert_array_equal(np.array(table["tensor"].to_pylist(), np.float32), records(EXAMPLES, name))


def test_the_second_version_catches_the_new_fraud_that_the_first_lets_pass() -> None:
    rows = records(EXAMPLES, "ccfraud_smoke")
    first, second = answers(EXAMPLES, "ccfraud", rows).ravel(), answers(EXAMPLES, "ccfraud_v2", rows).ravel()
    assert [value > 0.5 for value in first] == [False] * 3 + [True] * 3 + [False] * 2
    assert [value > 0.5 for value in second] == [False] * 3 + [True] * 5
    assert max(first[6:]) < 0.01


def test_the_threshold_step_reads_the_network_answer_by_name() -> None:
    session = onnxruntime.InferenceSession(EXAMPLES / "models" / "fraud_threshold.onnx")
    fraud, probability = session.run(["fraud", "probability"], {"dense_1": np.array([[0.2], [0.7]], np.float32)})
    assert fraud.tolist() == [[0], [1]]
    assert probability.tolist() == [[np.float32(0.2)], [np.float32(0.7)]]


@pytest.mark.parametrize("model", MODELS)
def test_models_are_small_and_readable_by_older_runtimes(model: str) -> None:
    path = EXAMPLES / "models" / f"{model}.onnx"
    loaded = onnx.load(path)
    assert loaded.ir_version <= 9
    assert {opset.domain: opset.version for opset in loaded.opset_import}[""] <= 17
    assert path.stat().st_size < 300_000
