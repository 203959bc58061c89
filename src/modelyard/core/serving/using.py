"""Pipelines made of other pipelines of their workspace, by name (names are unique in it, whatever the form).

A definition may hold a **template** beside its plan: ``{"node": Node, "split": {"targets", "shadow"} or None}``. In
the node, ``{"kind": "use", "name", "place"}`` stands for the model of that name; a target ``{"name", "weight",
"place"}`` and a shadow ``{"name", "percent", "place"}`` stand for the data flow of that name, or for the node where the
name is the pipeline's own. ``place`` is where this stands in the document, for messages. ``resolved`` makes the plan of
it; when what is used changes, it is made anew (see ``renewing``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.core.access.check import allowed
from modelyard.core.access.grants import ResourceType, in_workspace
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, conflict, invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Form, Pipeline, PipelineVersion
from modelyard.core.serving.graph import plan as plans

Template = Mapping[str, Any]


def uses(template: Template) -> set[str]:
    """The names of the pipelines that a template names."""
    split = template["split"] or {"targets": [], "shadow": None}
    sharing = [*split["targets"], *([split["shadow"]] if split["shadow"] else [])]
    return {node["name"] for node in plans.nodes_of(template["node"]) if node["kind"] == "use"} | {
        each["name"] for each in sharing
    }


def resolved(
    tx: Tx, actor: Actor | None, workspace_id: int, name: str, definition: Mapping[str, Any]
) -> dict[str, Any]:
    """The definition with its plan and models, where it has a template.

    ``INVALID`` names the place of what is not there, or what the ``actor`` may not see; None sees everything.
    """
    template = definition.get("template")
    if template is None:
        return dict(definition)
    resolver = _Resolver(tx, actor, workspace_id, name, template["node"])
    return {**definition, "plan": resolver.plan(template), "models": resolver.models}


def users(tx: Tx, pipeline: Pipeline) -> Iterator[tuple[Pipeline, PipelineVersion]]:
    """The pipelines whose newest version uses this one, with that version."""
    for other in tx.find(Pipeline, workspace_id=pipeline.workspace_id, form=Form.DATAFLOW):
        newest = tx.first(PipelineVersion, order_by="-id", pipeline_id=other.id)
        template = newest.definition.get("template") if newest else None
        if newest is not None and template and other.id != pipeline.id and pipeline.name in uses(template):
            yield other, newest


def refuse_used(tx: Tx, actor: Actor, pipeline: Pipeline) -> None:
    """``CONFLICT`` while others use the pipeline; those that the actor may see are named."""
    using = [other for other, _ in users(tx, pipeline)]
    if using:
        shown = [repr(other.name) for other in using if _sees(tx, actor, other.workspace_id, other.name)]
        hidden = len(using) - len(shown)
        named = ", ".join([*shown, *([f"{hidden} that you may not see"] if hidden else [])])
        raise conflict(f"{pipeline.name!r} is used by {named}; change or delete these first", name=pipeline.name)


class _Resolver:
    def __init__(  # whose template it is
        self, tx: Tx, actor: Actor | None, workspace_id: int, name: str, own: plans.Node
    ) -> None:
        self._tx, self._actor, self._workspace_id, self._name, self._own = tx, actor, workspace_id, name, own
        self.models: list[dict[str, str]] = []

    def plan(self, template: Template) -> plans.Plan:
        split = template["split"]
        if split is None:
            return plans.plan(self._node(self._own))
        shadow = split["shadow"]
        return {
            "targets": [plans.target(t["name"], t["weight"], self._flow(t)) for t in split["targets"]],
            "shadow": shadow and {"name": shadow["name"], "percent": shadow["percent"], "node": self._flow(shadow)},
        }

    def _flow(self, named: Mapping[str, Any]) -> plans.Node:
        if named["name"] == self._name:
            return self._node(self._own)
        return self._node(self._newest(named, Form.DATAFLOW, "pipeline").definition["template"]["node"])

    def _node(self, node: plans.Node) -> plans.Node:
        if node["kind"] == "use":
            return self._model(node)
        return {**node, "nodes": [self._node(each) for each in node["nodes"]]} if "nodes" in node else node

    def _model(self, node: plans.Node) -> plans.Node:
        definition = self._newest(node, Form.MODEL, "model").definition
        model = definition["models"][0]
        if model not in self.models:
            self.models.append(model)
        return plans.model(node["name"], self.models.index(model))

    def _newest(self, named: Mapping[str, Any], form: Form, what: str) -> PipelineVersion:
        name, place = named["name"], named["place"]
        found = self._tx.first(Pipeline, workspace_id=self._workspace_id, name=name, form=form)
        newest = self._tx.first(PipelineVersion, order_by="-id", pipeline_id=found.id) if found else None
        if newest is None or (self._actor and not _sees(self._tx, self._actor, self._workspace_id, name)):
            raise _missing(what, name, place)
        return newest


def _missing(what: str, name: str, place: str) -> DomainError:
    return invalid(f"{place}: the namespace has no {what} named {name[:100]!r}; create it first", field=place)


def _sees(tx: Tx, actor: Actor, workspace_id: int, name: str) -> bool:
    own = (ResourceType.PIPELINE, in_workspace(workspace_id, name))
    return allowed(tx, actor, Permission.PIPELINE_READ, workspace_id, own)
