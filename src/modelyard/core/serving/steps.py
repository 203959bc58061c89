"""From the steps of a definition to the plan of a graph.

Steps work one after another. Between two of them there is one answer, or there are several: behind a ``ModelInference``
step with several models, and behind ``ColumnsToRows`` and ``RowsToModels``. ``Average``, ``Nth`` and ``MultiOut`` make
one of several, ``AuditResults`` says which of them stand beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.core.serving.expressions.parsing import parse
from modelyard.core.serving.graph import plan
from modelyard.core.serving.graph.plan import Combine, Node, Plan
from modelyard.core.serving.step_bodies import ModelRef, column_places, numbered_models, ref, refs_in, weighted_models

Body = Mapping[str, Any]


def steps_planned(definition: Mapping[str, Any]) -> tuple[list[ModelRef], Plan]:
    """The models that the steps name, each once, and their plan; ``FAILED_PRECONDITION`` names the step that fails."""
    planner = _Planner()
    for number, step in enumerate(definition.get("steps", [])):
        kind, body = next(iter(step.items()))
        try:
            planner.add(number, kind, body)
        except DomainError as error:
            raise DomainError(error.kind, f"step {number} ({kind}): {error.message}", **error.details) from error
    return planner.refs, planner.finished()


@dataclass(slots=True)
class _Several:
    """Answers that are not one yet, and those that are to stand beside it."""

    name: str
    nodes: list[Node]
    audited: list[int] = field(default_factory=list)


class _Planner:
    def __init__(self) -> None:
        self.refs: list[ModelRef] = []
        self._nodes: list[Node] = []
        self._several: _Several | None = None
        self._apart = False
        self._early: dict[str, str] = {}
        self._checks: set[str] = set()

    def add(self, number: int, kind: str, body: Body) -> None:
        """The next step."""
        if self._apart and kind != "RowsToModels":
            raise failed_precondition("the step before it is ColumnsToRows, which only RowsToModels can follow")
        _STEPS[kind](self, f"step-{number}", body)

    def finished(self) -> Plan:
        """The plan of all steps."""
        if self._apart:
            raise failed_precondition("the last step is ColumnsToRows; add a RowsToModels step behind it")
        if self._several:
            self._close("champion")
        node: Node = {"kind": "chain", "nodes": self._nodes}
        return plan.plan(plan.checked(node, self._early) if self._early and self._nodes else node)

    def _models(self, name: str, body: Body) -> None:
        self._needs_one()
        nodes = self._named([self._place(each) for each in refs_in(body["models"])])
        if len(nodes) == 1:
            self._nodes.append(nodes[0])
        else:
            self._several = _Several(name, nodes)

    def _random_split(self, name: str, body: Body) -> None:
        self._needs_one()
        weighted = weighted_models(body)
        nodes = self._named([self._place(each) for each, _ in weighted])
        router = plan.by_weight([weight for _, weight in weighted], body.get("hash_key"))
        self._nodes.append(plan.branch(name, nodes, router, told=True))

    def _value_split(self, name: str, body: Body) -> None:
        self._needs_one()
        routes = [ref(body["control"]), *(ref(each) for each in body["routes"].values())]
        nodes = self._named([self._place(each) for each in routes])
        router = plan.by_value(body["split_key"], list(body["routes"]))
        self._nodes.append(plan.branch(name, nodes, router, told=True))

    def _rows_to_models(self, name: str, body: Body) -> None:
        self._needs_one()
        numbered = numbered_models(body)
        nodes = self._named([self._place(each) for each in numbered.values()])
        if self._apart:
            self._apart = False
            pairs = zip(numbered, nodes, strict=True)
            chains = [plan.chain([plan.columns(name, [row], apart=True), node], node["name"]) for row, node in pairs]
            self._several = _Several(name, chains)
        else:
            self._nodes.append(plan.branch(name, nodes, plan.by_row({row: at for at, row in enumerate(numbered)})))

    def _columns_to_rows(self, name: str, body: Body) -> None:
        del name, body
        self._needs_one()
        self._apart = True

    def _columns_select(self, name: str, body: Body) -> None:
        self._needs_one()
        self._nodes.append(plan.columns(name, column_places(body)))

    def _audit(self, name: str, body: Body) -> None:
        del name
        count = len(self._several.nodes) if self._several else 1
        places = list(range(count)[body["from"] : body.get("to")])
        if not places or (not self._nodes and not self._several):
            raise failed_precondition(
                f"there is nothing from {body['from']} to {body.get('to')}: {count} models answer"
            )
        if self._several:
            self._several.audited = sorted({*self._several.audited, *places})

    def _nth(self, name: str, body: Body) -> None:
        del name
        index, count = body["index"], len(self._several.nodes) if self._several else 1
        if not 0 <= index < count or not (self._nodes or self._several):
            raise failed_precondition(f"there is no answer {index}: {count} models answer, counted from 0")
        if self._several:
            self._close({"nth": index}, beside=[place for place in self._several.audited if place != index])

    def _multi_out(self, name: str, body: Body) -> None:
        del name, body
        if self._several:
            self._close("champion")

    def _average(self, name: str, body: Body) -> None:
        del name, body
        if self._several is None:
            raise failed_precondition("there is nothing to average: put a step with several models before it")
        self._close("average", beside=self._several.audited)

    def _check(self, name: str, body: Body) -> None:
        del name
        checks = {parse(text).name: text for text in body["tree"]}
        again = sorted(self._checks & checks.keys())
        if again:
            raise failed_precondition(f"there is another validation named {again[0]!r} before it")
        self._checks |= checks.keys()
        if self._several:
            self._close("champion")
        if self._nodes:
            self._nodes = [plan.checked({"kind": "chain", "nodes": self._nodes}, checks)]
        else:
            self._early |= checks  # validations before all models look at the answer of the whole

    def _close(self, combine: Combine, beside: Sequence[int] = ()) -> None:
        assert self._several is not None  # noqa: S101  # for the type checker
        combine = {"audit": list(beside), "then": combine} if beside else combine
        self._nodes.append(plan.branch(self._several.name, self._several.nodes, None, combine))
        self._several = None

    def _needs_one(self) -> None:
        if self._several:
            raise failed_precondition("several models answer before it; make one of them by MultiOut, Nth or Average")

    def _place(self, model: ModelRef) -> int:
        """Its place among the models; a model that is named twice is loaded once."""
        if model not in self.refs:
            self.refs.append(model)
        return self.refs.index(model)

    def _named(self, places: Sequence[int]) -> list[Node]:
        """Nodes for the models at these places; of two models with one name the later ones are numbered."""
        nodes: list[Node] = []
        for place in places:
            name, taken = self.refs[place].name, [node["name"] for node in nodes]
            again = next(n for n in range(1, len(nodes) + 2) if _numbered(name, n) not in taken)
            nodes.append(plan.model(_numbered(name, again), place))
        return nodes


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


_STEPS: Mapping[str, Callable[[_Planner, str, Body], None]] = {
    "ModelInference": _Planner._models,  # noqa: SLF001  # of this module
    "RandomSplit": _Planner._random_split,  # noqa: SLF001
    "MetaValueSplit": _Planner._value_split,  # noqa: SLF001
    "RowsToModels": _Planner._rows_to_models,  # noqa: SLF001
    "ColumnsToRows": _Planner._columns_to_rows,  # noqa: SLF001
    "ColumnsSelect": _Planner._columns_select,  # noqa: SLF001
    "AuditResults": _Planner._audit,  # noqa: SLF001
    "Nth": _Planner._nth,  # noqa: SLF001
    "MultiOut": _Planner._multi_out,  # noqa: SLF001
    "Average": _Planner._average,  # noqa: SLF001
    "Check": _Planner._check,  # noqa: SLF001
}
