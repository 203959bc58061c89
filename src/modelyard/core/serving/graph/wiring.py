"""How the steps of a data flow feed one another: what a step gets, at run time and, by specs alone, beforehand.

The same functions pull arrays and specs: a flow maps names to either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.graph.binding import compatible, joinable, link
from modelyard.core.serving.signature import TensorSpec

T = TypeVar("T")
Specs = tuple[TensorSpec, ...]
Named = dict[str, TensorSpec]


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


def wired(node: Mapping[str, Any], takes: Sequence[Specs], gives: Sequence[Specs]) -> Wiring:
    """The wiring of a node whose steps take and give this (() where it is not known).

    ``INVALID`` names the place of a wire that brings what is not there or does not fit.
    """
    wiring = joins_of(node)
    flow: Flow[TensorSpec] = Flow({}, [None] * len(takes), [None] * len(takes))
    for at, join in enumerate(wiring.inputs):
        _ask_of_request(join, takes[at], flow)
        flow.fed[at] = _fed(join, takes[at], flow, node["steps"][at]["place"])
        flow.gave[at] = _named(gives[at])
    for join in (*wiring.triggers, wiring.output):
        for wire in join.wires:
            _there(wire, flow)
    first = wiring.output.wires[0] if wiring.output.wires else None
    out = pulled(first, flow) if wiring.output.first and first else together(wiring.output, flow)
    outputs = tuple(TensorSpec(name, spec.dtype, spec.shape) for name, spec in (out or {}).items())
    return Wiring(wiring.inputs, wiring.triggers, wiring.output, tuple(flow.request.values()), outputs)


def _join(wires: Sequence[Mapping[str, Any]], kind: str, known: Sequence[str]) -> Join:
    return Join(tuple(_wire(wire, known) for wire in wires), kind == "any")


def _wire(wire: Mapping[str, Any], known: Sequence[str]) -> Wire:
    source = wire["from"]
    if source is not None and source not in known:
        raise _wrong(wire["place"], f"there is no step {source!r} before this one")
    step = None if source is None else known.index(source)
    return Wire(step, wire["side"] == "inputs", wire["tensor"], wire["rename"], source or "request", wire["place"])


def _named(specs: Specs) -> Named:
    return {spec.name: spec for spec in specs}


def _ask_of_request(join: Join, takes: Specs, flow: Flow[TensorSpec]) -> None:
    """Add to the request what the step wants of it."""
    brought = {name for wire in join.wires if wire.step is not None for name in pulled(wire, flow) or {}}
    asked = [wire for wire in join.wires if wire.step is None]
    for wire in asked:
        if wire.tensor is None:
            back = {new: old for old, new in wire.rename.items()}
            for spec in takes:
                if spec.name not in brought:
                    _add(flow.request, back.get(spec.name, spec.name), spec, wire.place)
        else:
            _add(flow.request, wire.tensor, _wanted(wire, join, takes), wire.place)


def _wanted(wire: Wire, join: Join, takes: Specs) -> TensorSpec:
    """The input that a column of the request goes to: of the same name, or the step's only one."""
    assert wire.tensor is not None  # noqa: S101  # as the caller made sure
    name = wire.rename.get(wire.tensor, wire.tensor)
    for spec in takes:
        if spec.name == name:
            return spec
    if len(takes) == 1 and (join.first or len(join.wires) == 1):
        return takes[0]
    known = ", ".join(repr(spec.name) for spec in takes)
    raise _wrong(wire.place, f"the step has no input {name!r}, only {known}; rename it with tensorMap")


def _add(request: Named, name: str, spec: TensorSpec, place: str) -> None:
    """The request brings this column; steps that take it in different types get the widest."""
    known = request.get(name)
    if known is None:
        request[name] = TensorSpec(name, spec.dtype, spec.shape)
        return
    if not compatible(known, spec):
        raise _wrong(place, f"two steps take {name!r} of the request differently: {known} and {spec}")
    if known.dtype != spec.dtype:
        request[name] = TensorSpec(name, str(np.result_type(known.dtype, spec.dtype)), known.shape)


def _fed(join: Join, takes: Specs, flow: Flow[TensorSpec], place: str) -> Named:
    """What the step is fed, where all of it arrives; each wire for itself where the first one counts."""
    for wire in join.wires:
        _there(wire, flow)
    brought = [pulled(wire, flow) or {} for wire in join.wires] if join.first else [together(join, flow) or {}]
    for each, at in zip(brought, [wire.place for wire in join.wires], strict=False):
        _check_fits(each, takes, at if join.first else place)
    return {name: spec for each in reversed(brought) for name, spec in each.items()}


def _there(wire: Wire, flow: Flow[TensorSpec]) -> None:
    """What the wire asks for exists, as far as that can be known."""
    source = flow.request if wire.step is None else (flow.fed if wire.given else flow.gave)[wire.step]
    if source and wire.tensor is not None and wire.tensor not in source:
        known = ", ".join(map(repr, source))
        raise _wrong(wire.place, f"{wire.label} has no tensor {wire.tensor!r}, only {known}")


def _check_fits(brought: Named, takes: Specs, place: str) -> None:
    given = [TensorSpec(name, spec.dtype, spec.shape) for name, spec in brought.items()]
    if not given or not takes or joinable(given, takes):
        return
    try:
        link(given, takes)
    except DomainError as error:
        wanted, got = "; ".join(map(str, takes)), "; ".join(map(str, given))
        raise _wrong(place, f"the step takes {wanted}; what it is given is {got}") from error


def _wrong(place: str, why: str) -> DomainError:
    return invalid(f"{place}: {why}", field=place)
