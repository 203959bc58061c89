"""Models of Keras, loaded in their own environment."""

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run


@pytest.fixture(scope="module")
def python():
    return framework_environment("keras")


@pytest.fixture(scope="module")
def made(python):
    return example("train_keras", python)


def test_a_network_answers_as_keras_does(python, made):
    assert_answers(asked_as_in_example(python, made), made)


def test_the_names_and_shapes_are_the_networks_own(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert said["inputs"] == made["inputs"]
    assert [one["shape"] for one in said["outputs"]] == [[None, 1]]


def test_the_older_file_form_answers_the_same(python, made, tmp_path):
    path = tmp_path / "uploaded"
    code = "import sys, keras; keras.models.load_model(sys.argv[1]).save(sys.argv[2])"
    run([python, "-c", code, made["path"], tmp_path / "circle.h5"])
    (tmp_path / "circle.h5").rename(path)
    assert_answers(asked(python, "keras", path, made["rows"], outputs=made["outputs"]), made)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_layer_that_carries_code_is_refused(python, tmp_path, suffix):
    code = """
import sys, keras
layers = [keras.layers.Input((2,)), keras.layers.Lambda(lambda point: point + 1)]
keras.Sequential([keras.layers.Input((2,)), keras.Sequential(layers)]).save(sys.argv[1])
"""
    run([python, "-c", code, tmp_path / f"model.{suffix}"])
    said = asked(python, "keras", tmp_path / f"model.{suffix}", {})
    assert "has a Lambda layer, which carries code that cannot be checked" in said["unloadable"]


def test_a_file_that_is_none_of_keras_is_named_so(python, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"nothing")
    assert "no Keras model that can be read" in asked(python, "keras", tmp_path / "model.keras", {})["unloadable"]
