"""SeldonDeployments on a live server: from a manifest to an answer, and every kind of unit checked against numpy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from seldon_stand import (
    collection,
    create,
    expected,
    infer,
    manifest,
    namespace,
    predictor,
    unit,
    until,
    upload,
)
from small_models import FEATURES, constant_router, difference, scaled, sign_router

from chances import binomial_bounds
from running import RunningServer
from wire import Caller, administrator

ROWS = np.random.default_rng(3).normal(size=(4, FEATURES)).astype(np.float32).tolist()
UPLOADS: dict[str, str | bytes] = {
    "one": "ccfraud.onnx",
    "two": "ccfraud_v2.onnx",
    "threshold": "fraud_threshold.onnx",
    "half": scaled(0.5),
    "tenth": scaled(0.1, 1),
    "sign": sign_router(),
    "all": constant_router(-1),
    "none": constant_router(-2),
    "far": constant_router(7),
    "difference": difference(),
}


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> Iterator[str]:
    name, workspace = namespace(caller)
    for model, file in UPLOADS.items():
        upload(caller, workspace, model, file)
    return name


def one(rows: Any = ROWS) -> Any:
    return expected("ccfraud.onnx", rows)[0]


def two(rows: Any = ROWS) -> Any:
    return expected("ccfraud_v2.onnx", rows)[0]


def answers(  # what is asked of whom
    caller: Caller, space: str, name: str, graph: dict[str, Any], rows: Any = ROWS, column: str = "tensor"
) -> list[dict[str, Any]]:
    """What a deployment of the graph answers to each row, asked one by one."""
    create(caller, space, manifest(name, predictor("main", graph)))
    until(caller, space, name)
    return [infer(caller, space, name, [row], column)[0] for row in rows]


def test_a_deployment_is_made_read_listed_changed_and_removed(caller: Caller, space: str) -> None:
    made = create(caller, space, manifest("life", predictor("main", unit("classifier", "one"))))
    assert made["status"]["state"] in ("Creating", "Available")
    shown = until(caller, space, "life")
    assert shown["metadata"]["generation"] == 1
    assert shown["metadata"]["namespace"] == space
    assert shown["status"]["description"] == ""
    assert {c["type"]: c["status"] for c in shown["status"]["conditions"]}["Ready"] == "True"
    listed = caller.call("GET", collection(space)).json()
    assert "life" in [item["metadata"]["name"] for item in listed["items"]]
    assert np.allclose([row["out"]["dense_1"] for row in infer(caller, space, "life", ROWS)], one(), atol=1e-6)

    shown["spec"]["predictors"][0]["graph"]["modelUri"] = "two"
    path = f"{collection(space)}/life"
    changed = caller.call("PUT", path, json=shown, params={"action": "update", "message": "the better one"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["metadata"]["generation"] == 2
    assert changed.json()["metadata"]["uid"] == shown["metadata"]["uid"]
    until(caller, space, "life")
    assert np.allclose([row["out"]["dense_1"] for row in infer(caller, space, "life", ROWS)], two(), atol=1e-6)

    stale = caller.call("PUT", path, json=shown)
    assert stale.status_code == 409, stale.text
    assert stale.json()["message"].startswith("'life' was changed meanwhile")
    assert caller.call("GET", path).json()["metadata"]["generation"] == 2

    assert caller.call("DELETE", path, json={}).status_code == 200
    assert caller.call("GET", path).status_code == 404
    assert caller.call("GET", path).json()["code"] == 404


def test_a_model_feeds_the_units_below_it(caller: Caller, space: str) -> None:
    got = answers(caller, space, "chain", unit("first", "one", unit("second", "threshold")))
    wanted = expected("fraud_threshold.onnx", one().tolist())
    assert np.allclose([row["out"]["probability"] for row in got], wanted[1], atol=1e-6)


def test_transformers_come_before_and_after(caller: Caller, space: str) -> None:
    after = unit("after", "tenth", unit("classifier", "one"), type="OUTPUT_TRANSFORMER")
    got = answers(caller, space, "transformed", unit("half", "half", after, type="TRANSFORMER"), column="x")
    assert np.allclose([row["out"]["y"] for row in got], one((np.array(ROWS) / 2).tolist()) * 0.1, atol=1e-6)


def test_a_combiner_averages(caller: Caller, space: str) -> None:
    graph = unit("mean", None, unit("a", "one"), unit("b", "two"), implementation="AVERAGE_COMBINER")
    got = answers(caller, space, "mean", graph)
    assert np.allclose([row["out"]["dense_1"] for row in got], (one() + two()) / 2, atol=1e-6)


def test_a_model_combines(caller: Caller, space: str) -> None:
    graph = unit("minus", "difference", unit("a", "one"), unit("b", "two"), type="COMBINER")
    got = answers(caller, space, "minus", graph)
    assert np.allclose([row["out"]["difference"] for row in got], one() - two(), atol=1e-6)


def test_a_model_routes(caller: Caller, space: str) -> None:
    got = answers(caller, space, "routed", unit("sign", "sign", unit("a", "one"), unit("b", "two"), type="ROUTER"))
    above = np.array(ROWS).sum(axis=1) > 0
    assert above.any()
    assert not above.all()
    wanted = np.where(above[:, None], two(), one())
    assert np.allclose([row["out"]["dense_1"] for row in got], wanted, atol=1e-6)


def test_a_router_may_ask_all_or_none(caller: Caller, space: str) -> None:
    got = answers(caller, space, "all", unit("all", "all", unit("a", "one"), unit("b", "two"), type="ROUTER"))
    assert np.allclose([row["out"]["dense_1"] for row in got], one(), atol=1e-6)
    got = answers(caller, space, "none", unit("none", "none", unit("a", "one"), unit("b", "two"), type="ROUTER"))
    assert np.allclose([row["out"]["tensor"] for row in got], ROWS, atol=1e-6)


def test_a_router_that_chooses_what_is_not_there_is_named(caller: Caller, space: str) -> None:
    create(caller, space, manifest("far", predictor("main", unit("far", "far", unit("a", "one"), type="ROUTER"))))
    until(caller, space, "far")
    with pytest.raises(AssertionError, match="node 'far' chose branch 7, but has 1"):
        infer(caller, space, "far", ROWS[:1])


@pytest.mark.parametrize(("ratio", "name"), [(0.0, "never"), (0.25, "quarter"), (1.0, "always")])
def test_an_ab_test_keeps_its_ratio(caller: Caller, space: str, ratio: float, name: str) -> None:
    parameters = [{"name": "ratioA", "type": "FLOAT", "value": str(ratio)}]
    graph = unit("ab", None, unit("a", "one"), unit("b", "two"), implementation="RANDOM_ABTEST", parameters=parameters)
    got = answers(caller, space, name, graph, ROWS[:1] * 300)
    a = sum(bool(np.isclose(row["out"]["dense_1"][0], one()[0][0], atol=1e-6)) for row in got)
    low, high = binomial_bounds(300, ratio)
    assert low <= a <= high


def test_predictors_share_the_traffic_exactly(caller: Caller, space: str) -> None:
    both = [predictor("main", unit("a", "one"), traffic=80), predictor("canary", unit("b", "two"), traffic=20)]
    create(caller, space, manifest("canary", *both))
    shown = until(caller, space, "canary")
    assert set(shown["status"]["deploymentStatus"]) == {"canary-main", "canary-canary"}
    got = [infer(caller, space, "canary", ROWS[:1])[0]["out"]["dense_1"][0] for _ in range(300)]
    low, high = binomial_bounds(300, 0.2)
    assert low <= sum(bool(np.isclose(each, two()[0][0], atol=1e-6)) for each in got) <= high

    shown["spec"]["predictors"][0]["traffic"], shown["spec"]["predictors"][1]["traffic"] = 100, 0
    assert caller.call("PUT", f"{collection(space)}/canary", json=shown).status_code == 200
    until(caller, space, "canary")
    got = [infer(caller, space, "canary", ROWS[:1])[0]["out"]["dense_1"][0] for _ in range(200)]
    assert np.allclose(got, one()[0][0], atol=1e-6)


def test_a_shadow_answers_nobody(caller: Caller, space: str) -> None:
    both = [predictor("main", unit("a", "one"), traffic=100), predictor("dark", unit("b", "two"), shadow=True)]
    create(caller, space, manifest("shadowed", *both))
    until(caller, space, "shadowed")
    got = [infer(caller, space, "shadowed", ROWS[:1])[0]["out"]["dense_1"][0] for _ in range(50)]
    assert np.allclose(got, one()[0][0], atol=1e-6)


def test_a_constant_model_needs_no_file(caller: Caller, space: str) -> None:
    got = answers(caller, space, "simple", unit("simple", None, implementation="SIMPLE_MODEL"))
    assert [row["out"]["output"] for row in got] == [[0.1, 0.9, 0.5]] * len(ROWS)


@pytest.mark.parametrize(
    ("protocol", "request_body"),
    [
        (None, {"data": {"ndarray": [[0.5] * 29]}}),
        ("seldon", {"data": {"ndarray": [[0.5] * 29]}}),
        ("v2", {"inputs": [{"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": [0.5] * 29}]}),
    ],
)
def test_a_deployment_names_the_address_that_speaks_its_protocol(
    live_server: RunningServer, protocol: str | None, request_body: dict[str, Any]
) -> None:
    caller = administrator(live_server)
    space, workspace_id = namespace(caller)
    upload(caller, workspace_id, "fraud-model")
    document = manifest("fraud", predictor("main", unit("classifier", "fraud-model")), protocol=protocol)
    create(caller, space, document)
    url = until(caller, space, "fraud")["status"]["address"]["url"]
    told = caller.post(url.removeprefix(live_server.url), request_body)
    asked = caller.post(f"{collection(space)}/fraud/predict", request_body)
    assert told.keys() == asked.keys()
    assert ("outputs" in told) == (protocol == "v2")
