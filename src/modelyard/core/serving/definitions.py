"""Pipeline definitions: which steps there are, and which models they name."""

from collections.abc import Iterator
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.entities import Form
from modelyard.core.serving.graph.plan import Plan
from modelyard.core.serving.step_bodies import BODIES, MODEL_KEYS, ModelRef, check_body
from modelyard.core.serving.steps import steps_planned

__all__ = ["ModelRef", "check_definition", "models_named", "planned"]
_MAX_STEPS = 100


def check_definition(definition: dict[str, Any]) -> None:
    """Whether this is a definition: ``{}``, or ``{"id", "steps": [{kind: {…}}, …]}`` with steps of known kinds."""
    steps = definition.get("steps", [])
    if not isinstance(steps, list) or len(steps) > _MAX_STEPS:
        raise invalid(f"definition.steps must be a list of at most {_MAX_STEPS} steps")
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or len(step) != 1:
            raise invalid(f"step {number} must be an object with one key, the kind of step")
        kind, body = next(iter(step.items()))
        if kind not in BODIES:
            raise invalid(f"step {number} is of the unknown kind {kind[:60]!r}; known are {', '.join(sorted(BODIES))}")
        if not isinstance(body, dict):
            raise invalid(f"step {number} ({kind}) must hold an object")
        try:
            check_body(kind, body)
        except DomainError as error:
            raise invalid(f"step {number} ({kind}): {error.message}") from error


def models_named(value: Any) -> Iterator[ModelRef]:
    """Every model that a definition, or a part of one, names."""
    if isinstance(value, list):
        for item in value:
            yield from models_named(item)
    elif isinstance(value, dict):
        if value.keys() >= MODEL_KEYS and all(isinstance(value[key], str) for key in MODEL_KEYS):
            yield ModelRef(value["name"], value["version"], value["sha"])
        else:
            yield from models_named(list(value.values()))


def planned(form: str, definition: dict[str, Any]) -> tuple[list[ModelRef], Plan]:
    """The models of a definition and how they work together; ``FAILED_PRECONDITION`` for what cannot be served.

    Definitions of other forms than steps carry their plan: ``{"document", "models": [{"name", "version", "sha"}, …],
    "plan"}``, made by the dialect that reads the document.
    """
    if form == Form.STEPS:
        return steps_planned(definition)
    return list(models_named(definition["models"])), definition["plan"]
