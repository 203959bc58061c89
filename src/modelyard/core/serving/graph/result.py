"""What a graph gives for one batch of rows, and what is noted on the way."""

from dataclasses import dataclass, field

import numpy as np

from modelyard.core.serving.tensors import Array, Columns


@dataclass(slots=True)
class Result:
    """The answer to one request; nodes note here what they did.

    ``inputs`` are the request's columns as the first model saw them, ``outputs`` the answer's tensors, ``elapsed``
    nanoseconds of each model that ran, ``last_model`` the JSON text {"model_name", "model_sha"} of who answered.
    ``routing`` is which node each branch chose (-1 all, -2 none; for a branch that chose row by row, the choice of each
    row), ``alternatives`` the answers of those that were asked beside it, by their names, ``checks`` what validations
    found, True for a row that failed. ``target`` is who answered, ``mirrored`` that the shadow is to be asked, too.
    ``asked`` are the request's columns as they came, ``told`` the description of the model that a split chose, or one
    for each row.
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
    asked: Columns = field(default_factory=dict)
    told: str | list[str] | None = None

    @property
    def plain(self) -> bool:
        """Whether there is nothing beside the inputs and outputs."""
        return self.alternatives is None and self.checks is None and self.told is None

    def beside(self) -> dict[str, Array]:
        """What there is beside the inputs and outputs, by its column's name in answers and logs.

        ``out._model_split`` (a list of one text), ``out_<node>.<output>`` and ``anomaly.<check>``.
        """
        columns: dict[str, Array] = {}
        if self.told is not None:
            told = [self.told] * self.rows if isinstance(self.told, str) else self.told
            columns["out._model_split"] = np.array(told, dtype=object).reshape(-1, 1)
        for node, outputs in (self.alternatives or {}).items():
            columns |= {f"out_{node}.{name}": array for name, array in outputs.items()}
        return columns | {f"anomaly.{name}": failed for name, failed in (self.checks or {}).items()}

    def failed_rows(self) -> int:
        """How many rows fail a validation."""
        checks = list((self.checks or {}).values())
        return int(np.count_nonzero(np.logical_or.reduce(checks))) if checks else 0

    def note_route(self, branch: str, chosen: int | list[int]) -> None:
        """A branch chose."""
        if self.routing is None:
            self.routing = {}
        self.routing[branch] = chosen

    def note_check(self, name: str, failed: Array) -> None:
        """A validation looked at the rows."""
        if self.checks is None:
            self.checks = {}
        self.checks[name] = failed

    def note_alternative(self, name: str, outputs: dict[str, Array]) -> None:
        """Somebody else was asked, too."""
        if self.alternatives is None:
            self.alternatives = {}
        self.alternatives[name] = outputs
