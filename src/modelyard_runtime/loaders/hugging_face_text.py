"""Pipelines of transformers for text-generation, token by token.

Not by ``generate`` of transformers: here an answer can be left at every token, has random numbers of its own, and takes
turns with others.
"""

from collections.abc import Iterator
from typing import Any

import torch

from modelyard_runtime.generation import Prompt
from modelyard_runtime.model import Rejected

_UNREADY = "\ufffd"
"""So a tokenizer shows bytes that are no whole character yet."""
_MESSAGE = "{role}: {content}\n"
_CONTEXT = 10**9
_BEFORE = 8
"""Tokens before one that its text may depend on: whether there is a space, which bytes are a character."""


class TextGenerator:
    """Generates with the network and the tokenizer of a pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._network, self._tokenizer = pipeline.model, pipeline.tokenizer
        self._most = int(getattr(self._network.config, "max_position_embeddings", None) or _CONTEXT)

    def count_tokens(self, prompt: Prompt) -> int:
        """How many the network is given."""
        return len(self._tokens(prompt))

    def generate(
        self,
        prompt: Prompt,
        max_tokens: int = 16,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[str]:
        """What follows; ``temperature`` 0 takes the likeliest token, the same ``seed`` the same ones again."""
        tokens = self._tokens(prompt)
        if not tokens:
            raise Rejected("The prompt has no tokens.")
        if len(tokens) >= self._most:
            message = f"The prompt has {len(tokens)} tokens; the model takes fewer than {self._most}, with its answer."
            raise Rejected(message)
        chance = torch.Generator()
        chance.manual_seed(seed) if seed is not None else chance.seed()
        room = min(max_tokens, self._most - len(tokens))
        yield from self._texts(tokens[-_BEFORE:], self._following(tokens, room, temperature, top_p, chance))

    def _following(
        self, tokens: list[int], count: int, temperature: float, top_p: float, chance: torch.Generator
    ) -> Iterator[int]:
        given, past, ends = torch.tensor([tokens]), None, self._ends()
        for _ in range(count):
            with torch.inference_mode():
                said = self._network(input_ids=given, past_key_values=past, use_cache=True)
            token, past = _chosen(said.logits[0, -1].float(), temperature, top_p, chance), said.past_key_values
            if token in ends:
                return
            yield token
            given = torch.tensor([[token]])

    def _texts(self, before: list[int], tokens: Iterator[int]) -> Iterator[str]:
        """The text that each token adds to what is before, nothing while it is part of a character."""
        known, told = list(before), self._decoded(before)
        for token in tokens:
            known.append(token)
            text = self._decoded(known)
            if text.endswith(_UNREADY):
                yield ""
                continue
            yield text[len(told) :]
            known, told = known[-_BEFORE:], self._decoded(known[-_BEFORE:])

    def _decoded(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _tokens(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            return list(self._tokenizer(prompt)["input_ids"])
        if getattr(self._tokenizer, "chat_template", None):
            return list(self._tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False))
        plain = "".join(_MESSAGE.format(**message) for message in prompt)
        return list(self._tokenizer(f"{plain}assistant:")["input_ids"])

    def _ends(self) -> set[int]:
        found = self._network.generation_config.eos_token_id
        return {found} if isinstance(found, int) else set(found or ())


def _chosen(scores: torch.Tensor, temperature: float, top_p: float, chance: torch.Generator) -> int:
    if temperature == 0:
        return int(scores.argmax())
    chances, order = torch.softmax(scores / temperature, dim=-1).sort(descending=True)
    if top_p < 1:
        chances = chances * (chances.cumsum(0) - chances < top_p)
    return int(order[torch.multinomial(chances, 1, generator=chance)])
