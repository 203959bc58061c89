"""From a Pipeline's document to a data flow of the graph engine. Every refusal names the field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.names import label
from modelyard.core.serving.graph import plan
from modelyard.dialects.seldon.fields import a_list, an_object, one_of, whole, wrong

REQUEST = "pipeline"
"""What documents call the request, beside the pipeline's own name."""
_MOST = 100
_JOINS = {"inner": "all", "any": "any"}
_LONGEST_WAIT = 999_999_999

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    wires: dict[str, Any]
    place: str

    @property
    def sources(self) -> set[str]:
        """The steps that this one waits for."""
        found = [wire["from"] for wire in [*self.wires["inputs"], *self.wires["triggers"]]]
        return {name for name in found if name is not None}


def flow_of(name: str, spec: Mapping[str, Any]) -> plan.Node:
    """The data flow that a Pipeline of this name describes; its models are yet to be found, see ``serving.using``."""
    if spec.get("input"):
        raise invalid("spec.input: a pipeline cannot be fed by other pipelines here", field="spec.input")
    given = a_list(spec.get("steps"), "spec.steps")
    if not 0 < len(given) <= _MOST:
        raise invalid(f"spec.steps must list 1 to {_MOST} steps, got {len(given)}", field="spec.steps")
    reader = _Reader(name, _names(given))
    steps = _sorted([reader.step(step, f"spec.steps[{at}]") for at, step in enumerate(given)])
    nodes = [{"kind": "use", "name": step.name, "place": f"{step.place}.name"} for step in steps]
    output, join = reader.output(spec.get("output"))
    return plan.dataflow(name, nodes, [step.wires for step in steps], output, join)


def step_names(document: Mapping[str, Any]) -> list[str]:
    """The names of a Pipeline's steps, which are those of its models."""
    return [step["name"] for step in document["spec"]["steps"]]


def ignored_fields(document: Mapping[str, Any]) -> list[str]:
    """The fields that have no effect where nothing is waited for."""
    spec = document["spec"]
    found = [f"spec.steps[{at}].joinWindowMs" for at, step in enumerate(spec["steps"]) if step.get("joinWindowMs")]
    if spec["output"].get("joinWindowMs"):
        found.append("spec.output.joinWindowMs")
    return found + [f"spec.{field}" for field in spec if field not in ("steps", "output") and spec[field]]


def renamed(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The document for a pipeline of another name: what refers to its own request still does."""
    spec = {key: _renamed(value, f"{old}.inputs", f"{REQUEST}.inputs") for key, value in document["spec"].items()}
    return {**document, "metadata": {**document["metadata"], "name": new}, "spec": spec}


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, old, new) for each in value]
    refers = isinstance(value, str) and (value == old or value.startswith(f"{old}."))
    return new + value[len(old) :] if refers else value


def _names(steps: Sequence[Any]) -> list[str]:
    names: list[str] = []
    for at, step in enumerate(steps):
        place = f"spec.steps[{at}]"
        name = an_object(step, place).get("name")
        if not isinstance(name, str) or not name:
            raise invalid(f"{place}.name is missing: name the model that the step runs", field=f"{place}.name")
        label("step", name)
        if name in names or name == REQUEST:
            why = (
                f"means the request: rename the model {name!r}" if name == REQUEST else f"is {name!r} for a second time"
            )
            raise invalid(f"{place}.name {why}", field=f"{place}.name")
        names.append(name)
    return names


def _sorted(steps: Sequence[_Step]) -> list[_Step]:
    """Each step behind those that it waits for."""
    by_name = {step.name: step for step in steps}
    try:
        return [by_name[name] for name in TopologicalSorter({s.name: s.sources for s in steps}).static_order()]
    except CycleError as error:
        cycle: list[str] = error.args[1]
        place = f"{by_name[cycle[0]].place}.inputs"
        raise invalid(f"{place}: the steps wait for one another: {' <- '.join(cycle)}", field=place) from error


class _Reader:
    """Reads the steps of one pipeline."""

    def __init__(self, name: str, steps: Sequence[str]) -> None:
        self._request = {REQUEST, name} - set(steps)
        self._steps = frozenset(steps)

    def step(self, given: Mapping[str, Any], place: str) -> _Step:
        """One step and how it is fed."""
        if given.get("batch"):
            raise invalid(f"{place}.batch: requests are not collected here; send rows together", field=f"{place}.batch")
        whole(f"{place}.joinWindowMs", given.get("joinWindowMs"), 0, _LONGEST_WAIT)
        inputs = self._wires(given.get("inputs"), f"{place}.inputs")
        inputs = inputs or [plan.wire(None, place=place)]
        _rename(inputs, self._map(given.get("tensorMap"), f"{place}.tensorMap"), f"{place}.tensorMap")
        wires = plan.wires(
            given["name"],
            inputs,
            _join(given.get("inputsJoinType"), f"{place}.inputsJoinType"),
            triggers=self._wires(given.get("triggers"), f"{place}.triggers"),
            triggers_join=_join(given.get("triggersJoinType"), f"{place}.triggersJoinType"),
            place=place,
        )
        return _Step(given["name"], wires, place)

    def output(self, given: Any) -> tuple[list[Wire], str]:
        """What the answer is made of, and how."""
        body = an_object(given or {}, "spec.output")
        whole("spec.output.joinWindowMs", body.get("joinWindowMs"), 0, _LONGEST_WAIT)
        found = self._wires(body.get("steps"), "spec.output.steps")
        if not found:
            raise invalid("spec.output.steps is missing: name the steps that answer", field="spec.output.steps")
        _rename(found, self._map(body.get("tensorMap"), "spec.output.tensorMap"), "spec.output.tensorMap")
        return found, _join(body.get("stepsJoin"), "spec.output.stepsJoin")

    def _wires(self, given: Any, place: str) -> list[Wire]:
        names = a_list(given, place)
        if len(names) > _MOST:
            raise invalid(f"{place}: at most {_MOST}, got {len(names)}", field=place)
        return [self._wire(name, f"{place}[{at}]") for at, name in enumerate(names)]

    def _wire(self, given: Any, place: str) -> Wire:
        """``step``, ``step.outputs``, ``step.outputs.tensor``, the same with inputs; the request has inputs alone."""
        if not isinstance(given, str) or not given:
            raise wrong(place, given, "the name of a step, as step, step.outputs or step.outputs.tensor")
        source, _, rest = given.partition(".")
        side, _, tensor = rest.partition(".")
        asked = source in self._request
        if not asked and source not in self._steps:
            known = ", ".join(sorted(self._steps))
            raise invalid(f"{place} {given[:200]!r}: there is no step {source[:100]!r}, only {known}", field=place)
        side = one_of(
            place, side or ("inputs" if asked else "outputs"), ("inputs",) if asked else ("inputs", "outputs")
        )
        return plan.wire(None if asked else source, tensor or None, "outputs" if asked else side, place=place)

    def _map(self, given: Any, place: str) -> list[tuple[Wire, str]]:
        found = [(self._wire(key, place), name) for key, name in an_object(given or {}, place).items()]
        for wire, name in found:
            if wire["tensor"] is None or not isinstance(name, str) or not name:
                raise invalid(f"{place}: map step.outputs.tensor to the name of a tensor", field=place)
        names = [name for _, name in found]
        if len(set(names)) < len(names):
            raise invalid(f"{place}: two tensors cannot have one name", field=place)
        return found


def _join(given: Any, place: str) -> str:
    if given == "outer":
        raise invalid(f"{place} 'outer' is not supported: nothing is waited for here; use inner or any", field=place)
    return _JOINS[one_of(place, given or "inner", tuple(_JOINS))]


def _rename(wires: Sequence[Wire], names: Sequence[tuple[Wire, str]], place: str) -> None:
    for asked, name in names:
        matching = [
            wire
            for wire in wires
            if (wire["from"], wire["side"]) == (asked["from"], asked["side"])
            and wire["tensor"] in (None, asked["tensor"])
        ]
        if not matching:
            shown = f"{asked['from'] or REQUEST}.{asked['tensor']}"
            raise invalid(f"{place}: {shown} is none of the inputs", field=place)
        for wire in matching:
            wire["rename"] = {**wire["rename"], asked["tensor"]: name}
