"""How the steps of a data flow feed one another: what a step gets.

The same functions pull arrays while a flow runs and, beforehand, specs (see ``flow_checks``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec

T = TypeVar("T")
Specs = tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """From a step (by its place; None is the request) to another: what it gives, or what it was given.

    ``tensor`` None means all of them; ``rename`` gives them other names; ``label`` tells tensors of one name apart;
    ``place`` is where the wire stands in the document.
    """

    step: int | None
    given: bool
    tensor: str | None
    rename: Mapping[str, str]
    label: str
    place: str


@dataclass(frozen=True, slots=True)
class Join:
    """What several wires bring together: all of it, or with ``first`` what the first wire brings that brings any."""

    wires: tuple[Wire, ...]
    first: bool


@dataclass(slots=True)
class Flow(Generic[T]):
    """What is known while a data flow runs: the request, and what each step was given and gave; None is nothing."""

    request: dict[str, T]
    fed: list[dict[str, T] | None]
    gave: list[dict[str, T] | None]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The joins of a data flow, one of inputs and one of triggers for each step, and what goes in and comes out."""

    inputs: tuple[Join, ...]
    triggers: tuple[Join, ...]
    output: Join
    request: Specs = field(default=())
    outputs: Specs = field(default=())


def joins_of(node: Mapping[str, Any]) -> Wiring:
    """The joins of a plan's node; ``INVALID`` for a step that refers to itself or to a later one."""
    names = [step["name"] for step in node["steps"]]
    joins = [
        (_join(step["inputs"], step["join"], names[:at]), _join(step["triggers"], step["triggers_join"], names[:at]))
        for at, step in enumerate(node["steps"])
    ]
    output = _join(node["output"]["inputs"], node["output"]["join"], names)
    return Wiring(tuple(inputs for inputs, _ in joins), tuple(triggers for _, triggers in joins), output)


def pulled(wire: Wire, flow: Flow[T]) -> dict[str, T] | None:
    """What the wire brings; None when that is nothing."""
    source = flow.request if wire.step is None else (flow.fed if wire.given else flow.gave)[wire.step]
    if source is None:
        return None
    if wire.tensor is not None:
        source = {wire.tensor: source[wire.tensor]} if wire.tensor in source else {}
    return {wire.rename.get(name, name): value for name, value in source.items()} or None


def together(join: Join, flow: Flow[T]) -> dict[str, T] | None:
    """What the join brings; tensors of one name are told apart by where they come from, as ``step.tensor``."""
    parts = [pulled(wire, flow) for wire in join.wires]
    if join.first:
        return next((part for part in parts if part is not None), None)
    if None in parts:
        return None
    found: dict[str, dict[tuple[Any, ...], T]] = {}
    for wire, part in zip(join.wires, parts, strict=True):
        for name, value in (part or {}).items():
            found.setdefault(name, {})[wire.label, wire.given] = value
    return {
        name if len(values) == 1 else f"{label}.{name}": value
        for name, values in found.items()
        for (label, _), value in values.items()
    }


def open_to(join: Join, flow: Flow[T]) -> bool:
    """Whether the triggers let the step run; where there are none, they do."""
    brought = [pulled(wire, flow) is not None for wire in join.wires]
    return not brought or (any(brought) if join.first else all(brought))


def needed(wiring: Wiring) -> set[int]:
    """The places of the steps that lead to the output."""
    found: set[int] = set()
    todo = [wire.step for wire in wiring.output.wires]
    while todo:
        step = todo.pop()
        if step is not None and step not in found:
            found.add(step)
            todo += [wire.step for join in (wiring.inputs[step], wiring.triggers[step]) for wire in join.wires]
    return found


def _join(wires: Sequence[Mapping[str, Any]], kind: str, known: Sequence[str]) -> Join:
    return Join(tuple(_wire(wire, known) for wire in wires), kind == "any")


def _wire(wire: Mapping[str, Any], known: Sequence[str]) -> Wire:
    source = wire["from"]
    if source is not None and source not in known:
        raise misplaced(wire["place"], f"there is no step {source!r} before this one")
    step = None if source is None else known.index(source)
    return Wire(step, wire["side"] == "inputs", wire["tensor"], wire["rename"], source or "request", wire["place"])


def misplaced(place: str, why: str) -> DomainError:
    """The refusal of what stands at a place in a document."""
    return invalid(f"{place}: {why}", field=place)
