"""Models of XGBoost, loaded in their own environment."""

import json

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run


@pytest.fixture(scope="module")
def python():
    return framework_environment("xgboost")


@pytest.fixture(scope="module")
def made(python):
    return example("train_xgboost", python)


def test_a_booster_answers_as_xgboost_does(python, made):
    assert_answers(asked_as_in_example(python, made), made)


def test_a_booster_in_binary_json_says_its_own_tensors(python, made, tmp_path):
    path = tmp_path / "uploaded"
    code = f"import xgboost; xgboost.Booster(model_file={made['path']!r}).save_model({str(tmp_path / 'b.ubj')!r})"
    run([python, "-c", code])
    (tmp_path / "b.ubj").rename(path)
    said = asked(python, "xgboost", path, made["rows"])
    assert (said["inputs"], said["outputs"]) == (made["inputs"], made["outputs"])
    assert_answers(said, made)


def test_a_pickled_classifier_gives_classes(python, made, tmp_path):
    code = """
import json, pickle, sys, xgboost
from sklearn.datasets import load_breast_cancer
rows, classes = load_breast_cancer(return_X_y=True)
model = xgboost.XGBClassifier(n_estimators=10, max_depth=3).fit(rows, classes)
pickle.dump(model, open(sys.argv[1], "wb"))
json.dump(model.predict(rows[::40]).tolist(), open(sys.argv[2], "w"))
"""
    run([python, "-c", code, tmp_path / "model.pkl", tmp_path / "own.json"])
    said = asked(python, "xgboost", tmp_path / "model.pkl", made["rows"])
    assert said["outputs"] == [{"name": "predictions", "dtype": "int64", "shape": [None]}]
    assert said["answers"]["predictions"] == json.loads((tmp_path / "own.json").read_text())


def test_json_that_is_no_booster_is_named_so(python, tmp_path):
    (tmp_path / "model.json").write_text('{"learner": 1}')
    assert "no booster that can be read" in asked(python, "xgboost", tmp_path / "model.json", {})["unloadable"]
