"""What a protocol for generated text is to the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.generation import Ending, Question
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference.protocol import Refusal


class Form(Protocol):
    """How one answer is written."""

    def first(self) -> bytes:
        """What a stream begins with."""

    def piece(self, text: str) -> bytes:
        """A piece in a stream."""

    def last(self, ending: Ending) -> bytes:
        """What a stream ends with."""

    def broken(self, error: DomainError) -> bytes:
        """What a stream ends with that cannot go on."""

    def whole(self, text: str, ending: Ending) -> bytes:
        """The answer as one JSON document."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what the model is asked, whether its answer is streamed, and in which form.

    ``columns`` are logged: texts by name.
    """

    question: Question
    streamed: bool
    form: Form
    columns: Mapping[str, str]


class GenerationProtocol(Protocol):
    """From requests to questions, and from pieces to answers; nothing in it waits."""

    def claims(self, scope: Scope) -> bool:
        """Whether the request is one for text in this protocol."""

    def placed(self, scope: Scope, routes: RouteTable) -> Sequence[Route] | None:
        """The deployments that the path may mean; None where the body says it."""

    def named(self, body: bytes, routes: RouteTable) -> tuple[Sequence[Route], str]:
        """The deployments that the body may mean, and what it says."""

    def shown(self, scope: Scope) -> str:
        """What the path names, for messages."""

    def read(self, route: Route, body: bytes, scope: Scope) -> Asked:
        """The request; ``FAILED_PRECONDITION`` when the deployment generates nothing."""

    def refusal(self, error: DomainError, scope: Scope) -> Refusal:
        """The error as this protocol says it."""
