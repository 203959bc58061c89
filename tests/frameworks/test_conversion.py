"""Models of every framework with a converter, as ONNX models that answer the same."""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from model_environments import assert_answers, example, framework_environment, run, told
from modelyard.core.catalogue.frameworks import FRAMEWORKS


def converted(python, made, target, **more):
    """What the conversion of an example's model says."""
    with tempfile.TemporaryDirectory() as scratch:
        asked = {name: made[name] for name in ("path", "inputs", "outputs", "options", "rows")}
        config = {"loader": FRAMEWORKS[made["framework"]].loader, "file_name": made["file"], "scratch": scratch}
        path = target.parent / "config.json"
        path.write_text(json.dumps(config | asked | {"target": str(target)} | more))
        return told(python, ["-m", "modelyard_runtime.conversion", path], {})


def answers(target, made):
    """What the ONNX model answers to the example's rows, in this process as in the server's."""
    session = onnxruntime.InferenceSession(target.read_bytes(), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == [one["name"] for one in made["inputs"]]
    names = [one["name"] for one in made["outputs"]]
    assert [one.name for one in session.get_outputs()] == names
    rows = {one["name"]: np.array(made["rows"][one["name"]], one["dtype"]) for one in made["inputs"]}
    given = dict(zip(names, session.run(names, rows), strict=True))
    for one in made["outputs"]:
        assert given[one["name"]].dtype == one["dtype"]
        assert given[one["name"]].shape[1:] == tuple(one["shape"][1:])
    return {name: values.tolist() for name, values in given.items()}


@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "pytorch", "keras", "tensorflow"])
def test_an_example_becomes_an_onnx_model_with_the_same_tensors_and_answers(framework, tmp_path):
    more = ("pandas", "skops") if framework == "sklearn" else ()
    python = framework_environment(framework, *more)
    made = example(f"train_{framework}", python)
    said = converted(python, made, tmp_path / "model.onnx")
    assert said["converted"], said
    assert said["parity"]["rows"] > 100
    assert said["parity"]["max_difference"] <= said["parity"]["tolerance"]
    assert_answers({"answers": answers(tmp_path / "model.onnx", made)}, made | {"tolerance": 1e-5})


def test_thresholds_that_single_floats_cannot_hold_keep_a_model_with_its_framework(tmp_path):
    python = framework_environment("lightgbm")
    made = example("train_lightgbm", python)
    target = tmp_path / "model.onnx"
    said = converted(python, made, target)
    assert said["reason"] == "the conversion does not answer as the original does"
    assert said["parity"]["max_difference"] > said["parity"]["tolerance"]
    assert not target.exists()
    singles = {"inputs": [made["inputs"][0] | {"dtype": "float32"}]}
    assert converted(python, made, target, **singles)["converted"]


def test_trees_of_scikit_learn_are_equal_at_their_thresholds_whatever_floats_come(tmp_path):
    python = framework_environment("sklearn", "pandas", "skops")
    code = """
import sys, joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
rows, classes = load_iris(return_X_y=True)
joblib.dump(RandomForestClassifier(20, random_state=0).fit(rows, classes), sys.argv[1])
"""
    run([python, "-c", code, tmp_path / "forest"])
    made = {"framework": "sklearn", "file": "forest", "path": str(tmp_path / "forest"), "rows": None}
    asked = {"inputs": None, "outputs": None, "options": {"method": "predict_proba"}}
    said = converted(python, made | asked, tmp_path / "forest.onnx")
    assert said["converted"], said
    assert said["parity"]["rows"] > 500


def test_a_model_without_a_converter_says_so(tmp_path):
    python = framework_environment("python")
    made = example("make_python_step", python)
    said = converted(python, made, tmp_path / "model.onnx")
    assert said == {"converted": False, "reason": "there is no converter for python_step", "parity": None}
    assert not Path(tmp_path / "model.onnx").exists()
