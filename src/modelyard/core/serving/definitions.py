"""Pipeline definitions: which steps there are, and which models they name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid
from modelyard.core.serving.entities import Form
from modelyard.core.serving.graph.plan import Plan, model, plan

_KINDS = frozenset(
    {
        "ModelInference",
        "RandomSplit",
        "MetaValueSplit",
        "RowsToModels",
        "AuditResults",
        "Check",
        "ColumnsSelect",
        "ColumnsToRows",
        "Average",
        "Nth",
        "MultiOut",
    }
)
_MODEL_KEYS = {"name", "version", "sha"}
_MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model version as a step names it."""

    name: str
    version: str
    sha: str


def check_definition(definition: dict[str, Any]) -> None:
    """Whether this is a definition: ``{}``, or ``{"id", "steps": [{kind: {…}}, …]}`` with steps of known kinds."""
    steps = definition.get("steps", [])
    if not isinstance(steps, list) or len(steps) > _MAX_STEPS:
        raise invalid(f"definition.steps must be a list of at most {_MAX_STEPS} steps")
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or len(step) != 1:
            raise invalid(f"step {number} must be an object with one key, the kind of step")
        kind, body = next(iter(step.items()))
        if kind not in _KINDS:
            raise invalid(f"step {number} is of the unknown kind {kind[:60]!r}; known are {', '.join(sorted(_KINDS))}")
        if not isinstance(body, dict):
            raise invalid(f"step {number} ({kind}) must hold an object")


def models_named(value: Any) -> Iterator[ModelRef]:
    """Every model that a definition, or a part of one, names."""
    if isinstance(value, list):
        for item in value:
            yield from models_named(item)
    elif isinstance(value, dict):
        if value.keys() >= _MODEL_KEYS and all(isinstance(value[key], str) for key in _MODEL_KEYS):
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


def steps_planned(definition: dict[str, Any]) -> tuple[list[ModelRef], Plan]:
    """The models of a list of steps, one after another, and their plan."""
    refs = [_one_model(number, step) for number, step in enumerate(definition.get("steps", []))]
    return refs, plan({"kind": "chain", "nodes": [model(ref.name, place) for place, ref in enumerate(refs)]})


def _one_model(number: int, step: dict[str, Any]) -> ModelRef:
    kind, body = next(iter(step.items()))
    if kind != "ModelInference":
        raise _not_served(number, f"of kind {kind}")
    models = list(models_named(body.get("models")))
    if len(models) != 1:
        raise _not_served(number, f"with {len(models)} models")
    return models[0]


def _not_served(number: int, what: str) -> DomainError:
    return failed_precondition(
        f"step {number} is {what}, which this server cannot serve yet; it serves ModelInference steps with one model"
    )
