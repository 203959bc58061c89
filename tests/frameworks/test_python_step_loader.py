"""Steps written in Python, loaded in their own environment."""

import zipfile

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment

SCORE = [{"name": "score", "dtype": "float64", "shape": [None, 1]}]
OUTPUT = [{"name": "output", "dtype": "float64", "shape": [None, 1]}]


@pytest.fixture(scope="module")
def python():
    return framework_environment("python")


def step(folder, text):
    path = folder / "step.py"
    path.write_text(text)
    return path


def test_process_data_gets_arrays_and_gives_arrays(python, tmp_path):
    made = example("make_python_step", python)
    assert_answers(asked_as_in_example(python, made), made)


def test_wallaroo_json_gets_a_frame_and_gives_records(python, tmp_path):
    path = step(
        tmp_path,
        "import pandas as pd\n\n"
        "def wallaroo_json(data: pd.DataFrame):\n"
        "    return [{'output': [cell[0] * 2]} for cell in data['score'].to_list()]\n",
    )
    said = asked(python, "python_step", path, {"score": [[1.5], [2.0]]}, inputs=SCORE, outputs=OUTPUT)
    assert said["answers"] == {"output": [[3.0], [4.0]]}


def test_predict_in_an_archive_is_found_and_may_import_what_lies_beside_it(python, tmp_path):
    archive = tmp_path / "step.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(
            "step/step.py",
            "import rates\n\ndef predict(inputs):\n    return {'output': inputs['score'] * rates.RATE}\n",
        )
        opened.writestr("step/rates.py", "RATE = 3\n")
    said = asked(python, "python_step", archive, {"score": [[1.0]]}, inputs=SCORE, outputs=OUTPUT)
    assert said["answers"] == {"output": [[3.0]]}


def test_a_step_must_be_declared(python, tmp_path):
    path = step(tmp_path, "def predict(inputs):\n    return inputs\n")
    said = asked(python, "python_step", path, {})
    assert said["unloadable"] == "The model does not say what its inputs are; declare input_schema with the upload."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def other():\n    pass\n",
            "No file at the top has one of the functions",
        ),
        ("def predict(:\n", "step.py is not valid Python"),
        (
            "import no_such_package\n\ndef predict(inputs):\n    return inputs\n",
            "imports 'no_such_package', which is missing",
        ),
    ],
)
def test_what_is_wrong_with_a_step_is_said(python, tmp_path, text, message):
    path = step(tmp_path, text)
    assert message in asked(python, "python_step", path, {}, inputs=SCORE, outputs=OUTPUT)["unloadable"]
