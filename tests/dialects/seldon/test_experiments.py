"""Experiments on Pipelines: shares are exact, shadows answer nobody, promotion and removal leave one pipeline."""

from typing import Any

import numpy as np
import pytest
from flow_stand import add_model, add_pipeline, answers, model, pipeline, ready, space_url, step
from seldon_stand import namespace, upload
from small_models import affine

from chances import binomial_bounds
from running import RunningServer
from wire import Caller, administrator

WIDTH = 2
ROW = [[1.0, 2.0]]
ONE, TWO = 10.0, 20.0


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> str:
    name, workspace = namespace(caller)
    for each, factor in (("one", ONE), ("two", TWO)):
        upload(caller, workspace, each, affine(factor, 0.0, WIDTH))
        add_model(caller, name, f"m-{each}", each)
    return name


def url(space: str, name: str, rest: str = "") -> str:
    return f"{space_url(space)}/pipelines/{name}{rest}"


def pair(caller: Caller, space: str, name: str, other: str) -> None:
    """A pipeline of the one model, and another one of the other."""
    add_pipeline(caller, space, pipeline(name, [step("m-one", f"{name}.inputs")], "m-one"))
    add_pipeline(caller, space, pipeline(other, [step("m-two", f"{other}.inputs")], "m-two"))


def shares(caller: Caller, space: str, name: str, asked: int) -> float:
    """How many of the answers were those of the other model."""
    got = [answers(caller, space, name, ROW)["y"][0][0] for _ in range(asked)]
    assert set(got) <= {ONE, TWO}
    return sum(each == TWO for each in got)


def called(caller: Caller, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
    answer = caller.call(method, path, json=body or {}, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def settled(caller: Caller, space: str, name: str) -> dict[str, Any]:
    """The pipeline, once every worker serves its newest revision."""
    return ready(caller, url(space, name))


def test_an_experiment_shares_by_relative_weights(caller: Caller, space: str) -> None:
    pair(caller, space, "relative", "other")
    candidates = [{"name": "relative", "weight": 3}, {"name": "other", "weight": 1}]
    body = {"name": "trial", "spec": {"candidates": candidates, "default": "relative"}}
    made = called(caller, "POST", url(space, "relative", "/experiment"), body)
    assert made["kind"] == "Experiment"
    assert made["metadata"]["name"] == "trial"
    settled(caller, space, "relative")
    low, high = binomial_bounds(200, 0.25)
    assert low <= shares(caller, space, "relative", 200) <= high
    shown = called(caller, "GET", url(space, "relative", "/experiment"))
    assert {each["type"]: each["status"] for each in shown["status"]["conditions"]}["CandidatesReady"] == "True"

    body["spec"]["candidates"] = [{"name": "relative", "weight": 0}, {"name": "other", "weight": 5}]
    called(caller, "PUT", url(space, "relative", "/experiment"), body)
    settled(caller, space, "relative")
    assert shares(caller, space, "relative", 60) == 60
    stale = shown | {"spec": {**shown["spec"]}}
    assert "changed meanwhile" in called(caller, "PUT", url(space, "relative", "/experiment"), stale, 409)["message"]

    called(caller, "DELETE", url(space, "relative", "/experiment"))
    settled(caller, space, "relative")
    assert shares(caller, space, "relative", 60) == 0
    assert called(caller, "GET", url(space, "relative", "/experiment"), status=404)["code"] == 404


def test_a_canary_gets_its_share_and_is_promoted(caller: Caller, space: str) -> None:
    pair(caller, space, "bird", "bird-canary")
    called(caller, "POST", url(space, "bird", "/experiment/canary"), weight=20)
    settled(caller, space, "bird")
    low, high = binomial_bounds(200, 0.2)
    assert low <= shares(caller, space, "bird", 200) <= high
    assert called(caller, "POST", url(space, "bird", "/experiment/canary"), status=409, weight=5)["code"] == 409
    held = called(caller, "DELETE", url(space, "bird-canary"), status=409)
    assert "'bird-canary' is used by 'bird'" in held["message"]

    called(caller, "PUT", url(space, "bird", "/experiment/canary"), message="it sings better")
    promoted = settled(caller, space, "bird")
    assert promoted["spec"]["steps"] == [{"name": "m-two", "inputs": ["pipeline.inputs"]}]
    assert shares(caller, space, "bird", 40) == 40
    assert called(caller, "GET", url(space, "bird-canary"), status=404)["code"] == 404
    assert called(caller, "GET", url(space, "bird", "/experiment"), status=404)["code"] == 404


def test_a_canary_of_weight_nothing_gets_nothing_and_is_removed(caller: Caller, space: str) -> None:
    pair(caller, space, "still", "still-canary")
    called(caller, "POST", url(space, "still", "/experiment/canary"), weight=0)
    settled(caller, space, "still")
    assert shares(caller, space, "still", 100) == 0
    called(caller, "DELETE", url(space, "still", "/experiment/canary"))
    assert called(caller, "GET", url(space, "still-canary"), status=404)["code"] == 404
    assert shares(caller, space, "still", 20) == 0


def test_a_shadow_answers_nobody_until_it_is_promoted(caller: Caller, space: str) -> None:
    pair(caller, space, "tree", "tree-shadow")
    called(caller, "POST", url(space, "tree", "/experiment/shadow"))
    settled(caller, space, "tree")
    assert shares(caller, space, "tree", 40) == 0
    shown = called(caller, "GET", url(space, "tree", "/experiment"))
    assert shown["spec"]["mirror"] == {"name": "tree-shadow", "percent": 100}
    called(caller, "PUT", url(space, "tree", "/experiment/shadow"))
    settled(caller, space, "tree")
    assert shares(caller, space, "tree", 20) == 20


def test_a_canary_that_is_not_there_is_asked_for(caller: Caller, space: str) -> None:
    add_pipeline(caller, space, pipeline("lonely", [step("m-one")], "m-one"))
    says = called(caller, "POST", url(space, "lonely", "/experiment/canary"), status=400, weight=5)["message"]
    assert says == "there is no pipeline 'lonely-canary' to be the canary of 'lonely': create it first, then ask again"
    assert (
        "weight is missing" in called(caller, "POST", url(space, "lonely", "/experiment/canary"), status=400)["message"]
    )
    assert called(caller, "PUT", url(space, "lonely", "/experiment/canary"), status=404)["code"] == 404


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({}, "spec.candidates must list 1 to 20 pipelines, got 0"),
        ({"candidates": [{"name": "judged"}]}, "at least one weight must be above 0"),
        ({"candidates": [{"name": "judged", "weight": -1}]}, "spec.candidates[0].weight: expected a whole number"),
        ({"candidates": [{"name": "nobody", "weight": 1}]}, "spec.candidates must name 'judged', too"),
        (
            {"candidates": [{"name": "judged", "weight": 1}, {"name": "nobody", "weight": 1}]},
            "spec.candidates[1].name: the namespace has no pipeline named 'nobody'",
        ),
        (
            {"candidates": [{"name": "judged", "weight": 1}, {"name": "m-one", "weight": 1}]},
            "spec.candidates[1].name: the namespace has no pipeline named 'm-one'",
        ),
        ({"candidates": [{"name": "judged", "weight": 1}] * 2}, "a pipeline is named twice"),
        (
            {"candidates": [{"name": "judged", "weight": 1}], "mirror": {"name": "judged", "percent": 101}},
            "spec.mirror.percent: expected a whole number from 0 to 100",
        ),
        ({"candidates": [{"name": "judged", "weight": 1}], "default": "other"}, "spec.default must be 'judged'"),
        ({"candidates": [{"name": "judged", "weight": 1}], "resourceType": "model"}, "spec.resourceType must be"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused(caller: Caller, space: str, spec: Any, says: str) -> None:
    if caller.call("GET", url(space, "judged")).status_code == 404:
        add_pipeline(caller, space, pipeline("judged", [step("m-one")], "m-one"))
    refused = called(caller, "POST", url(space, "judged", "/experiment"), {"spec": spec}, 400)
    assert says in refused["message"]
    assert called(caller, "GET", url(space, "judged", "/experiment"), status=404)["code"] == 404


def test_a_changed_candidate_answers_as_it_is_now(caller: Caller, space: str) -> None:
    add_model(caller, space, "m-turn", "one")
    add_pipeline(caller, space, pipeline("main", [step("m-one")], "m-one"))
    add_pipeline(caller, space, pipeline("turning", [step("m-turn")], "m-turn"))
    candidates = [{"name": "main", "weight": 0}, {"name": "turning", "weight": 1}]
    called(caller, "POST", url(space, "main", "/experiment"), {"spec": {"candidates": candidates}})
    settled(caller, space, "main")
    assert shares(caller, space, "main", 5) == 0
    called(caller, "PUT", f"{space_url(space)}/models/m-turn", model("m-turn", "two"))
    settled(caller, space, "main")
    assert shares(caller, space, "main", 5) == 5


def test_two_pipelines_may_be_candidates_of_one_another(caller: Caller, space: str) -> None:
    pair(caller, space, "left", "right")
    for name, other in (("left", "right"), ("right", "left")):
        candidates = [{"name": name, "weight": 0}, {"name": other, "weight": 1}]
        called(caller, "POST", url(space, name, "/experiment"), {"spec": {"candidates": candidates}})
    assert settled(caller, space, "left")
    assert settled(caller, space, "right")
    assert shares(caller, space, "left", 5) == 5
    assert shares(caller, space, "right", 5) == 0


def test_an_explainer_is_kept_with_the_pipeline_and_says_that_it_does_not_run(caller: Caller, space: str) -> None:
    add_pipeline(caller, space, pipeline("told", [step("m-one")], "m-one"))
    path = url(space, "told", "/explainer")
    body = {"name": "told-why", "spec": {"storageUri": "s3://b/why", "explainer": {"type": "anchor_tabular"}}}
    assert called(caller, "PUT", path, body, 404)["code"] == 404
    made = called(caller, "POST", path, body)
    assert made["spec"] == body["spec"]
    assert made["status"]["conditions"][0]["reason"] == "NoRuntime"
    assert called(caller, "POST", path, body, 409)["message"].startswith("pipeline 'told' has an explainer already")
    body["spec"]["explainer"]["type"] = "tree_shap"
    called(caller, "PUT", path, body)
    assert called(caller, "GET", path)["spec"]["explainer"]["type"] == "tree_shap"
    assert "spec.explainer.type is missing" in called(caller, "PUT", path, {"spec": {}}, 400)["message"]
    called(caller, "DELETE", path)
    assert called(caller, "GET", path, status=404)["code"] == 404
    assert np.allclose(answers(caller, space, "told", ROW)["y"], np.array(ROW) * ONE)
