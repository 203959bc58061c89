"""What a protocol of inference is to the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.core.serving.tensors import Column, Columns

Headers = dict[bytes, bytes]
"""A request's headers by lower-case name."""


@dataclass(slots=True)
class Answer:
    """What a request is answered with, and what of it is logged.

    ``columns`` are the request's rows, ``extra`` those of them that no model took, ``headers`` what the response has
    beside content type and length. What is not ``logged`` is not kept at all, nor shown to a shadow.
    """

    body: bytes
    content_type: bytes
    time_ms: int
    result: Result
    columns: Columns
    extra: Mapping[str, Column]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    logged: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as the protocol says it."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Several(Exception):  # noqa: N818  # no error yet: the caller may know only one of them
    """A name that more than one deployment has: which is meant depends on what the caller may infer with."""

    def __init__(self, routes: Sequence[Route]) -> None:
        super().__init__()
        self.routes = routes


class InferenceProtocol(Protocol):
    """From requests to rows, and from results to answers; nothing in it waits."""

    def claims(self, scope: Scope) -> bool:
        """Whether the request is one for inference in this protocol."""

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        """The deployment that is asked; ``NOT_FOUND`` when there is none, ``Several`` when that takes the caller."""

    def shown(self, scope: Scope) -> str:
        """What was asked for, as messages name it."""

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        """Run the deployment on the request."""

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        """The error as this protocol says it."""
