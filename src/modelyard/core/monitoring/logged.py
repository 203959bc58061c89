"""Whose log it is: pipelines by their place in URLs, and the parts of their plans that rows belong to."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from modelyard.core.access.check import visible
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.inference_log import LogReader, RequestQuery, Stream, Tally
from modelyard.core.serving.entities import Deployment, Form, Pipeline
from modelyard.core.serving.graph.plan import Plan, nodes_of
from modelyard.core.serving.pipelines import OWN, pipeline_at

ONLY = "default"
"""What the only target of a pipeline is called that has no name of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one target: ``predictor`` is its name, ``nodes`` those of its nodes, ``container`` that of the root."""

    predictor: str
    container: str
    target: str
    stream: Stream
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """A pipeline, the slug of its workspace, and how its models work together, if it was ever deployed."""

    pipeline: Pipeline
    namespace: str
    plan: Plan | None

    def planned(self) -> list[Part]:
        """The parts of the plan of now."""
        if self.plan is None:
            return []
        shadow = self.plan["shadow"]
        return [
            *(_part(each, Stream.REQUESTS) for each in self.plan["targets"]),
            *([_part(shadow, Stream.SHADOW)] if shadow else []),
        ]


def logged(tx: Tx, actor: Actor, namespace: str, name: str, permission: Permission = Permission.LOGS_READ) -> Logged:
    """One pipeline, in whatever form."""
    pipeline = pipeline_at(tx, actor, namespace, name, permission)
    return _with_plans(tx, [pipeline], {pipeline.workspace_id: namespace})[0]


def list_logged(
    tx: Tx, actor: Actor, forms: Collection[Form], namespace: str | None = None, name: str | None = None
) -> list[Logged]:
    """The pipelines of these forms whose log the actor may read, in one namespace or in all."""
    may_read = visible(actor, Permission.LOGS_READ, OWN)
    named: dict[str, Any] = {"name": name} if name else {}
    where: dict[str, Any] = {"slug": namespace} if namespace else {}
    slugs = dict(tx.values(Workspace, ("id", "slug"), **where))
    found = tx.find(Pipeline, form=list(forms), workspace_id=list(slugs), **named, **may_read)
    return _with_plans(tx, found, slugs)


def tallied(logs: LogReader, of: Logged) -> list[tuple[Part, Tally]]:
    """What is logged of a pipeline, by who answered; shadows, too. Blocking."""
    planned = {(part.target, part.stream): part for part in of.planned()}
    return [
        (planned.get((tally.target, stream)) or _former(of, tally.target, stream), tally)
        for stream in Stream
        for tally in logs.tallies(of.pipeline.id, RequestQuery(), stream)
    ]


def part_named(logs: LogReader, of: Logged, predictor: str = "", container: str = "") -> Part:
    """The part of these names, the first one where a name is empty; ``NOT_FOUND`` says which there are. Blocking."""
    known = [*of.planned(), *(part for part, _ in tallied(logs, of))]
    for part in known:
        if predictor in ("", part.predictor) and container in ("", part.container):
            return part
    there = ", ".join(sorted({f"{part.predictor}/{part.container}" for part in known})) or "nothing"
    wanted = f"{predictor[:80] or '*'}/{container[:80] or '*'}"
    raise not_found("log of", f"{wanted} (predictor/container; rows belong to the root of a graph: {there})")


def part_with(logs: LogReader, of: Logged, node: str) -> Part:
    """The first part that the node is of; ``NOT_FOUND`` says which nodes there are. Blocking."""
    known = [*of.planned(), *(part for part, _ in tallied(logs, of))]
    for part in known:
        if node in part.nodes:
            return part
    there = ", ".join(sorted({name for part in known for name in part.nodes})) or "nothing"
    raise not_found("log of", f"{node[:80]} (logged are: {there})")


def _part(target: dict[str, Any], stream: Stream) -> Part:
    nodes = tuple(str(node["name"]) for node in nodes_of(target["node"]) if node.get("name"))
    named = nodes or (target["name"] or ONLY,)
    return Part(target["name"] or ONLY, named[0], target["name"], stream, named)


def _former(of: Logged, target: str, stream: Stream) -> Part:
    """A target that the plan has no more."""
    name = target or of.pipeline.name
    return Part(target or ONLY, name, target, stream, (name,))


def _with_plans(tx: Tx, pipelines: list[Pipeline], slugs: dict[int, str]) -> list[Logged]:
    ids = [pipeline.id for pipeline in pipelines]
    plans = {deployment.pipeline_id: deployment.plan for deployment in tx.find(Deployment, pipeline_id=ids)}
    return [Logged(pipeline, slugs[pipeline.workspace_id], plans.get(pipeline.id)) for pipeline in pipelines]
