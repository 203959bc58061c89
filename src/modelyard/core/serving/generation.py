"""Deployments that generate text piece by piece: one model in processes of its own that is configured to."""

from collections.abc import Generator as Pieces
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.serving.graph.plan import nodes_of

Prompt = str | list[dict[str, str]]
"""A text to be continued, or messages ``{"role", "content"}`` to be answered."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; ``parameters`` are ``temperature``, ``top_p`` and ``seed`` where they are given.

    The answer ends before any of the texts in ``stop``.
    """

    prompt: Prompt
    max_tokens: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended, ``reason`` "stop" or "length"; tokens where the model counts them."""

    reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Generator(Protocol):
    """A model that may generate text."""

    def generate(self, question: Question) -> Pieces[str | Ending, None, None]:
        """The pieces, at last how it ended; once it is closed the model goes no further.

        ``INVALID`` when the model rejects the question.
        """


@dataclass(frozen=True, slots=True)
class Generation:
    """What a deployment generates with: ``completion`` and ``chat`` are the parameters that requests leave out.

    ``name`` is that of the model's file; ``label`` as in ``Step``.
    """

    model: Generator
    name: str
    label: str
    completion: Mapping[str, Any]
    chat: Mapping[str, Any]


def generation(
    plan: Mapping[str, Any], version: ModelVersion, config: ModelConfig, model: Generator | None, label: str
) -> Generation | None:
    """What a deployment with this plan generates with; None unless its only model does, and is configured to."""
    openai = config.openai or {}
    kinds = [node["kind"] for node in nodes_of(dict(plan)) if node["kind"] != "chain"]
    if model is None or kinds != ["model"] or not openai.get("enabled"):
        return None
    defaults = (openai.get(name) or {} for name in ("completion_config", "chat_completion_config"))
    return Generation(model, version.file_name, label, *defaults)
