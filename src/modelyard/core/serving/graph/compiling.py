"""From a plan and loaded models to a graph; before that, whether the models of a plan fit together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.serving.graph import combiners, routers
from modelyard.core.serving.graph.binding import RequestBinding, field_names, link
from modelyard.core.serving.graph.checks import Checked, check_expressions, expressions
from modelyard.core.serving.graph.dataflow import Dataflow
from modelyard.core.serving.graph.flow_checks import wired
from modelyard.core.serving.graph.graph import Graph, Shadow, Target
from modelyard.core.serving.graph.nodes import Branch, Chain, Constant, ModelNode, Node, Step
from modelyard.core.serving.graph.plan import nodes_of
from modelyard.core.serving.graph.selecting import Selected, selected
from modelyard.core.serving.graph.wiring import Wiring
from modelyard.core.serving.signature import Signature, TensorSpec

Specs = tuple[TensorSpec, ...]
Models = Sequence[tuple[Signature, Sequence[str] | None]]
"""The signatures of a plan's models, each with its configured fields."""
RewardsOf = Callable[[str], Sequence[routers.Rewards]]
"""What feedback said so far of the nodes of a branch, by its name; empty when it said nothing yet."""


def compile_plan(plan: Mapping[str, Any], steps: Sequence[Step], rewards: RewardsOf = lambda _: ()) -> Graph:
    """The graph of a plan whose models are loaded; ``FAILED_PRECONDITION`` when they do not fit."""
    check_plan(plan, [(step.model.signature, step.tensor_fields) for step in steps])
    compiler = _Compiler(steps, rewards)
    targets = [Target(t["name"], t["weight"], compiler.node(t["node"], first=True)) for t in plan["targets"]]
    shadow = plan["shadow"]
    copied = Shadow(shadow["name"], shadow["percent"], compiler.node(shadow["node"], first=True)) if shadow else None
    inline = all(step.model.inline for step in steps)
    yields = all(step.model.inline or step.model.yields for step in steps)
    graph = Graph(targets, copied, several=len(compiler.entries) > 1, inline=inline, yields=yields)
    if len(compiler.entries) > 1:
        for node in compiler.entries:
            node.leading = graph.columns
    return graph


class _Compiler:
    def __init__(self, steps: Sequence[Step], rewards: RewardsOf) -> None:
        self._steps = steps
        self._rewards = rewards
        self.entries: list[ModelNode | Dataflow] = []
        """The nodes that requests may come to first."""

    def node(self, node: Mapping[str, Any], *, first: bool) -> Node:
        """The node; ``first`` when the request's columns come to it as they are."""
        return getattr(self, f"_{node['kind']}")(node, first)  # type: ignore[no-any-return]

    def _model(self, node: Mapping[str, Any], first: bool) -> Node:
        return self._loaded(node["name"], node["model"], first=first)

    def _loaded(self, name: str, place: int, *, first: bool) -> ModelNode:
        node = ModelNode(name, self._steps[place], first=first)
        if first:
            self.entries.append(node)
        return node

    def _chain(self, node: Mapping[str, Any], first: bool) -> Node:
        nodes = [self.node(each, first=first and not at) for at, each in enumerate(node["nodes"])]
        return Chain(nodes, node.get("name"))

    def _dataflow(self, node: Mapping[str, Any], first: bool) -> Node:
        models = [(step.model.signature, step.tensor_fields) for step in self._steps]
        nodes = [self.node(each, first=False) for each in node["nodes"]]
        flow = Dataflow(node["name"], nodes, _wired(node, models), first=first)
        if flow.binding is not None:
            self.entries.append(flow)
        return flow

    def _constant(self, node: Mapping[str, Any], first: bool) -> Node:
        del first
        return Constant(node["name"], node["values"])

    def _branch(self, node: Mapping[str, Any], first: bool) -> Node:
        nodes = [self.node(each, first=first) for each in node["nodes"]]
        router = self._router(node, first) if node["router"] else None
        combiner = self._combiner(node["name"], node["combine"])
        return Branch(node["name"], nodes, router, combiner, told=node.get("told", False))

    def _columns(self, node: Mapping[str, Any], first: bool) -> Node:
        del first
        return Selected(node["name"], node["places"], apart=node["apart"])

    def _checked(self, node: Mapping[str, Any], first: bool) -> Node:
        return Checked(self.node(node["nodes"][0], first=first), expressions(node))

    def _router(self, node: Mapping[str, Any], first: bool) -> routers.Router:
        router, name, size = node["router"], node["name"], len(node["nodes"])
        if router["by"] == "weight":
            key = router["hash_key"]
            return routers.ByHash(router["weights"], key) if key else routers.ByWeight(router["weights"])
        if router["by"] == "value":
            return routers.ByValue(router["key"], router["values"], needed=router.get("needed", True))
        if router["by"] == "row":
            return routers.ByRow(router["places"])
        if router["by"] == "model":
            return routers.ByModel(self._loaded(name, router["model"], first=first))
        known = lambda: self._rewards(name)  # noqa: E731  # asked anew for each request
        if router["policy"] == "thompson":
            return routers.Thompson(size, known)
        return routers.EpsilonGreedy(size, known, router["epsilon"])

    def _combiner(self, name: str, combine: str | Mapping[str, Any]) -> combiners.Combiner:
        if isinstance(combine, str):
            return combiners.BY_NAME[combine]()
        if "nth" in combine:
            return combiners.Nth(combine["nth"])
        if "audit" in combine:
            return combiners.Audited(combine["audit"], self._combiner(name, combine["then"]))
        return combiners.ByModel(self._loaded(name, combine["model"], first=False))


def check_plan(plan: Mapping[str, Any], models: Models) -> None:
    """Whether models with these signatures and fields can work together as planned; ``FAILED_PRECONDITION`` if not."""
    tops = [*plan["targets"], *([plan["shadow"]] if plan["shadow"] else [])]
    for top in tops:
        _check(top["node"], None, models)


def request_specs(
    plan: Mapping[str, Any], models: Sequence[tuple[Signature, Sequence[str] | None]]
) -> tuple[TensorSpec, ...]:
    """The columns that a request to such a graph is to bring, as ``Graph.inputs``; () when anything will do."""
    leading = max(plan["targets"], key=lambda target: target["weight"])["node"]
    return _asked(leading, models)


def models_of(plan: Mapping[str, Any]) -> set[int]:
    """The places of all models that a plan uses."""
    found = set()
    for node in nodes_of(dict(plan)):
        for part in (node, node.get("router"), node.get("combine")):
            if isinstance(part, dict) and "model" in part:
                found.add(part["model"])
    return found


def _check(node: Mapping[str, Any], before: Specs | None, models: Models) -> Specs:
    """What the node gives, () when that is not known; ``before`` None stands for the request, () for anything."""
    if node["kind"] == "model":
        signature, fields = models[node["model"]]
        if before is None:
            field_names(signature, fields)
        elif before:
            link(before, signature.inputs)
        gives: Specs = signature.outputs
        return gives
    if node["kind"] == "chain":
        if not node["nodes"]:
            raise failed_precondition("the pipeline has no steps; add a model step and deploy again")
        given: Specs | None = before
        for each in node["nodes"]:
            given = _check(each, given, models)
        return given or ()
    if node["kind"] == "dataflow":
        return _wired(node, models).outputs
    if node["kind"] == "columns":
        return selected(before or (), node["places"], apart=node["apart"])
    if node["kind"] == "checked":
        answers = _check(node["nodes"][0], before, models)
        check_expressions(node, _asked(node, models) if before is None else (), answers)
        return answers
    answers_of = [_check(each, before, models) for each in node.get("nodes", [])]
    return _combined(node["combine"], node["router"], answers_of) if answers_of else ()


def _combined(combine: str | Mapping[str, Any], router: Mapping[str, Any] | None, answers: Sequence[Specs]) -> Specs:
    """What a branch gives, as far as it is known from what its nodes give."""
    if isinstance(combine, dict) and "audit" in combine:
        return _combined(combine["then"], router, answers)
    if isinstance(combine, dict) and "nth" in combine:
        return answers[combine["nth"]]
    if combine not in ("first", "champion") or (router and router["by"] == "model"):
        return ()
    if router and any(each != answers[0] for each in answers):
        return ()
    return answers[0]


def _wired(node: Mapping[str, Any], models: Models) -> Wiring:
    takes = [_takes(each, models) for each in node["nodes"]]
    return wired(node, takes, [_check(each, (), models) for each in node["nodes"]])


def _takes(node: Mapping[str, Any], models: Models) -> Specs:
    """What the node takes, () when that is not known."""
    if node["kind"] == "model":
        inputs: Specs = models[node["model"]][0].inputs
        return inputs
    return _takes(node["nodes"][0], models) if node.get("nodes") and node["kind"] != "dataflow" else ()


def _asked(node: Mapping[str, Any], models: Models) -> Specs:
    """The columns that every request brings to the node, as far as that is known: those of its first model."""
    if node["kind"] == "model":
        return tuple(RequestBinding(*models[node["model"]]).specs())
    if node["kind"] == "columns" or not node.get("nodes"):
        return ()
    if node["kind"] == "dataflow":
        return _wired(node, models).request
    return _asked(node["nodes"][0], models)
