"""Answers in the making: stop words wherever they are cut, the most tokens, and what the model is given."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_runtime.generation import Answer, Ending, Question, whole
from modelyard_runtime.model import Rejected

TEXTS = st.text(alphabet="ab ", max_size=4)


class Says:
    """Says these pieces; ``closed`` once nobody wants more."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.closed = False
        self.given: dict[str, Any] = {}

    def generate(self, prompt: Any, **parameters: Any) -> Iterator[str]:
        del prompt
        self.given = parameters
        try:
            yield from self._pieces
        finally:
            self.closed = True


def ended(answer: Answer) -> tuple[str, Ending]:
    texts = []
    while isinstance(piece := answer.next(), str):
        texts.append(piece)
    return "".join(texts), piece


@given(st.lists(TEXTS, max_size=8), st.lists(TEXTS.filter(bool), max_size=3))
def test_an_answer_ends_before_the_first_stop_word_however_it_is_cut(pieces: list[str], stops: list[str]) -> None:
    text = "".join(pieces)
    model = Says(*pieces)
    said, ending = ended(Answer(model, Question("", 100, stop=tuple(stops))))
    # of several that begin in the text, the one that is complete first ends it
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    if not ends:
        assert said == text
    else:
        assert text.startswith(said)
        assert not any(stop in said for stop in stops)
        assert len(said) < min(ends)
    assert ending.reason == "stop"
    assert model.closed or not pieces


def test_the_most_tokens_end_it_and_close_the_generator() -> None:
    model = Says("a", "b", "c")
    said, ending = ended(Answer(model, Question("", 2, {"seed": 1}, ("bx",))))
    assert (said, ending.reason, model.closed) == ("ab", "length", True)
    assert model.given == {"max_tokens": 2, "seed": 1}


def test_a_function_gets_only_what_it_names() -> None:
    class Named:
        def generate(self, prompt: str, temperature: float) -> list[str]:
            return [f"{prompt} {temperature}"]

    assert whole(Named(), Question("hot", 5, {"temperature": 2.0, "seed": 1})) == "hot 2.0"


def test_a_model_without_generate_rejects() -> None:
    with pytest.raises(Rejected, match="generates no text"):
        Answer(object(), Question("", 1))


def test_questions_and_endings_survive_the_way() -> None:
    question = Question([{"role": "user", "content": "ä"}], 3, {"top_p": 0.5}, ("x",))
    assert Question.from_bytes(question.to_bytes()) == question
    assert Ending.from_text(Ending("stop", 1, None).to_text()) == Ending("stop", 1, None)
