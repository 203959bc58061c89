"""Whether the steps of a data flow fit together, by the specs of what they take and give."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.binding import compatible, joinable, link
from modelyard.core.serving.graph.wiring import Flow, Join, Specs, Wire, Wiring, joins_of, misplaced, pulled, together
from modelyard.core.serving.signature import TensorSpec

Named = dict[str, TensorSpec]


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
    raise misplaced(wire.place, f"the step has no input {name!r}, only {known}; rename it with tensorMap")


def _add(request: Named, name: str, spec: TensorSpec, place: str) -> None:
    """The request brings this column; steps that take it in different types get the widest."""
    known = request.get(name)
    if known is None:
        request[name] = TensorSpec(name, spec.dtype, spec.shape)
        return
    if not compatible(known, spec):
        raise misplaced(place, f"two steps take {name!r} of the request differently: {known} and {spec}")
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
        raise misplaced(wire.place, f"{wire.label} has no tensor {wire.tensor!r}, only {known}")


def _check_fits(brought: Named, takes: Specs, place: str) -> None:
    given = [TensorSpec(name, spec.dtype, spec.shape) for name, spec in brought.items()]
    if not given or not takes or joinable(given, takes):
        return
    try:
        link(given, takes)
    except DomainError as error:
        wanted, got = "; ".join(map(str, takes)), "; ".join(map(str, given))
        raise misplaced(place, f"the step takes {wanted}; what it is given is {got}") from error
