"""Model folders of MLflow, loaded in their own environment."""

import zipfile

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run


@pytest.fixture(scope="module")
def python():
    return framework_environment("mlflow", "scikit-learn", "cloudpickle")


@pytest.fixture(scope="module")
def made(python):
    return example("train_mlflow", python)


def test_a_model_answers_as_it_did_before_it_was_saved(python, made):
    assert_answers(asked_as_in_example(python, made), made)


def test_the_signature_in_the_folder_holds_where_none_is_declared(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert said["inputs"] == made["inputs"]
    assert [(one["name"], one["dtype"]) for one in said["outputs"]] == [("predictions", "int64")]
    assert_answers({"answers": {name: flat(values) for name, values in said["answers"].items()}}, made)


def flat(values):
    return [value[0] if isinstance(value, list) else value for value in values]


def test_a_signature_of_tensors_takes_arrays(python, tmp_path):
    code = """
import sys, numpy as np, mlflow.pyfunc
from mlflow.models import infer_signature

class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return {"doubled": model_input["points"] * 2}

points = np.zeros((1, 2, 3), np.float32)
signature = infer_signature({"points": points}, {"doubled": points})
mlflow.pyfunc.save_model(sys.argv[1], python_model=Doubled(), signature=signature, pip_requirements=["numpy"])
"""
    run([python, "-c", code, tmp_path / "doubled"])
    archive = tmp_path / "doubled.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in (tmp_path / "doubled").rglob("*"):
            opened.write(path, path.relative_to(tmp_path))
    rows = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]
    said = asked(python, "mlflow", archive, {"points": rows})
    assert said["inputs"] == [{"name": "points", "dtype": "float32", "shape": [None, 2, 3]}]
    assert said["answers"]["doubled"] == [[[2.0, 4.0, 6.0], [8.0, 10.0, 12.0]]]


def test_an_archive_without_a_model_folder_is_named_so(python, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as opened:
        opened.writestr("readme.txt", "nothing here")
    assert "has no file MLmodel" in asked(python, "mlflow", tmp_path / "other.zip", {})["unloadable"]
