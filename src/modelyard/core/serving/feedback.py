"""Feedback: who was right, which the routers that choose by it are to know."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Existing, Topic, Tx
from modelyard.core.serving.entities import Feedback, RouterReward
from modelyard.core.serving.graph.plan import Node, Plan, nodes_of
from modelyard.core.serving.graph.routers import ALL, NONE
from modelyard.core.serving.places import served

Routing = Mapping[str, int | list[int]]
"""The place that each router chose: for all rows, or for each row."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of an answer.

    ``reward`` in [0, 1] is the share of the ``rows`` that were right. A router that ``routing`` does not name is taken
    to have chosen all its nodes; ``path`` are the nodes that answered, where that is known.
    """

    reward: float
    rows: int = 1
    request_id: str | None = None
    routing: Routing = field(default_factory=dict)
    path: frozenset[str] = frozenset()
    truth: Any = None


def give_feedback(tx: Tx, actor: Actor, namespace: str, name: str, said: Said) -> Feedback:
    """Keep what is said, and count it for every router on the way of the answer.

    ``INVALID`` for a reward that is no share, and for routing that the deployment cannot have had.
    """
    pipeline, deployment = served(tx, actor, namespace, name, Permission.PIPELINE_INFER)
    if not (math.isfinite(said.reward) and 0 <= said.reward <= 1):
        raise invalid("reward must be a number from 0 to 1: the share of the rows that were right")
    _check(deployment.plan, said.routing)
    counted = dict(_counted(deployment.plan, said))
    for branch, tries in counted.items():
        _count(tx, pipeline.id, branch, {place: (n, int(said.reward * n)) for place, n in tries.items()})
    if counted:
        tx.touch(Topic.ROUTERS)
    routing = dict(said.routing)
    return tx.insert(
        Feedback(0, pipeline.workspace_id, pipeline.id, said.request_id, said.reward, routing, said.truth, tx.now)
    )


def _check(plan: Plan, routing: Routing) -> None:
    branches = {node["name"]: len(node["nodes"]) for node in nodes_of(plan) if node["kind"] == "branch"}
    for name, choice in routing.items():
        if name not in branches:
            known = ", ".join(map(repr, branches)) or "none"
            raise invalid(f"routing names {name[:60]!r}, which is no branch of the deployment; there are {known}")
        for place in [choice] if isinstance(choice, int) else choice:
            if not NONE <= place < branches[name]:
                raise invalid(f"routing of {name!r}: there is no node {place}; it has {branches[name]}, from 0 on")


def _counted(plan: Plan, said: Said) -> Iterator[tuple[str, dict[int, int]]]:
    """For each router on the way, how many rows each of its nodes answered."""
    for node in (target["node"] for target in plan["targets"]):
        if not said.path or said.path & {each["name"] for each in nodes_of(node) if "name" in each}:
            yield from _on_the_way(node, said)


def _on_the_way(node: Node, said: Said) -> Iterator[tuple[str, dict[int, int]]]:
    nodes: Sequence[Node] = node.get("nodes", [])
    if node["kind"] == "branch":
        tries = _tries(said.routing.get(node["name"], ALL), said.rows, len(nodes))
        if node["router"]:
            yield node["name"], tries
        nodes = [nodes[place] for place in tries]
    for each in nodes:
        yield from _on_the_way(each, said)


def _tries(choice: int | list[int], rows: int, nodes: int) -> dict[int, int]:
    if choice == ALL:
        return dict.fromkeys(range(nodes), rows)
    if isinstance(choice, list):
        return {place: choice.count(place) for place in sorted(set(choice)) if place >= 0}
    return {} if choice == NONE else {choice: rows}


def _count(tx: Tx, pipeline_id: int, branch: str, said: Mapping[int, tuple[int, int]]) -> None:
    fresh = [RouterReward(0, pipeline_id, branch, place, 0, 0) for place in said]
    known = tx.find(RouterReward, pipeline_id=pipeline_id, branch=branch)
    if not said.keys() <= {row.place for row in known}:
        tx.insert_all(fresh, existing=Existing.KEEP)
        known = tx.find(RouterReward, pipeline_id=pipeline_id, branch=branch)
    for row in known:
        if row.place in said:
            tx.update(RouterReward, row.id, partial(_more, said=said[row.place]))


def _more(row: RouterReward, said: tuple[int, int]) -> RouterReward:
    return replace(row, tries=row.tries + said[0], rights=row.rights + said[1])
