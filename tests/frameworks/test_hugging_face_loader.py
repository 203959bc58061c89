"""Pipelines of transformers, loaded in their own environment."""

import pytest

from model_environments import asked_as_in_example, assert_answers, example, framework_environment


@pytest.fixture(scope="module")
def python():
    return framework_environment("hugging-face-text-classification")


@pytest.fixture(scope="module")
def made(python):
    return example("train_hugging_face", python)


def test_a_classifier_of_texts_answers_as_its_pipeline_does(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None)
    assert (said["inputs"], said["outputs"]) == (made["inputs"], made["outputs"])
    assert_answers(said, made)


def test_all_candidates_come_where_lists_are_declared(python, made):
    inputs = [*made["inputs"], {"name": "top_k", "dtype": "int64", "shape": [None]}]
    outputs = [
        {"name": "label", "dtype": "string", "shape": [None, 2]},
        {"name": "score", "dtype": "float64", "shape": [None, 2]},
    ]
    rows = made["rows"] | {"top_k": [2] * len(made["rows"]["inputs"])}
    said = asked_as_in_example(python, made, inputs=inputs, outputs=outputs, rows=rows)
    assert [labels[0] for labels in said["answers"]["label"]] == made["answers"]["label"]
    assert [sum(scores) for scores in said["answers"]["score"]] == pytest.approx([1.0] * 4)


def test_features_of_texts_of_any_length_are_json(python, made):
    said = asked_as_in_example(python, made, inputs=None, outputs=None, options={"task": "feature-extraction"})
    assert said["outputs"] == [{"name": "output", "dtype": "json", "shape": [None]}]
    lengths = [len(text.split()) + 2 for text in made["rows"]["inputs"]]
    assert [len(tokens) for tokens in said["answers"]["output"]] == lengths
    assert {len(token) for tokens in said["answers"]["output"] for token in tokens} == {16}


def test_labels_of_the_caller_are_scored(python, made):
    rows = {"inputs": ["the wine is good"], "candidate_labels": [["good", "bad", "very"]]}
    said = asked_as_in_example(
        python, made, inputs=None, outputs=None, rows=rows, options={"task": "zero-shot-classification"}
    )
    assert said["answers"]["sequence"] == ["the wine is good"]
    assert sorted(said["answers"]["labels"][0]) == ["bad", "good", "very"]
    assert sum(said["answers"]["scores"][0]) == pytest.approx(1.0)


def test_questions_are_answered_from_their_context(python, made):
    contexts = ["the wine is fresh", "the bread was stale"]
    rows = {"question": ["is the wine good", "was the bread bad"], "context": contexts}
    said = asked_as_in_example(
        python, made, inputs=None, outputs=None, rows=rows, options={"task": "question-answering"}
    )
    answers = said["answers"]
    assert all(answer in context for answer, context in zip(answers["answer"], contexts, strict=True))
    assert all(start <= end for start, end in zip(answers["start"], answers["end"], strict=True))
    assert all(0 <= score <= 1 for score in answers["score"])


def test_a_task_that_is_not_known_is_refused(python, made):
    said = asked_as_in_example(python, made, options={"task": "mind-reading"})
    assert "The task 'mind-reading' is not one of audio-classification, automatic" in said["unloadable"]


def test_what_a_pipeline_does_not_take_is_the_callers_fault(python, made):
    rows = {"question": [""], "context": ["the wine is fresh"]}
    with pytest.raises(AssertionError, match=r"Rejected: The pipeline does not take this input: .*question"):
        asked_as_in_example(python, made, inputs=None, outputs=None, rows=rows, options={"task": "question-answering"})
