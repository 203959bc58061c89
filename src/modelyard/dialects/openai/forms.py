"""Answers as OpenAI writes them: one JSON document, or server-sent events."""

import time
from abc import ABC, abstractmethod
from typing import Any

import orjson

from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.serving.generation import Ending
from modelyard.dialects.openai.dialect import error_body
from modelyard.web.inference.generated import usage

_DONE = b"data: [DONE]\n\n"


class Form(ABC):
    """See ``web.inference.generation_protocol.Form``."""

    prefix: str
    kind: str
    chunk_kind: str

    def __init__(self, model: str, *, told_usage: bool) -> None:
        """``told_usage`` has a stream tell the tokens, too."""
        self._told_usage = told_usage
        self._base = {"id": f"{self.prefix}-{new_uuid()}", "created": int(time.time()), "model": model}

    @abstractmethod
    def first(self) -> bytes:
        """What a stream begins with."""

    def piece(self, text: str) -> bytes:
        return self._event([self._part(text, None)])

    def last(self, ending: Ending) -> bytes:
        last = self._event([self._part(None, ending.reason)])
        return last + (self._event([], usage=usage(ending)) if self._told_usage else b"") + _DONE

    def broken(self, error: DomainError) -> bytes:
        return _event(error_body(error))

    def whole(self, text: str, ending: Ending) -> bytes:
        choice = {"index": 0, "logprobs": None, "finish_reason": ending.reason, **self._text(text)}
        return orjson.dumps({**self._base, "object": self.kind, "choices": [choice], "usage": usage(ending)})

    @abstractmethod
    def _text(self, text: str) -> dict[str, Any]:
        """The whole text in a choice."""

    @abstractmethod
    def _part(self, text: str | None, reason: str | None) -> dict[str, Any]:
        """A choice with some of the text, None for no more."""

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        return _event({**self._base, "object": self.chunk_kind, "choices": choices, **more})


class CompletionForm(Form):
    """Of a text that is continued."""

    prefix, kind, chunk_kind = "cmpl", "text_completion", "text_completion"

    def first(self) -> bytes:
        return b""

    def _text(self, text: str) -> dict[str, Any]:
        return {"text": text}

    def _part(self, text: str | None, reason: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text or "", "logprobs": None, "finish_reason": reason}


class ChatForm(Form):
    """Of messages that are answered."""

    prefix, kind, chunk_kind = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def first(self) -> bytes:
        return self._event([self._choice({"role": "assistant", "content": ""}, None)])

    def _text(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text, "refusal": None}}

    def _part(self, text: str | None, reason: str | None) -> dict[str, Any]:
        return self._choice({} if text is None else {"content": text}, reason)

    def _choice(self, delta: dict[str, str], reason: str | None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _event(data: Any) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
