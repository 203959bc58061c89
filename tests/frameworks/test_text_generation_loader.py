"""Pipelines for text-generation, loaded in their own environment, as they generate piece by piece."""

from pathlib import Path
from typing import Any

import pytest

from model_environments import example, framework_environment, told

_ASKED = """
import json, sys
from pathlib import Path
from tempfile import mkdtemp
from modelyard_runtime.generation import Answer, Ending, Question
from modelyard_runtime.loaders import load
from modelyard_runtime.model import Rejected, Source

asked = json.load(sys.stdin)
model = load("hugging_face", Source(Path(asked["path"]), "m.zip", Path(mkdtemp()), options={"task": "text-generation"}))

def said(question):
    answer, pieces = Answer(model, Question(**question)), []
    try:
        while isinstance(piece := answer.next(), str):
            pieces.append(piece)
    except Rejected as error:
        return {"rejected": str(error)}
    return {"pieces": pieces, "reason": piece.reason, "tokens": [piece.prompt_tokens, piece.completion_tokens]}

Path(sys.argv[1]).write_text(json.dumps([said(question) for question in asked["questions"]]))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    return framework_environment("hugging-face-text-generation")


@pytest.fixture(scope="module")
def made(python: Path) -> dict[str, Any]:
    return example("train_language_model", python)


HOT = {"prompt": "the", "parameters": {"temperature": 2.0, "top_p": 0.95, "seed": 11}, "max_tokens": 12}
QUESTIONS: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": "the red wine"},
    "chat": {"prompt": [{"role": "user", "content": "which wine ?"}]},
    "hot": HOT,
    "hot again": HOT,
    "hot with another seed": {**HOT, "parameters": {**HOT["parameters"], "seed": 12}},
    "short": {"prompt": "the white", "max_tokens": 2},
    "full": {"prompt": "wine " * 31},
    "beyond": {"prompt": "wine " * 32},
}


@pytest.fixture(scope="module")
def said(python: Path, made: dict[str, Any]) -> dict[str, Any]:
    """What is answered to all questions, by one process."""
    asked = [{"max_tokens": 16, "parameters": {"temperature": 0}, **question} for question in QUESTIONS.values()]
    answers: Any = told(python, ["-c", _ASKED], {"path": made["path"], "questions": asked})
    return dict(zip(QUESTIONS, answers, strict=True))


def test_prompts_are_continued_a_token_at_a_time(said: dict[str, Any]) -> None:
    pieces = [" is", " dry", " and", " strong", " ."]
    assert said["prompt"] == {"pieces": pieces, "reason": "stop", "tokens": [3, 5]}


def test_chats_go_through_the_template(said: dict[str, Any]) -> None:
    assert "".join(said["chat"]["pieces"]).strip() == "the red wine ."


def test_seeds_repeat_themselves_and_the_room_ends(said: dict[str, Any]) -> None:
    assert said["hot"] == said["hot again"]
    assert said["hot"]["pieces"] != said["hot with another seed"]["pieces"]
    assert (said["short"]["pieces"], said["short"]["reason"]) == ([" wine", " is"], "length")
    assert len(said["full"]["pieces"]) <= 1
    assert "32 tokens" in said["beyond"]["rejected"]
