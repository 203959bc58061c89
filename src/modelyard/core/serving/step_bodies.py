"""What each kind of step must hold; ``INVALID`` says what is wrong with it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.expressions.parsing import parse

MODEL_KEYS = {"name", "version", "sha"}
_MOST_MODELS = 100
_MOST_CHECKS = 100


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model version as a step names it."""

    name: str
    version: str
    sha: str


def check_body(kind: str, body: Mapping[str, Any]) -> None:
    """Whether a step of this kind can hold this."""
    BODIES[kind](body)


def ref(value: object) -> ModelRef:
    """A model version: ``{"name", "version", "sha"}``."""
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in MODEL_KEYS):
        raise invalid("a model is named by its name, version and sha")
    return ModelRef(value["name"], value["version"], value["sha"])


def refs_in(values: object) -> list[ModelRef]:
    """One or more models."""
    return [ref(value) for value in _some("models", values)]


def weighted_models(body: Mapping[str, Any]) -> list[tuple[ModelRef, float]]:
    """The models of a ``RandomSplit`` with their weights, of which one at least is above 0."""
    pairs = []
    for each in _some("weights", body.get("weights")):
        weight = each.get("weight") if isinstance(each, dict) else None
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            raise invalid(f"a weight must be a number, and at least 0: {weight!r}")
        pairs.append((ref(each.get("model")), float(weight)))
    if not any(weight for _, weight in pairs):
        raise invalid("all weights are 0: no model would ever answer")
    return pairs


def numbered_models(body: Mapping[str, Any]) -> dict[int, ModelRef]:
    """The models of a ``RowsToModels`` by the numbers of their rows."""
    found: dict[int, ModelRef] = {}
    for each in _some("rows_to_models", body.get("rows_to_models")):
        row = _whole("row_index", each.get("row_index") if isinstance(each, dict) else None)
        if row in found:
            raise invalid(f"row {row} has two models")
        found[row] = ref(each.get("model"))
    return found


def column_places(body: Mapping[str, Any]) -> list[int]:
    """The places of a ``ColumnsSelect``, each once, as a column has one name."""
    places = [_whole("columns", place) for place in _some("columns", body.get("columns"), most=10_000)]
    if len(set(places)) < len(places):
        raise invalid("a column is selected twice")
    return places


def _random_split(body: Mapping[str, Any]) -> None:
    weighted_models(body)
    key = body.get("hash_key")
    if key is not None and not isinstance(key, str):
        raise invalid("hash_key must be the name of a column")


def _value_split(body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("split_key"), str):
        raise invalid("split_key must be the name of a column")
    if not isinstance(body.get("routes"), dict):
        raise invalid("routes must be an object of one model a value")
    for model in (body.get("control"), *body["routes"].values()):
        ref(model)


def _audit(body: Mapping[str, Any]) -> None:
    for key in ("from", "to"):
        value = body.get(key)
        if not (isinstance(value, int) and not isinstance(value, bool)) and (key == "from" or value is not None):
            raise invalid(f"{key} must be a whole number")


def _check(body: Mapping[str, Any]) -> None:
    names = [parse(text).name for text in _some("tree", body.get("tree"), most=_MOST_CHECKS, least=0)]
    for name in names:
        if name == "count" or names.count(name) > 1:
            raise invalid(f"{name!r} cannot be the name of a validation: it is taken")


def _some(name: str, values: object, most: int = _MOST_MODELS, least: int = 1) -> Iterable[Any]:
    if not isinstance(values, list) or not least <= len(values) <= most:
        raise invalid(f"{name} must be a list of {least} to {most}")
    return values


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid(f"{name} must be whole numbers from 0: {value!r}")
    return value


BODIES: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "ModelInference": lambda body: refs_in(body.get("models")),
    "RandomSplit": _random_split,
    "MetaValueSplit": _value_split,
    "RowsToModels": numbered_models,
    "AuditResults": _audit,
    "Check": _check,
    "ColumnsSelect": column_places,
    "ColumnsToRows": lambda _: None,
    "Average": lambda _: None,
    "Nth": lambda body: _whole("index", body.get("index")),
    "MultiOut": lambda _: None,
}
"""The kinds of steps there are, and what looks at their bodies."""
