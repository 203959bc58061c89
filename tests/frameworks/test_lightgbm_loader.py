"""Models of LightGBM, loaded in their own environment."""

from pathlib import Path

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run


@pytest.fixture(scope="module")
def python():
    return framework_environment("lightgbm")


@pytest.fixture(scope="module")
def made(python):
    return example("train_lightgbm", python)


def test_a_booster_answers_as_lightgbm_does(python, made):
    assert_answers(asked_as_in_example(python, made), made)


def test_tensors_that_are_not_declared_are_the_boosters_own(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert (said["inputs"], said["outputs"]) == (made["inputs"], made["outputs"])


def test_a_pickled_classifier_gives_classes(python, tmp_path):
    code = """
import pickle, sys, lightgbm
from sklearn.datasets import load_iris
rows, classes = load_iris(return_X_y=True)
pickle.dump(lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(rows, classes), open(sys.argv[1], "wb"))
"""
    run([python, "-c", code, tmp_path / "model.pkl"])
    said = asked(python, "lightgbm", tmp_path / "model.pkl", {"inputs": [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]})
    assert said["answers"]["predictions"] == [0, 2]


def test_a_text_that_is_cut_off_is_named_so(python, made, tmp_path):
    (tmp_path / "model.txt").write_bytes(Path(made["path"]).read_bytes()[:40])
    assert "no booster that can be read" in asked(python, "lightgbm", tmp_path / "model.txt", {})["unloadable"]
