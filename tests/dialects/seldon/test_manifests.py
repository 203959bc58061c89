"""What a manifest may not say: each refusal is a 400 that names the field, and nothing is deployed."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seldon_stand import manifest, predictor, unit

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.plan import nodes_of
from modelyard.dialects.seldon.manifests import read_manifest
from modelyard.dialects.seldon.planning import plan_of, sources

GRAPH = unit("classifier", "models/one")
WRONG = {"name": "a", "type": "INT", "value": "b"}
RIGHT = {"name": "a", "type": "INT", "value": "1"}
GOOD = manifest("iris", predictor("main", GRAPH))


def planned(document: Any) -> Any:
    read = read_manifest(document, "staging")
    return plan_of(read, sources(read))


def refused(document: Any) -> str:
    with pytest.raises(DomainError) as caught:
        planned(document)
    assert caught.value.kind is ErrorKind.INVALID
    return caught.value.message


def two(*traffic: int | None, **fields: Any) -> dict[str, Any]:
    parts = [predictor(f"p{at}", GRAPH, **({} if t is None else {"traffic": t})) for at, t in enumerate(traffic)]
    parts[-1].update(fields)
    return manifest("iris", *parts)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "the body: expected an object"),
        (manifest("iris"), "spec.predictors must list at least one predictor"),
        (manifest("Iris!", predictor("main", GRAPH)), "deployment name 'Iris!' is not allowed"),
        (manifest("validate", predictor("main", GRAPH)), "cannot be named 'validate'"),
        ({**GOOD, "metadata": {}}, "metadata.name is missing"),
        ({**GOOD, "metadata": {"name": "iris", "namespace": "other"}}, "metadata.namespace is 'other'"),
        ({**GOOD, "metadata": {"name": "iris", "resourceVersion": "x"}}, "metadata.resourceVersion"),
        ({**GOOD, "kind": "Pod"}, "kind: expected SeldonDeployment, got 'Pod'"),
        (manifest("iris", predictor("main", GRAPH), protocol="soap"), "spec.protocol: expected one of seldon, v2"),
        (manifest("iris", predictor("main", GRAPH), protocol="tensorflow"), "'ONNX_SERVER' cannot speak"),
        (manifest("iris", predictor("main", GRAPH), transport="smtp"), "spec.transport: expected one of rest, grpc"),
        (manifest("iris", predictor("main", GRAPH), serverType="kafka"), "spec.serverType 'kafka' is not supported"),
        (two(50, 40), "traffic must add up to 100, got 90"),
        (two(None, None), "traffic must add up to 100, got 0"),
        (two(50), "spec.predictors[0].traffic must be 100 or left out"),
        (two(101), "spec.predictors[0].traffic: expected a whole number from 0 to 100, got '101'"),
        (two(120, -20), "spec.predictors[0].traffic"),
        (two(100, shadow=True), "spec.predictors[0].shadow: a shadow cannot be alone"),
        (two(50, 50, name="p0"), "spec.predictors[1].name: two predictors are named 'p0'"),
        (manifest("iris", predictor("", GRAPH)), "spec.predictors[0].name is missing"),
        (manifest("iris", predictor("main", unit("x", "m", implementation="MAGIC"))), "graph.implementation: expected"),
        (manifest("iris", predictor("main", unit("x", "m", implementation="TEMPO_SERVER"))), "Tempo is no longer"),
        (manifest("iris", predictor("main", unit("x", "m", implementation="TENSORFLOW_SERVER"))), "no TensorFlow"),
        (
            manifest("iris", predictor("main", unit("x", "m", implementation="TRITON_SERVER"))),
            "speaks the protocols v2",
        ),
        (manifest("iris", predictor("main", unit("x"))), "spec.predictors[0].graph.modelUri is missing"),
        (manifest("iris", predictor("main", {"name": "x"})), "graph.implementation is missing"),
        (manifest("iris", predictor("main", unit("x", "m", type="WIZARD"))), "graph.type: expected one of MODEL"),
        (manifest("iris", predictor("main", unit("x", "m", unit("x", "m")))), "graph has two units named 'x'"),
        (manifest("iris", predictor("main", unit("x", "m", unit("y")))), "graph.children[0].modelUri is missing"),
        (manifest("iris", predictor("main", unit("x", "m", methods=["ROUTE"]))), "a MODEL unit cannot ROUTE as well"),
        (manifest("iris", predictor("main", unit("x", "m", methods=["FLY"]))), "graph.methods: expected one of"),
        (manifest("iris", predictor("main", unit("x", "m", logger={}))), "graph.logger.mode: expected one of all"),
        (manifest("iris", predictor("main", unit("x", "m", type="ROUTER"))), "a ROUTER needs units below it"),
        (
            manifest("iris", predictor("main", unit("x", None, GRAPH, implementation="RANDOM_ABTEST"))),
            "RANDOM_ABTEST chooses between two units, got 1",
        ),
        (
            manifest("iris", predictor("main", unit("x", None, GRAPH, implementation="RANDOM_ABTEST", type="MODEL"))),
            "graph.type: expected ROUTER for RANDOM_ABTEST, got 'MODEL'",
        ),
        (
            manifest("iris", predictor("main", unit("x", "m", parameters=[WRONG]))),
            "graph.parameters[0].value: expected a value of the type INT, got 'b'",
        ),
    ],
)
def test_a_refusal_names_the_field(document: Any, says: str) -> None:
    assert says in refused(document)


def test_predictors_without_number_are_refused_before_they_are_looked_at() -> None:
    parts = [predictor(f"p{at}", GRAPH) for at in range(101)]
    assert "spec.predictors: at most 100 predictors, got 101" in refused(manifest("iris", *parts))


def test_two_shadows_are_one_too_many() -> None:
    parts = [predictor("main", GRAPH), predictor("a", GRAPH, shadow=True), predictor("b", GRAPH, shadow=True)]
    assert "spec.predictors[2].shadow: there can be one shadow only" in refused(manifest("iris", *parts))


def test_an_image_of_a_container_is_refused_by_its_place() -> None:
    spec = {"spec": {"containers": [{"name": "mine", "image": "registry.example/mine:1"}]}}
    document = manifest("iris", predictor("main", {"name": "mine", "type": "MODEL"}, componentSpecs=[spec]))
    says = refused(document)
    assert says.startswith("spec.predictors[0].componentSpecs[0].spec.containers[0].image 'registry.example/mine:1'")


def test_the_published_bandits_are_known_by_their_images() -> None:
    spec = {"spec": {"containers": [{"name": "eg", "image": "seldonio/mab_epsilon_greedy:1.18"}]}}
    graph = {
        "name": "eg",
        "type": "ROUTER",
        "parameters": [
            {"name": "n_branches", "value": "2", "type": "INT"},
            {"name": "epsilon", "value": "0.3", "type": "FLOAT"},
        ],
        "children": [unit("a", "one"), unit("b", "two")],
    }
    read = read_manifest(manifest("iris", predictor("main", graph, componentSpecs=[spec])), "staging")
    node = plan_of(read, sources(read))["targets"][0]["node"]
    assert node["router"] == {"by": "reward", "policy": "epsilon_greedy", "epsilon": 0.3}


def test_a_model_named_twice_is_loaded_once() -> None:
    read = read_manifest(manifest("iris", predictor("main", unit("a", "m", unit("b", "m")))), "staging")
    asked = sources(read)
    assert [source.uri for source in asked] == ["m"]
    assert [node.get("model") for node in nodes_of(plan_of(read, asked))] == [None, 0, 0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *[each for key, item in inner for each in _paths(item, (*path, key))]]


_FULL = manifest(
    "iris",
    predictor("main", unit("a", "m", unit("b", "n"), parameters=[RIGHT]), traffic=60),
    predictor("other", unit("r", None, unit("c", "o"), unit("d", "p"), implementation="RANDOM_ABTEST"), traffic=40),
    protocol="seldon",
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
        assert planned(document)["targets"]
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
