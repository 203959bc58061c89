"""Models that bring their own code, loaded in their own environment."""

import zipfile

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, environment, example

# Written as public examples of the contract are: a builder that reads an artifact beside it.
PUBLIC = """
import pathlib
import pickle
from typing import Any, Set

import numpy as np
from mac.config.inference import CustomInferenceConfig
from mac.inference import Inference
from mac.inference.creation import InferenceBuilder
from mac.types import InferenceData


class Centre(dict):
    pass


class CentreInference(Inference):
    @property
    def expected_model_types(self) -> Set[Any]:
        return {EXPECTED}

    @Inference.model.setter  # type: ignore
    def model(self, model) -> None:
        self._raise_error_if_model_is_wrong_type(model)
        self._model = model

    def _predict(self, input_data: InferenceData) -> InferenceData:
        moved = input_data["point"] - self.model["centre"]
        return {"distance": np.linalg.norm(moved, axis=1), "other": moved}


class CentreBuilder(InferenceBuilder):
    @property
    def inference(self) -> CentreInference:
        return CentreInference

    def create(self, config: CustomInferenceConfig) -> CentreInference:
        inference = self.inference()
        inference.model = self._load_model(config.model_path / "centre.pkl")
        return inference

    def _load_model(self, path: pathlib.Path):
        with open(path, "rb") as file:
            return pickle.load(file)
"""
POINT = [{"name": "point", "dtype": "float64", "shape": [None, 2]}]
DISTANCE = [{"name": "distance", "dtype": "float64", "shape": [None]}]


@pytest.fixture(scope="module")
def python():
    return environment(["numpy", "pyarrow", "scikit-learn"])


def archive(folder, files):
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def test_a_model_that_says_its_tensors_needs_no_declaration(python, tmp_path):
    made = example("make_custom", python)
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert (said["inputs"], said["outputs"]) == (made["inputs"], made["outputs"])
    assert_answers(said, made)


def test_the_class_contract_of_public_examples_is_served(python, tmp_path):
    centre = b"(dVcentre\n(lF0.0\naF0.0\nas."
    path = archive(tmp_path, {"model/custom.py": PUBLIC.replace("EXPECTED", "dict"), "model/centre.pkl": centre})
    said = asked(python, "custom", path, {"point": [[3.0, 4.0], [6.0, 8.0]]}, inputs=POINT, outputs=DISTANCE)
    assert said["answers"] == {"distance": [5.0, 10.0]}


def test_a_model_of_the_wrong_type_stops_the_load(python, tmp_path):
    path = archive(tmp_path, {"custom.py": PUBLIC.replace("EXPECTED", "list"), "centre.pkl": b"(d."})
    with pytest.raises(AssertionError, match="The model is a dict; one of list is expected"):
        asked(python, "custom", path, {}, inputs=POINT, outputs=DISTANCE)


def test_a_function_is_a_model_too(python, tmp_path):
    text = "def load(folder):\n    return lambda inputs: {'distance': inputs['point'].sum(axis=1)}\n"
    path = archive(tmp_path, {"model.py": text})
    said = asked(python, "custom", path, {"point": [[1.0, 2.0]]}, inputs=POINT, outputs=DISTANCE)
    assert said["answers"] == {"distance": [3.0]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"readme.txt": "nothing"},
            "One subclass of InferenceBuilder is expected",
        ),
        ({"model.py": "def load(folder):\n    return 3\n"}, "load in model.py returned int, which cannot be called."),
        ({"model.py": "INPUTS = [3]\ndef load(folder):\n    return print\n"}, "INPUTS in model.py must be a list of"),
        ({"../model.py": "x"}, "leads out of its folder"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(python, tmp_path, files, message):
    assert message in asked(python, "custom", archive(tmp_path, files), {})["unloadable"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("{'other': 1}", "The model gave other, but not distance."),
        ("{'distance': [1.0, 2.0]}", "1 rows were asked for"),
        ("[1.0]", "a dict of arrays by name is expected"),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error_of_the_model(python, tmp_path, answer, message):
    path = archive(tmp_path, {"model.py": f"def load(folder):\n    return lambda inputs: {answer}\n"})
    with pytest.raises(AssertionError, match=message):
        asked(python, "custom", path, {"point": [[1.0, 2.0]]}, inputs=POINT, outputs=DISTANCE)
