"""What a Pipeline or a Model may not say: each refusal names the field, and nothing else can happen to a document."""

import copy
from typing import Any

import pytest
from flow_stand import pipeline, step
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.compiling import check_plan
from modelyard.core.serving.graph.plan import model, nodes_of, plan
from modelyard.core.serving.graph.wiring import joins_of
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.dialects.seldon.core2 import read_sent
from modelyard.dialects.seldon.flows import flow_of, ignored_fields, renamed
from modelyard.dialects.seldon.merging import merged
from modelyard.dialects.seldon.models import requirements

SIGNATURE = Signature((TensorSpec("x", "float32", (None, 2)),), (TensorSpec("y", "float32", (None, 2)),))


def flow(document: dict[str, Any]) -> dict[str, Any]:
    """The node of the document, with a model for each step; checked as a deployment is."""
    sent = read_sent(document, "Pipeline", "space")
    node = flow_of(sent.name, sent.spec)
    node["nodes"] = [model(each["name"], 0) for each in node["nodes"]]
    check_plan(plan(node), [(SIGNATURE, None)])
    return node


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(DomainError) as caught:
        flow(document)
    assert caught.value.kind is ErrorKind.INVALID
    return caught.value.message


A, B = step("a"), step("b", "a")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "metadata.name is missing"),
        (pipeline("Not A Label", [A], "a"), "pipeline name 'Not A Label' is not allowed"),
        ({**pipeline("p", [A], "a"), "kind": "Model"}, "kind: expected Pipeline, got 'Model'"),
        ({**pipeline("p", [A], "a"), "namespace": "other"}, "metadata.namespace is 'other'"),
        (pipeline("p", []), "spec.steps must list 1 to 100 steps, got 0"),
        (pipeline("p", [A] * 2, "a"), "spec.steps[1].name is 'a' for a second time"),
        (pipeline("p", [step("pipeline")], "pipeline"), "spec.steps[0].name means the request"),
        (pipeline("p", [{}], "a"), "spec.steps[0].name is missing"),
        (pipeline("p", [step("a", "b"), B], "b"), "spec.steps[0].inputs: the steps wait for one another"),
        (pipeline("p", [step("a", "a")], "a"), "spec.steps[0].inputs: the steps wait for one another: a <- a"),
        (pipeline("p", [A, step("b", triggers=["c"])], "b"), "spec.steps[1].triggers[0] 'c': there is no step 'c'"),
        (pipeline("p", [A, step("b", "a.outputs.w")], "b"), "spec.steps[1].inputs[0]: a has no tensor 'w', only 'y'"),
        (pipeline("p", [A, step("b", "a.inputs.w")], "b"), "spec.steps[1].inputs[0]: a has no tensor 'w', only 'x'"),
        (pipeline("p", [A, step("b", "a.sideways")], "b"), "spec.steps[1].inputs[0]: expected one of inputs, outputs"),
        (pipeline("p", [A, step("b", "p.outputs")], "b"), "spec.steps[1].inputs[0]: expected one of inputs"),
        (
            pipeline("p", [A, step("b", "a", inputsJoinType="outer")], "b"),
            "spec.steps[1].inputsJoinType 'outer' is not",
        ),
        (pipeline("p", [step("a", batch={"size": 3})], "a"), "spec.steps[0].batch: requests are not collected here"),
        (pipeline("p", [step("a", joinWindowMs="soon")], "a"), "spec.steps[0].joinWindowMs: expected a whole number"),
        (pipeline("p", [step("a", tensorMap={"b.outputs.y": "x"}), B], "b"), "spec.steps[0].tensorMap: b.y is none"),
        (pipeline("p", [A, step("b", "a", tensorMap={"a": "x"})], "b"), "spec.steps[1].tensorMap: map step.outputs"),
        (pipeline("p", [A]), "spec.output.steps is missing"),
        (pipeline("p", [A], "c"), "spec.output.steps[0] 'c': there is no step 'c', only a"),
        (pipeline("p", [A], "a.outputs.w"), "spec.output.steps[0]: a has no tensor 'w', only 'y'"),
        (pipeline("p", [A], "a", stepsJoin="outer"), "spec.output.stepsJoin 'outer' is not supported"),
        ({"name": "p", "spec": {**pipeline("p", [A], "a")["spec"], "input": {"externalInputs": ["q"]}}}, "spec.input"),
    ],
)
def test_a_refusal_names_the_field(document: dict[str, Any], says: str) -> None:
    assert says in refusal(document)


def test_steps_are_wired_behind_those_they_wait_for() -> None:
    node = flow(pipeline("p", [step("c", "b", "a"), B, A], "c"))
    order = [each["name"] for each in node["steps"]]
    assert order.index("a") < order.index("b") < order.index("c")
    assert len(joins_of(node).inputs) == 3


def test_fields_that_wait_for_nothing_are_listed() -> None:
    document = pipeline("p", [step("a", joinWindowMs=5)], "a", joinWindowMs=3)
    document["spec"]["dataflow"] = {"cleanTopicsOnDelete": True}
    flow(document)
    wanted = ["spec.steps[0].joinWindowMs", "spec.output.joinWindowMs", "spec.dataflow"]
    assert ignored_fields(read_sent(document, "Pipeline", "space").document) == wanted


def test_a_document_under_another_name_asks_its_own_request() -> None:
    names = {"old.inputs.x": "x"}
    document = read_sent(
        pipeline("old", [step("a", "old.inputs.x", tensorMap=names)], "a"), "Pipeline", "space"
    ).document
    moved = renamed(document, "old", "new")
    assert moved["metadata"]["name"] == "new"
    assert moved["spec"]["steps"] == [
        {"name": "a", "inputs": ["pipeline.inputs.x"], "tensorMap": {"pipeline.inputs.x": "x"}}
    ]


@pytest.mark.parametrize("tag", ["tensorflow", "alibi-detect", "anything"])
def test_a_requirement_that_nothing_fulfils_is_named(tag: str) -> None:
    assert requirements({"requirements": ["onnx"]}) == ["onnx"]
    with pytest.raises(
        DomainError, match=rf"spec.requirements\[1\] '{tag}': this server has no such runtime"
    ) as caught:
        requirements({"requirements": ["onnx", tag]})
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_metadata_may_stand_beside_the_spec_or_in_its_place() -> None:
    flat = read_sent({"name": "p", "labels": {"a": "b"}, "spec": {}, "extra": 1, "status": {}}, "Pipeline", "space")
    deep = read_sent({"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {}, "extra": 1}, "Pipeline", "space")
    assert flat == deep
    assert flat.document == {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {}, "extra": 1}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5) | st.sampled_from(["a", "b.inputs", "a."]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *[each for key, item in inner for each in _paths(item, (*path, key))]]


_FULL = pipeline(
    "p",
    [
        step("a", "pipeline.inputs.x", inputsJoinType="any", triggersJoinType="inner", joinWindowMs=1, batch={}),
        step("b", "a.outputs.y", "a.inputs", triggers=["a.outputs.y"], tensorMap={"a.outputs.y": "x"}),
    ],
    "b",
    stepsJoin="inner",
    tensorMap={"b.outputs.y": "z"},
)


@settings(max_examples=500, deadline=None)
@given(path=st.sampled_from(_paths(_FULL)[1:]), value=_JSON)
def test_anything_in_any_place_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(_FULL)
    part: Any = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    try:
        node = flow(document)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
    else:
        assert list(nodes_of(node))
        assert isinstance(ignored_fields(read_sent(document, "Pipeline", "space").document), list)


_TREES = st.recursive(
    st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(_TREES, _TREES)
def test_undoing_the_newest_change_gives_what_was_before(before: Any, after: Any) -> None:
    assert merged(after, after, before) == before
    assert merged(before, after, before) == after


def test_changes_apart_from_one_another_are_undone_apart() -> None:
    before = {"spec": {"a": 1, "list": [{"x": 1}, {"x": 2}]}}
    after = {"spec": {"a": 2, "list": [{"x": 1}, {"x": 3}], "new": 1}}
    later = {"spec": {"a": 2, "list": [{"x": 9}, {"x": 3}], "new": 1, "b": 5}}
    assert merged(after, later, before) == {"spec": {"a": 1, "list": [{"x": 9}, {"x": 2}], "b": 5}}
    later["spec"]["a"] = 7
    with pytest.raises(DomainError, match=r"^spec\.a was changed again since"):
        merged(after, later, before)
