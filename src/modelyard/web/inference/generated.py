"""One text in the making, on a thread of its deployment's lane; kept in the log however it ends."""

import json
import time
from contextlib import closing, suppress

import numpy as np

from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition
from modelyard.core.serving.deadlines import Deadline
from modelyard.core.serving.generation import Ending
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array
from modelyard.web.inference.channel import Channel
from modelyard.web.inference.generation_protocol import Asked
from modelyard.web.inference.keeping import Keeper
from modelyard.web.inference.running import now_ms

CANCELLED = "cancelled"
ERROR = "error"
"""What is logged of answers that were cut, beside the reasons of ``Ending``."""


class Generated:
    """Asks the model once."""

    def __init__(self, route: Route, asked: Asked, keeper: Keeper) -> None:
        self._route = route
        self._asked = asked
        self._keeper = keeper
        self._texts: list[str] = []
        self._began = 0

    def run(self, channel: Channel[str | Ending], deadline: Deadline) -> Ending:
        """Put the pieces into the channel; what it returns was logged before."""
        self._began = time.perf_counter_ns()
        try:
            ending = self._pieces(channel, deadline)
        except BaseException as error:
            self._cut(channel, error)
            raise
        self._keep(ending.reason, ending)
        return ending

    def _pieces(self, channel: Channel[str | Ending], deadline: Deadline) -> Ending:
        generation = self._route.generation
        if generation is None:
            raise failed_precondition(f"deployment {self._route.namespace} generates no text")
        with closing(generation.model.generate(self._asked.question)) as pieces:
            for piece in pieces:
                if isinstance(piece, Ending):
                    return piece
                if self._asked.streamed:
                    deadline.renew()
                self._texts.append(piece)
                channel.put(piece, deadline)
        raise DomainError(ErrorKind.INTERNAL, "the model's answer has no end")

    def _cut(self, channel: Channel[str | Ending], error: BaseException) -> None:
        """The client went away, the time was over, or the model failed; where nothing was said there is no row."""
        is_late = isinstance(error, DomainError) and error.kind is ErrorKind.TIMED_OUT
        if isinstance(error, Exception) and not channel.is_left:
            self._keeper.failed(self._route, error)
        if channel.is_left or is_late or self._texts:
            with suppress(DomainError):  # that it cannot be logged is told to those who still wait for something
                self._keep(CANCELLED if channel.is_left or is_late else ERROR, None)

    def _keep(self, reason: str, ending: Ending | None) -> None:
        inputs = {name: _column(text) for name, text in self._asked.columns.items()}
        said = {"text": "".join(self._texts), "finish_reason": reason, "usage": json.dumps(usage(ending))}
        result = Result(
            rows=1,
            inputs=inputs,
            outputs={name: _column(text) for name, text in said.items()},
            elapsed=[0, time.perf_counter_ns() - self._began],
            last_model=self._route.generation.label if self._route.generation else "",
        )
        self._keeper.keep(self._route, now_ms(), result, inputs, {})


def usage(ending: Ending | None) -> dict[str, int] | None:
    """How many tokens there were; None where that is not known."""
    if ending is None or ending.prompt_tokens is None or ending.completion_tokens is None:
        return None
    return {
        "prompt_tokens": ending.prompt_tokens,
        "completion_tokens": ending.completion_tokens,
        "total_tokens": ending.prompt_tokens + ending.completion_tokens,
    }


def _column(text: str) -> Array:
    return np.array([text], dtype=object)
