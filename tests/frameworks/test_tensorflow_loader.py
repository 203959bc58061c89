"""SavedModels of TensorFlow, loaded in their own environment."""

import zipfile

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment


@pytest.fixture(scope="module")
def python():
    return framework_environment("tensorflow")


@pytest.fixture(scope="module")
def made(python):
    return example("train_tensorflow", python)


def test_a_saved_model_answers_as_the_network_does(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert (said["inputs"], said["outputs"]) == (made["inputs"], made["outputs"])
    assert_answers(said, made)


def test_declared_tensors_go_to_the_signature_by_place(python, made):
    inputs = [made["inputs"][0] | {"name": "tensor"}]
    outputs = [made["outputs"][0] | {"name": "dense_1"}]
    said = asked_as_in_example(python, made, inputs=inputs, outputs=outputs, rows={"tensor": made["rows"]["point"]})
    assert_answers({"answers": {"inside": said["answers"]["dense_1"]}}, made)


def test_a_signature_that_is_not_there_is_named(python, made):
    said = asked_as_in_example(python, made, options={"signature": "other"})
    assert said["unloadable"] == "The SavedModel has no signature 'other', only serving_default."


def test_an_archive_without_a_saved_model_is_named_so(python, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as opened:
        opened.writestr("readme.txt", "nothing here")
    said = asked(python, "tensorflow", tmp_path / "other.zip", {})
    assert "One folder with saved_model.pb is expected in the archive; found 0." in said["unloadable"]
