"""Plans: how the models of a deployment work together, as JSON types.

A plan is ``{"targets": [Target, …], "shadow": Shadow or None}``: one target answers each request, drawn by weight.
``Target`` is ``{"name", "weight", "node"}``, ``Shadow`` is ``{"name", "percent", "node"}``: it gets a copy of that
share of the requests, and what it answers is logged and thrown away.

A node is one of

- ``{"kind": "model", "name", "model": place in the deployment's models}``
- ``{"kind": "chain", "nodes": [Node, …], "name": optional}``: each takes what the one before it gives
- ``{"kind": "branch", "name", "router": Router or None, "combine": Combine, "nodes": [Node, …], "told": bool}``:
  some or all of them take the same, and their answers become one; ``told`` that the answer says whom the router chose
- ``{"kind": "columns", "name", "places": [place, …], "apart": bool}``: some of the columns, by their places
- ``{"kind": "checked", "nodes": [Node], "checks": [{"name", "expression"}, …]}``: what the node answers is looked at by
  expressions, see ``serving.expressions``
- ``{"kind": "constant", "values": [number, …]}``: answers the same for each row
- ``{"kind": "dataflow", "name", "nodes": [Node, …], "steps": [Wires, …], "output": {"inputs": [Wire, …], "join"}}``:
  nodes that feed one another, each behind those that it is fed by; see ``dataflow``

A router chooses one node of a branch, see ``routers``; a branch without one runs all. ``Combine`` is the name of a way
to make one answer of many, see ``combiners``, or ``{"model": place}``, ``{"nth": place}``, or
``{"audit": [place, …], "then": Combine}``: the answers at these places stand beside the one.

``Wires`` say how a step of a data flow is fed: ``{"name", "inputs": [Wire, …], "join", "triggers": [Wire, …],
"triggers_join", "place"}``; a join is "all", or "any" for the first that brings something. A ``Wire`` is
``{"from": step or None for the request, "side": "outputs" or "inputs", "tensor": name or None for all, "rename":
{tensor: name}, "place"}``; a place is where this stands in the document, for messages.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Plan = dict[str, Any]
Node = dict[str, Any]
Router = dict[str, Any]
Combine = str | dict[str, Any]


def plan(node: Node) -> Plan:
    """One target that answers everything."""
    return {"targets": [target("", 100, node)], "shadow": None}


def target(name: str, weight: float, node: Node) -> dict[str, Any]:
    """A target that gets its weight's share of the sum of all weights; 0 means never."""
    return {"name": name, "weight": weight, "node": node}


def model(name: str, place: int) -> Node:
    """A model."""
    return {"kind": "model", "name": name, "model": place}


def chain(nodes: Sequence[Node], name: str | None = None) -> Node:
    """One after another; together they have the name of the first unless they have their own."""
    return nodes[0] if len(nodes) == 1 else {"kind": "chain", "nodes": list(nodes), "name": name}


def branch(
    name: str, nodes: Sequence[Node], router: Router | None = None, combine: Combine = "first", *, told: bool = False
) -> Node:
    """One node that the router chooses, or all of them."""
    return {"kind": "branch", "name": name, "router": router, "combine": combine, "nodes": list(nodes), "told": told}


def columns(name: str, places: Sequence[int], *, apart: bool = False) -> Node:
    """Some of the columns; ``apart`` takes one of them out of its table."""
    return {"kind": "columns", "name": name, "places": list(places), "apart": apart}


def checked(node: Node, checks: Mapping[str, str]) -> Node:
    """The node with validations: expressions by their names."""
    listed = [{"name": name, "expression": expression} for name, expression in checks.items()]
    return {"kind": "checked", "nodes": [node], "checks": listed}


def wire(source: str | None, tensor: str | None = None, side: str = "outputs", **more: Any) -> dict[str, Any]:
    """What a step of a data flow gives, or was given; ``more`` are ``rename`` and ``place``."""
    return {"from": source, "side": side, "tensor": tensor, "rename": {}, "place": "", **more}


def wires(name: str, inputs: Sequence[dict[str, Any]], join: str = "all", **more: Any) -> dict[str, Any]:
    """How a step of a data flow is fed; ``more`` are ``triggers``, ``triggers_join`` and ``place``."""
    return {
        "name": name,
        "inputs": list(inputs),
        "join": join,
        "triggers": [],
        "triggers_join": "all",
        "place": "",
        **more,
    }


def dataflow(  # the steps' nodes and wires, and the output's
    name: str,
    nodes: Sequence[Node],
    steps: Sequence[dict[str, Any]],
    output: Sequence[dict[str, Any]],
    join: str = "all",
) -> Node:
    """Nodes that feed one another."""
    out = {"inputs": list(output), "join": join}
    return {"kind": "dataflow", "name": name, "nodes": list(nodes), "steps": list(steps), "output": out}


def by_weight(weights: Sequence[float], hash_key: str | None = None) -> Router:
    """Drawn by weight; with ``hash_key`` each row by that column's value, the same for the same value."""
    return {"by": "weight", "weights": list(weights), "hash_key": hash_key}


def by_value(key: str, values: Sequence[str]) -> Router:
    """Each row by the value of a column: ``values`` belong to the nodes 1, 2, …; any other value to node 0."""
    return {"by": "value", "key": key, "values": list(values)}


def by_row(places: Mapping[int, int]) -> Router:
    """Each row by its number: ``places`` are the nodes of rows."""
    return {"by": "row", "places": [[row, place] for row, place in places.items()]}


def by_reward(policy: str, epsilon: float | None = None) -> Router:
    """By what feedback said of the nodes so far: ``epsilon_greedy`` or ``thompson``."""
    return {"by": "reward", "policy": policy, "epsilon": epsilon}


def by_model(place: int) -> Router:
    """By the first number that a model gives: a node's place, -1 for all of them, -2 for none."""
    return {"by": "model", "model": place}


def nodes_of(part: Plan | Node) -> Iterator[Node]:
    """The nodes in a plan or below a node, the outer ones first."""
    if "targets" in part:
        for each in [*part["targets"], *([part["shadow"]] if part["shadow"] else [])]:
            yield from nodes_of(each["node"])
        return
    yield part
    for node in part.get("nodes", []):
        yield from nodes_of(node)
