"""What a graph gives for one batch of rows, and what is noted on the way."""

from dataclasses import dataclass, field

from modelyard.core.serving.tensors import Array


@dataclass(slots=True)
class Result:
    """The answer to one request; nodes note here what they did.

    ``inputs`` are the request's columns as the first model saw them, ``outputs`` the answer's tensors, ``elapsed``
    nanoseconds of each model that ran, ``last_model`` the JSON text {"model_name", "model_sha"} of who answered.
    ``routing`` is which node each branch chose (-1 all, -2 none; for a branch that chose row by row, the choice of each
    row), ``alternatives`` the answers of those that were asked beside it, by their names, ``checks`` what validations
    found, True for a row that failed. ``target`` is who answered, ``mirrored`` that the shadow is to be asked, too.
    """

    rows: int = 0
    inputs: dict[str, Array] = field(default_factory=dict)
    outputs: dict[str, Array] = field(default_factory=dict)
    elapsed: list[int] = field(default_factory=list)
    last_model: str = ""
    routing: dict[str, int | list[int]] | None = None
    alternatives: dict[str, dict[str, Array]] | None = None
    checks: dict[str, Array] | None = None
    target: str = ""
    mirrored: bool = False
    request_id: str = ""

    def note_route(self, branch: str, chosen: int | list[int]) -> None:
        """A branch chose."""
        if self.routing is None:
            self.routing = {}
        self.routing[branch] = chosen

    def note_alternative(self, name: str, outputs: dict[str, Array]) -> None:
        """Somebody else was asked, too."""
        if self.alternatives is None:
            self.alternatives = {}
        self.alternatives[name] = outputs
