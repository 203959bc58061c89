"""Every task of transformers, with a tiny pipeline of random weights: its answers are those of the pipeline itself."""

import json
import re
import zipfile

import pytest

from model_environments import EXAMPLES, ROOT, asked, framework_environment, run
from modelyard.core.catalogue.frameworks import FRAMEWORKS

CANDIDATES = {"label": "json", "score": "json"}
CASES = {
    "audio-classification": CANDIDATES,
    "automatic-speech-recognition": {"text": "string"},
    "fill-mask": {"token_str": "json", "score": "json", "sequence": "json"},
    "image-classification": CANDIDATES,
    "image-segmentation": CANDIDATES | {"mask": "json"},
    "image-to-text": {"generated_text": "string"},
    "object-detection": CANDIDATES | {"box": "json"},
    "panoptic-segmentation": CANDIDATES | {"mask": "json"},
    "sentiment-analysis": {"label": "string", "score": "float64"},
    "summarization": {"summary_text": "string"},
    "text-generation": {"generated_text": "string"},
    "token-classification": {"word": "json", "entity": "json", "score": "json", "start": "json", "end": "json"},
    "translation": {"translation_text": "string"},
    "whisper": {"text": "string"},
    "words-of-speech": {"chunks": "json"},
    "zero-shot-image-classification": CANDIDATES,
    "zero-shot-object-detection": CANDIDATES | {"box": "json"},
}
"""What ``tiny_pipelines`` makes, and the outputs; all but ``chunks`` are those of the task where none are declared."""
ELSEWHERE = {"feature-extraction", "question-answering", "text-classification", "zero-shot-classification"}
"""In ``test_hugging_face_loader``."""
ARGUMENTS = {
    "candidate_labels": {"dtype": "string", "shape": [None, None]},
    "do_sample": {"dtype": "bool", "shape": [None]},
    "max_new_tokens": {"dtype": "int64", "shape": [None]},
    "return_timestamps": {"dtype": "string", "shape": [None]},
    "sampling_rate": {"dtype": "int64", "shape": [None]},
    "subtask": {"dtype": "string", "shape": [None]},
    "threshold": {"dtype": "float64", "shape": [None]},
    "top_k": {"dtype": "int64", "shape": [None]},
}
"""Of pipelines, as uploads declare them."""
PIXELS = {"name": "inputs", "dtype": "uint8", "shape": [None, None, None, 3]}
SAMPLES = {"name": "inputs", "dtype": "float32", "shape": [None, None]}
TEXTS = {"name": "inputs", "dtype": "string", "shape": [None]}
CHUNKS = [{"name": "chunks", "dtype": "json", "shape": [None]}]


@pytest.fixture(scope="module")
def python():
    return framework_environment("hugging-face-image-classification")


@pytest.fixture(scope="module")
def made(python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    run([python, ROOT / "tests" / "tiny_pipelines.py", folder, EXAMPLES])
    cases = json.loads((folder / "cases.json").read_text())
    return {name: {**case, "path": folder / f"{name}.zip"} for name, case in cases.items()}


def answered(python, case, main=None, outputs=None, **rows):
    """What the loader makes of the rows of a case, or of others; ``main`` is what ``inputs`` are declared as."""
    given = case["rows"] | rows
    more = [{"name": name, **ARGUMENTS[name]} for name in given if name in ARGUMENTS]
    declared = [main or main_of(case["task"]), *more] if main or more else None
    about = {"inputs": declared, "outputs": outputs, "options": {"task": case["task"]}}
    return asked(python, "hugging_face", case["path"], given, **about)


def main_of(task):
    if "audio" in task or "speech" in task:
        return SAMPLES
    return PIXELS if "image" in task or "object" in task else TEXTS


def of_its_own(answers, name):
    """The part ``name`` of what the pipeline says, as the loader gives it."""
    return [[value_of(one[name], name) for one in each] if isinstance(each, list) else each[name] for each in answers]


def value_of(value, name):
    return list(value.values()) if name == "box" else value


def close(value):
    """The same, but for what floats may differ by."""
    if isinstance(value, list):
        return [close(one) for one in value]
    return pytest.approx(value, rel=1e-5) if isinstance(value, float) else value


@pytest.mark.parametrize("name", CASES)
def test_a_pipeline_answers_as_it_does_by_itself(python, made, name):
    case = made[name]
    said = answered(python, case, outputs=CHUNKS if name == "words-of-speech" else None)
    assert {output["name"]: output["dtype"] for output in said["outputs"]} == CASES[name]
    for output in said["outputs"]:
        expected = of_its_own(case["answers"], output["name"])
        if output["dtype"] != "json":
            expected = [each[0] if isinstance(each, list) else each for each in expected]
        assert all(each not in ("", []) for each in expected)
        assert said["answers"][output["name"]] == close(expected)


@pytest.mark.parametrize("name", CASES)
def test_a_pipeline_has_a_row_to_begin_with(python, made, name):
    about = {"inputs": None, "outputs": None, "options": {"task": made[name]["task"]}}
    said = asked(python, "hugging_face", made[name]["path"], None, **about)
    assert {len(answers) for answers in said["answers"].values()} == {1}


@pytest.mark.parametrize(
    ("name", "dtype", "usual"),
    [
        ("image-classification", "float32", r"uint8, \[height,width,3\]"),
        ("image-classification", "string", "uint8"),
        ("whisper", "string", "a list of float32"),
        ("sentiment-analysis", "int64", "string"),
    ],
)
def test_what_is_declared_as_something_else_is_refused_at_once(python, made, name, dtype, usual):
    said = answered(python, made[name], {"name": "inputs", "dtype": dtype, "shape": [None]}, inputs=[])
    assert re.search(f"is declared as {dtype}; for .* declare it as .*{usual}", said["unloadable"])


def test_a_declaration_that_leaves_out_what_is_needed_is_refused_at_once(python, made):
    case = made["zero-shot-image-classification"] | {"rows": {"inputs": []}}
    said = answered(python, case, PIXELS)
    assert "zero-shot-image-classification lack candidate_labels" in said["unloadable"]


def test_a_text_without_a_gap_is_the_callers_fault(python, made):
    with pytest.raises(AssertionError, match="Rejected: The pipeline does not take this input: No mask_token"):
        answered(python, made["fill-mask"], inputs=["the wine", "the [MASK]"])


def test_no_task_is_left_out(made):
    tried = {case["task"] for case in made.values()} | ELSEWHERE
    assert {f"hugging-face-{task}" for task in tried} == {name for name in FRAMEWORKS if name.startswith("hugging-")}
    assert sorted(made) == list(CASES)


def test_what_pictures_show_comes_in_lists_where_these_are_declared(python, made):
    outputs = [
        {"name": "label", "dtype": "string", "shape": [None, 3]},
        {"name": "score", "dtype": "float64", "shape": [None, 3]},
    ]
    said = answered(python, made["image-classification"], outputs=outputs)["answers"]
    assert [sorted(labels) for labels in said["label"]] == [["bird", "cat", "dog"]] * 2
    assert [sum(scores) for scores in said["score"]] == pytest.approx([1, 1])
    alone = [{"name": "label", "dtype": "string", "shape": [None]}]
    first = answered(python, made["image-classification"], outputs=alone)["answers"]["label"]
    assert first == [labels[0] for labels in said["label"]]


def test_whole_numbers_of_any_type_are_a_picture(python, made):
    case = made["image-classification"]
    said = answered(python, case, {**PIXELS, "dtype": "int64"})
    assert said["answers"]["label"] == of_its_own(case["answers"], "label")


def test_shades_of_grey_are_a_picture(python, made):
    case = made["image-classification"]
    flat = [[[pixel[0] for pixel in line] for line in picture] for picture in case["rows"]["inputs"]]
    boxed = [[[[shade] for shade in line] for line in picture] for picture in flat]
    coloured = [[[[shade] * 3 for shade in line] for line in picture] for picture in flat]
    expected = answered(python, case, inputs=coloured)["answers"]
    assert answered(python, case, {**PIXELS, "shape": [None, None, None]}, inputs=flat)["answers"] == expected
    assert answered(python, case, {**PIXELS, "shape": [None, None, None, 1]}, inputs=boxed)["answers"] == expected


def test_sounds_say_how_fast_they_go(python, made):
    case = made["audio-classification"]
    said = answered(python, case, sampling_rate=[8000, 8000])
    assert said["answers"]["label"] == of_its_own(case["answers"], "label")
    with pytest.raises(AssertionError, match="Rejected: The model takes 8000 samples a second; the input has 44100"):
        answered(python, case, sampling_rate=[8000, 44100])


def test_nothing_found_is_an_empty_list_and_no_single_value(python, made):
    case = made["object-detection"]
    said = answered(python, case, threshold=[1.0, 0.3])["answers"]
    assert [len(said[name][0]) for name in ("label", "score", "box")] == [0, 0, 0]
    assert said["label"][1] == of_its_own(case["answers"], "label")[1]
    alone = [{"name": "label", "dtype": "string", "shape": [None]}]
    with pytest.raises(AssertionError, match="Rejected: The pipeline found nothing for the output 'label'"):
        answered(python, case, outputs=alone, threshold=[1.0, 0.3])


def test_several_gaps_in_a_text_are_filled_each(python, made):
    said = answered(python, made["fill-mask"], inputs=["[MASK] wine is [MASK]", "the [MASK]"])["answers"]
    assert [[type(filled).__name__ for filled in each] for each in said["token_str"]] == [["list"] * 2, ["str"] * 2]


def test_a_package_that_is_not_there_is_named(python, made, tmp_path):
    case = made["object-detection"]
    config = {"model_type": "detr", "architectures": ["DetrForObjectDetection"], "use_timm_backbone": True}
    with zipfile.ZipFile(case["path"]) as old, zipfile.ZipFile(tmp_path / "timm.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(config) if name == "config.json" else old.read(name))
    said = answered(python, {**case, "path": tmp_path / "timm.zip"})
    assert "name it in the upload's requirements" in said["unloadable"]
    assert "timm" in said["unloadable"]


BAD_PICTURES = {
    "texts": ("json", [None], ["/etc/passwd"], "whole numbers from 0 to 255"),
    "too bright": ("int64", [None, None, None, 3], [[[[0, 0, 256]]]], "whole numbers from 0 to 255"),
    "too dark": ("int64", [None, None, None, 3], [[[[0, 0, -1]]]], "whole numbers from 0 to 255"),
    "floats": ("json", [None], [[[[0, 0, 0.5]]]], "whole numbers from 0 to 255"),
    "two channels": ("uint8", [None, None, None, 2], [[[[0, 0]]]], r"this one is \[1, 1, 2\]"),
    "ragged": ("json", [None], [[[[0, 0, 0]], []]], "no regular shape"),
}
BAD_SOUNDS = {
    "texts": ("json", [None], ["/etc/passwd"], "list of finite numbers"),
    "nothing": ("float32", [None, None], [[]], "list of finite numbers"),
    "not finite": ("float32", [None, None], [[0.0, float("nan")]], "list of finite numbers"),
    "two channels": ("float32", [None, None, None], [[[0.0], [0.0]]], "list of finite numbers"),
}


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        (name, bad)
        for name, all_bad in [("image-to-text", BAD_PICTURES), ("whisper", BAD_SOUNDS)]
        for bad in all_bad.values()
    ],
    ids=[*BAD_PICTURES, *BAD_SOUNDS],
)
def test_what_is_no_picture_and_no_sound_is_the_callers_fault(python, made, name, bad):
    dtype, shape, rows, message = bad
    case = made[name] | {"rows": {}}
    with pytest.raises(AssertionError, match=rf"Rejected: .*{message}"):
        answered(python, case, {"name": "inputs", "dtype": dtype, "shape": shape}, inputs=rows)
