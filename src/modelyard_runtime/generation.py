"""Text that a model makes piece by piece: what it is asked for, and one answer in the making.

A model that generates has ``generate(prompt, **parameters)``, an iterator of pieces, a token each. ``prompt`` is a
text, or a list of messages ``{"role", "content"}``. What it takes of ``max_tokens``, ``temperature``, ``top_p`` and
``seed`` is given by name; all but the first only where the caller says anything. Where it has ``count_tokens(prompt)``,
too, answers tell how many tokens there were.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from modelyard_runtime.model import Rejected

Prompt = str | list[dict[str, str]]
STOP = "stop"
LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be continued or answered; ``stop`` are texts before which the answer ends."""

    prompt: Prompt
    max_tokens: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As it goes to the model's process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Question":
        """The inverse of ``to_bytes``; ``ValueError`` or ``TypeError`` for anything else."""
        fields = json.loads(data)
        return cls(**fields | {"stop": tuple(fields["stop"])})


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: ``reason`` is "stop" or "length"; tokens where the model counts them."""

    reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def to_text(self) -> str:
        """As it comes from the model's process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Ending":
        """The inverse of ``to_text``."""
        return cls(**json.loads(text))


class Answer:
    """One answer in the making."""

    def __init__(self, model: Any, question: Question) -> None:
        """``Rejected`` when the model generates nothing."""
        if not callable(getattr(model, "generate", None)):
            raise Rejected("it generates no text: it has no method generate")
        self._model = model
        self._question = question
        self._pieces = iter(_asked(model.generate, question))
        self._held = _Held(question.stop)
        self._made = 0

    def next(self) -> str | Ending:
        """What is sure of the next piece, perhaps nothing, or how it ended."""
        if self._held.is_over:
            return self._ended(STOP)
        if self._made >= self._question.max_tokens:
            return self._rest(LENGTH)
        piece = next(self._pieces, None)
        if piece is None:
            return self._rest(STOP)
        if not isinstance(piece, str):
            raise TypeError(f"generate gave {type(piece).__name__}; texts are expected")
        self._made += 1
        return self._held.add(piece)

    def close(self) -> None:
        """Nobody waits for more."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _rest(self, reason: str) -> str | Ending:
        return self._held.take() or self._ended(reason)

    def _ended(self, reason: str) -> Ending:
        self.close()
        count = getattr(self._model, "count_tokens", None)
        if count is None:
            return Ending(reason)
        return Ending(reason, int(count(self._question.prompt)), self._made)


class _Held:
    """Keeps back what may be the beginning of a stop word, and everything from a stop word on."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._text = ""
        self.is_over = False

    def add(self, piece: str) -> str:
        """What is sure now."""
        self._text += piece
        found = [at for at in (self._text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.is_over = True
            return self._text[: min(found)]
        kept = max((_overlap(self._text, stop) for stop in self._stops), default=0)
        sure, self._text = self._text[: len(self._text) - kept], self._text[len(self._text) - kept :]
        return sure

    def take(self) -> str:
        """What was kept back; it became no stop word."""
        text, self._text = self._text, ""
        return text


def whole(model: Any, question: Question) -> str:
    """The whole answer."""
    return "".join(_texts(Answer(model, question)))


def _texts(answer: Answer) -> Iterator[str]:
    while isinstance(piece := answer.next(), str):
        yield piece


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text are the beginning of the stop word."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)


def _asked(generate: Callable[..., Iterable[str]], question: Question) -> Iterable[str]:
    parameters = {"max_tokens": question.max_tokens, **question.parameters}
    known = inspect.signature(generate).parameters
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values()):
        parameters = {name: value for name, value in parameters.items() if name in known}
    return generate(question.prompt, **parameters)
