"""What the table of operations is made of."""

from dataclasses import dataclass, field
from typing import Any

Given = dict[str, Any]

SPACE, DEPLOYMENT, PIPELINE, MODEL = "$space", "fraud", "flow", "scorer"
AT = {"namespace": SPACE, "name": DEPLOYMENT}
FLOW = {"namespace": SPACE, "name": PIPELINE}
VALUES = [round(0.1 * at, 1) for at in range(29)]


@dataclass(frozen=True)
class Row:
    """One call of the SDK, by keyword, and what it must give.

    - ``given``: a text that starts with ``$`` stands for a value that is known by that name, and ``{"model": name, …}``
      for an object of the SDK's class of that name.
    - ``gives``: the type of the result; ``dict`` also for the classes without fields, which the SDK does not make.
    - ``refused``: the status of the documented error that takes its place.
    - ``needs``: the package without which the answer is 424.
    - ``keep``: names for values in the result, by their paths, for later rows.
    - ``until``: the call is repeated until the values at these paths are one of these.
    """

    api: str
    operation: str
    gives: str
    given: Given = field(default_factory=dict)
    refused: int | None = None
    needs: str | None = None
    keep: dict[str, str] = field(default_factory=dict)
    until: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The operation, and whether it is refused."""
        return f"{self.operation}-{self.refused}" if self.refused else self.operation


def of(model: str, **fields: Any) -> Given:
    """An object of the SDK's class."""
    return {"model": model, **fields}
