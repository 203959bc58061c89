"""Pipelines on a live server: what comes out is what numpy says."""

import json
from typing import Any

import numpy as np
import pytest
from flow_stand import add_model, add_pipeline, answers, model, pipeline, ready, space_url, step
from seldon_stand import namespace, upload
from small_models import affine, rows_above, side_by_side

from running import RunningServer
from wire import Caller, administrator

WIDTH = 3
ROWS = np.random.default_rng(5).normal(size=(4, WIDTH)).astype(np.float32)
_PAIR = {"m-above.outputs.below": "a", "pipeline.inputs.x": "b"}
UPLOADS = {
    "double": affine(2.0, 0.0, WIDTH),
    "plus": affine(1.0, 1.0, WIDTH),
    "minus": affine(1.0, -1.0, WIDTH),
    "pair": side_by_side(WIDTH),
    "above": rows_above(0.0, WIDTH),
    "wide": affine(1.0, 0.0, 2 * WIDTH),
}


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> str:
    name, workspace = namespace(caller)
    for each, file in UPLOADS.items():
        upload(caller, workspace, each, file)
        add_model(caller, name, f"m-{each}", each)
    return name


def given(caller: Caller, space: str, document: dict[str, Any], rows: Any = ROWS, column: str = "x") -> Any:
    add_pipeline(caller, space, document)
    found = answers(caller, space, document["name"], rows.tolist(), column)
    return {name: np.array(values) for name, values in found.items()}


def test_a_chain(caller: Caller, space: str) -> None:
    steps = [step("m-double"), step("m-plus", "m-double")]
    got = given(caller, space, pipeline("chain", steps, "m-plus"))
    assert np.allclose(got["y"], ROWS * 2 + 1)


def test_steps_may_be_listed_in_any_order(caller: Caller, space: str) -> None:
    steps = [step("m-plus", "m-double.outputs.y"), step("m-double")]
    got = given(caller, space, pipeline("backwards", steps, "m-plus.outputs"))
    assert np.allclose(got["y"], ROWS * 2 + 1)


def test_a_join_by_a_tensor_map(caller: Caller, space: str) -> None:
    names = {"m-double.outputs.y": "a", "m-plus.outputs.y": "b"}
    steps = [step("m-double"), step("m-plus"), step("m-pair", "m-double", "m-plus", tensorMap=names)]
    got = given(caller, space, pipeline("join", steps, "m-pair"))
    assert np.allclose(got["difference"], ROWS * 2 - (ROWS + 1))


def test_tensors_of_one_name_are_joined_side_by_side(caller: Caller, space: str) -> None:
    steps = [step("m-double"), step("m-plus"), step("m-wide", "m-double", "m-plus")]
    got = given(caller, space, pipeline("fan-in", steps, "m-wide"))
    assert np.allclose(got["y"], np.hstack([ROWS * 2, ROWS + 1]))


def test_a_fan_out_gives_all_its_ends_apart(caller: Caller, space: str) -> None:
    steps = [step("m-double"), step("m-plus", "m-double"), step("m-minus", "m-double")]
    got = given(caller, space, pipeline("fan-out", steps, "m-plus", "m-minus"))
    assert np.allclose(got["m-plus.y"], ROWS * 2 + 1)
    assert np.allclose(got["m-minus.y"], ROWS * 2 - 1)


def test_the_output_names_its_tensors(caller: Caller, space: str) -> None:
    names = {"m-plus.outputs.y": "more", "m-minus.outputs.y": "less"}
    document = pipeline("named", [step("m-plus"), step("m-minus")], "m-plus", "m-minus", tensorMap=names)
    got = given(caller, space, document)
    assert np.allclose(got["more"] - got["less"], 2)


def test_a_step_takes_what_another_was_given(caller: Caller, space: str) -> None:
    after = step("m-minus", "m-plus.inputs.y", tensorMap={"m-plus.inputs.y": "x"})
    steps = [step("m-double"), step("m-plus", "m-double"), after]
    got = given(caller, space, pipeline("inputs", steps, "m-minus"))
    assert np.allclose(got["y"], ROWS * 2 - 1)


def test_columns_of_the_request_are_named_one_by_one(caller: Caller, space: str) -> None:
    names = {"pipeline.inputs.left": "a", "columns.inputs.right": "b"}
    one = step("m-pair", "pipeline.inputs.left", "columns.inputs.right", tensorMap=names)
    add_pipeline(caller, space, pipeline("columns", [one], "m-pair"))
    deployment = caller.ask('{ deployment(where: {deploy_id: {_eq: "columns"}}) { id } }')["deployment"][-1]
    path = f"/v1/api/pipelines/infer/columns-{deployment['id']}/columns"
    body = [{"left": row.tolist(), "right": (row * 3).tolist()} for row in ROWS]
    got = np.array([row["out"]["difference"] for row in caller.post(path, body)])
    assert np.allclose(got, ROWS - ROWS * 3, atol=1e-6)


@pytest.mark.parametrize(("sign", "wanted"), [(1, 1.0), (-1, -1.0)])
def test_a_trigger_lets_one_way_run(caller: Caller, space: str, sign: int, wanted: float) -> None:
    steps = [
        step("m-above"),
        step("m-plus", "pipeline.inputs", triggers=["m-above.outputs.above"]),
        step("m-minus", "pipeline.inputs", triggers=["m-above.outputs.below"]),
    ]
    name = f"triggered-{'up' if sign > 0 else 'down'}"
    got = given(caller, space, pipeline(name, steps, "m-plus", "m-minus", stepsJoin="any"), np.abs(ROWS) * sign)
    assert np.allclose(got["y"], np.abs(ROWS) * sign + wanted)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_runs_with_the_first_that_gives_anything(caller: Caller, space: str, sign: int) -> None:
    either = step("m-double", "m-above.outputs.above", "m-above.outputs.below", inputsJoinType="any")
    name = f"either-{'up' if sign > 0 else 'down'}"
    rows = np.abs(ROWS) * sign
    got = given(caller, space, pipeline(name, [step("m-above"), either], "m-double"), rows)
    assert np.allclose(got["y"], rows * 2)


def test_a_request_that_leads_nowhere_is_told_so(caller: Caller, space: str) -> None:
    steps = [step("m-above"), step("m-plus", "m-above.outputs.above")]
    add_pipeline(caller, space, pipeline("nowhere", steps, "m-plus"))
    with pytest.raises(AssertionError, match="nothing reached the output: it waits for m-plus"):
        answers(caller, space, "nowhere", (-np.abs(ROWS)).tolist())


def test_every_way_of_a_fork_is_logged(caller: Caller, space: str) -> None:
    steps = [
        step("m-above"),
        step("m-plus", "m-above.outputs.above"),
        step("m-pair", "m-above.outputs.below", "pipeline.inputs.x", tensorMap=_PAIR),
    ]
    add_pipeline(caller, space, pipeline("fork", steps, "m-plus", "m-pair", stepsJoin="any"))
    for sign in (1, -1, 1):
        answers(caller, space, "fork", (np.abs(ROWS) * sign).tolist())
    workspaces = caller.post("/v1/api/workspaces/list", {})["workspaces"]
    workspace = next(each["id"] for each in workspaces if each["name"] == space)
    outputs = [next(iter(row["out"])) for row in logged(caller, f"workspace-{workspace}-pipeline-fork-inference")]
    assert outputs == ["y"] * len(ROWS) + ["difference"] * len(ROWS) + ["y"] * len(ROWS)


def logged(caller: Caller, topic: str) -> list[dict[str, Any]]:
    """All rows of the log; its pages end where their columns change."""
    rows, body = [], {}
    while body is not None:
        answer = caller.call("POST", f"/v1/logs/topic/{topic}/records", json=body, params={"page_size": 100})
        assert answer.status_code == 200, answer.text
        rows += answer.json()
        status = json.loads(answer.headers["x-iteration-status"])
        body = status["next"] if status["status"] != "All" else None
    return rows


def test_a_step_aside_leaves_the_answer_alone(caller: Caller, space: str) -> None:
    got = given(caller, space, pipeline("aside", [step("m-double"), step("m-plus", "m-double")], "m-double"))
    assert list(got) == ["y"]
    assert np.allclose(got["y"], ROWS * 2)


def test_a_changed_model_changes_the_pipelines_that_use_it(caller: Caller, space: str) -> None:
    add_model(caller, space, "m-moving", "double")
    path = f"{space_url(space)}/pipelines/moving"
    before = add_pipeline(caller, space, pipeline("moving", [step("m-moving"), step("m-plus", "m-moving")], "m-plus"))
    changed = caller.call("PUT", f"{space_url(space)}/models/m-moving", json=model("m-moving", "minus"))
    assert changed.status_code == 200, changed.text
    after = ready(caller, path)
    assert after["spec"] == before["spec"]
    got = answers(caller, space, "moving", ROWS.tolist())
    assert np.allclose(np.array(got["y"]), ROWS, atol=1e-6)


def test_a_model_in_use_cannot_be_changed_to_one_that_does_not_fit(caller: Caller, space: str) -> None:
    add_model(caller, space, "m-held", "double")
    add_pipeline(caller, space, pipeline("holder", [step("m-held"), step("m-plus", "m-held.outputs.y")], "m-plus"))
    refused = caller.call("PUT", f"{space_url(space)}/models/m-held", json=model("m-held", "pair"))
    assert refused.status_code == 409, refused.text
    assert "'holder' uses 'm-held', but would not run with this: spec.steps[1].inputs[0]" in refused.json()["message"]
    assert ready(caller, f"{space_url(space)}/models/m-held")["spec"]["storageUri"] == "double"
    assert np.allclose(np.array(answers(caller, space, "holder", ROWS.tolist())["y"]), ROWS * 2 + 1)


def test_a_model_in_use_cannot_be_deleted(caller: Caller, space: str) -> None:
    add_model(caller, space, "m-kept", "double")
    add_pipeline(caller, space, pipeline("keeper", [step("m-kept")], "m-kept"))
    refused = caller.call("DELETE", f"{space_url(space)}/models/m-kept", json={})
    assert refused.status_code == 409
    assert "'m-kept' is used by 'keeper'" in refused.json()["message"]
    assert caller.call("DELETE", f"{space_url(space)}/pipelines/keeper", json={}).status_code == 200
    assert caller.call("DELETE", f"{space_url(space)}/models/m-kept", json={}).status_code == 200
    assert caller.call("GET", f"{space_url(space)}/models/m-kept").status_code == 404


def test_a_pipeline_lists_its_models_flat_and_with_metadata(caller: Caller, space: str) -> None:
    add_pipeline(caller, space, pipeline("listing", [step("m-double"), step("m-plus", "m-double")], "m-plus"))
    items = caller.call("GET", f"{space_url(space)}/pipelines/listing/models").json()["items"]
    assert [item["name"] for item in items] == [item["metadata"]["name"] for item in items] == ["m-double", "m-plus"]
    listed = caller.call("GET", f"{space_url(space)}/pipelines").json()["items"]
    assert "listing" in [item["name"] for item in listed]
    assert "m-double" not in [item["name"] for item in listed]
