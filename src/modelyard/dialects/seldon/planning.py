"""From a manifest to a plan of the graph engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.plan import (
    Node,
    Plan,
    Router,
    branch,
    by_model,
    by_reward,
    by_weight,
    chain,
    model,
    target,
)
from modelyard.dialects.seldon.manifests import Manifest, Predictor, Unit
from modelyard.dialects.seldon.servers import IMPLEMENTATIONS

_CONSTANT = [0.1, 0.9, 0.5]
"""What SIMPLE_MODEL answers to each row."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model that a unit asks for."""

    uri: str
    secret: str | None
    implementation: str
    place: str


def sources(manifest: Manifest) -> list[Source]:
    """The models that the manifest asks for, each once."""
    found: dict[tuple[str, str | None], Source] = {}
    for predictor in manifest.predictors:
        for unit in predictor.graph.all():
            if unit.model_uri is not None:
                source = Source(unit.model_uri, unit.secret, unit.implementation or "", f"{unit.place}.modelUri")
                found.setdefault((source.uri, source.secret), source)
    return list(found.values())


def plan_of(manifest: Manifest, asked: Sequence[Source]) -> Plan:
    """The plan; the models have the places that they have in ``asked``."""
    planner = _Planner({(source.uri, source.secret): place for place, source in enumerate(asked)})
    answering = [predictor for predictor in manifest.predictors if not predictor.shadow]
    shadow = next((predictor for predictor in manifest.predictors if predictor.shadow), None)
    return {
        "targets": [target(p.name, _weight(p, answering), planner.node(p.graph)) for p in answering],
        "shadow": _shadow(shadow, planner.node(shadow.graph)) if shadow else None,
    }


def _weight(predictor: Predictor, answering: Sequence[Predictor]) -> int:
    return 100 if len(answering) == 1 else predictor.traffic


def _shadow(shadow: Predictor, node: Node) -> dict[str, Any]:
    """A shadow without a percentage gets a copy of everything."""
    return {"name": shadow.name, "percent": shadow.traffic or 100, "node": node}


class _Planner:
    def __init__(self, places: Mapping[tuple[str, str | None], int]) -> None:
        self._places = places

    def node(self, unit: Unit) -> Node:
        """The unit and what is below it."""
        children = [self.node(child) for child in unit.children]
        if unit.kind == "ROUTER":
            return branch(unit.name, children, self._router(unit))
        if unit.kind == "COMBINER":
            combine = "average" if unit.implementation == "AVERAGE_COMBINER" else {"model": self._place(unit)}
            return branch(unit.name, children, None, combine)
        below = [_beside(unit, children)] if children else []
        if unit.kind == "OUTPUT_TRANSFORMER":
            return chain([*below, self._leaf(unit)])
        return chain([self._leaf(unit), *below])

    def _leaf(self, unit: Unit) -> Node:
        if unit.implementation == "SIMPLE_MODEL":
            return {"kind": "constant", "name": unit.name, "values": _CONSTANT}
        return model(unit.name, self._place(unit))

    def _place(self, unit: Unit) -> int:
        return self._places[unit.model_uri or "", unit.secret]

    def _router(self, unit: Unit) -> Router:
        if unit.implementation == "SIMPLE_ROUTER":
            return by_weight([1, *[0] * (len(unit.children) - 1)])
        if unit.implementation == "RANDOM_ABTEST":
            ratio = _fraction(unit, "ratioA", 0.5)
            return by_weight([ratio, 1 - ratio])
        if IMPLEMENTATIONS[unit.implementation or ""].bandit:
            policy = "thompson" if unit.implementation == "THOMPSON_SAMPLING" else "epsilon_greedy"
            return by_reward(policy, _fraction(unit, "epsilon", 0.1))
        return by_model(self._place(unit))


def _beside(unit: Unit, children: list[Node]) -> Node:
    """Several units below one that neither routes nor combines: all are asked, the first one answers."""
    return children[0] if len(children) == 1 else branch(unit.name, children)


def _fraction(unit: Unit, name: str, default: float) -> float:
    text = unit.parameters.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise invalid(f"{unit.place}.parameters: {name} must be a number from 0 to 1, got {text!r}", field=unit.place)
    return value
