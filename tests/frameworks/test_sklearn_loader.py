"""Models of scikit-learn, loaded in their own environment."""

from pathlib import Path

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run

PYTHON_CODE = "import joblib, numpy as np, pandas as pd; from sklearn.datasets import load_iris; "


@pytest.fixture(scope="module")
def python():
    return framework_environment("sklearn", "pandas", "skops")


@pytest.fixture(scope="module")
def made(python):
    return example("train_sklearn", python)


def written(python: Path, folder: Path, code: str) -> Path:
    """The file that this code writes at ``path``."""
    path = folder / "model"
    run([python, "-c", f"{PYTHON_CODE}path = {str(path)!r}\n{code}"])
    return path


def test_a_classifier_answers_as_scikit_learn_does(python, made):
    assert_answers(asked_as_in_example(python, made), made)


def test_tensors_that_are_not_declared_are_the_models_own(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert said["inputs"] == made["inputs"]
    assert said["outputs"] == made["outputs"]
    assert_answers(said, made)


def test_features_may_come_as_one_input_each_and_answers_in_lists(python, made):
    inputs = [{"name": f"f{place}", "dtype": "float64", "shape": [None]} for place in range(4)]
    rows = {f"f{place}": [row[place] for row in made["rows"]["inputs"]] for place in range(4)}
    outputs = [{"name": "species", "dtype": "int32", "shape": [None, 1]}]
    said = asked_as_in_example(python, made, inputs=inputs, outputs=outputs, rows=rows)
    assert said["answers"]["species"] == [[kind] for kind in made["answers"]["predictions"]]


def test_probabilities_come_when_they_are_asked_for(python, made):
    said = asked_as_in_example(python, made, outputs=None, options={"method": "predict_proba"})
    assert said["outputs"] == [{"name": "probabilities", "dtype": "float64", "shape": [None, 3]}]
    for row, kind in zip(said["answers"]["probabilities"], made["answers"]["predictions"], strict=True):
        assert row.index(max(row)) == kind
        assert sum(row) == pytest.approx(1)


def test_a_method_that_is_not_one_of_models_is_refused(python, made):
    said = asked_as_in_example(python, made, options={"method": "__reduce__"})
    assert said == {"unloadable": "Pipeline has no method '__reduce__' that can be served."}


def test_an_estimator_that_knows_names_gets_columns_by_name(python, tmp_path):
    code = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
frame = pd.DataFrame({"town": ["A", "B", "A", "B"], "size": [1.0, 2.0, 3.0, 4.0]})
columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
joblib.dump(make_pipeline(columns, LinearRegression()).fit(frame, [11.0, 22.0, 13.0, 24.0]), path)
"""
    path = written(python, tmp_path, code)
    inputs = [
        {"name": "size", "dtype": "float64", "shape": [None]},
        {"name": "town", "dtype": "string", "shape": [None]},
    ]
    outputs = [{"name": "price", "dtype": "float64", "shape": [None]}]
    rows = {"size": [5.0, 6.0], "town": ["B", "A"]}
    said = asked(python, "sklearn", path, rows, inputs=inputs, outputs=outputs)
    assert said["answers"]["price"] == pytest.approx([25.0, 16.0])


def test_a_skops_file_of_trusted_types_is_loaded(python, tmp_path):
    code = """
from skops.io import dump
from sklearn.linear_model import LinearRegression
dump(LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]), path)
"""
    said = asked(python, "sklearn", written(python, tmp_path, code), {"inputs": [[2.0]]})
    assert said["answers"]["predictions"] == pytest.approx([5.0])


def test_a_skops_file_is_not_believed_about_its_types(python, tmp_path):
    code = """
import os
from skops.io import dump
from sklearn.preprocessing import FunctionTransformer
dump(FunctionTransformer(func=os.path.abspath), path)
"""
    said = asked(python, "sklearn", written(python, tmp_path, code), {})
    assert "types that are not trusted: posixpath.abspath" in said["unloadable"]


def test_a_file_that_is_no_pickle_is_named_so(python, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"not a pickle")
    assert "no pickle that can be read" in asked(python, "sklearn", path, {})["unloadable"]


def test_a_package_that_is_missing_is_named(python, tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cno_such_package\nModel\n.")
    assert "needs the package 'no_such_package'" in asked(python, "sklearn", path, {})["unloadable"]
