"""Inference logs of deployments of any form, found by predictor and node, by time and page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flow_stand import add_model, add_pipeline, pipeline, ready, space_url, step
from monitor_stand import WIDTH, Space, row, space
from seldon_stand import BASE, expected, predictor, unit

from running import RunningServer, eventually
from wire import Caller, administrator, invite, sign_in

LOGS = f"{BASE}/inference-logs"


@pytest.fixture(scope="module")
def here(live_server: RunningServer) -> Space:
    return space(administrator(live_server))


def listed(here: Space, **query: str) -> list[dict[str, Any]]:
    answer = here.caller.call("GET", f"{LOGS}/seldondeployments", params={"namespace": here.name, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["inferenceLogs"]
    return found


def requests(here: Space, name: str, status: int = 200, **body: Any) -> Any:
    path = f"{LOGS}/namespace/{here.name}/seldondeployments/{name}"
    return here.caller.post(path, {"predictorName": "", "containerName": "", **body}, status)


def test_a_pipeline_of_wallaroos_has_its_requests_and_answers(here: Space) -> None:
    path = here.wallaroo("plain")
    for value in (0.25, 0.5):
        here.ask(path, [row(value), row(-value)])
    [item] = listed(here, deploymentName="plain")
    assert (item["namespace"], item["name"], item["count"]) == (here.name, "plain", 2)
    assert item["startTime"] <= item["endTime"]
    found = requests(here, "plain", predictorName=item["predictor"], containerName=item["container"])
    assert (found["namespace"], found["deploymentName"], found["totalCount"]) == (here.name, "plain", 2)
    newest, oldest = found["payloads"]
    assert newest["request"]["data"]["names"] == [f"tensor_{place}" for place in range(WIDTH)]
    assert newest["request"]["data"]["ndarray"] == [row(0.5), row(-0.5)]
    assert oldest["request"]["data"]["ndarray"] == [row(0.25), row(-0.25)]
    [names] = {tuple(payload["response"]["data"]["names"]) for payload in found["payloads"]}
    given = [values[0] for values in newest["response"]["data"]["ndarray"]]
    assert names
    assert given == pytest.approx(expected("ccfraud.onnx", [row(0.5), row(-0.5)])[0].reshape(-1).tolist(), abs=1e-6)
    assert newest["requestId"] != oldest["requestId"]


def test_a_request_is_found_by_the_id_that_its_answer_told(here: Space) -> None:
    path = here.seldon("told")
    answer = here.caller.call("POST", path, json={"data": {"ndarray": [row(1)]}}, headers={"Seldon-Puid": "mine-1"})
    assert answer.headers["seldon-puid"] == "mine-1"
    [payload] = requests(here, "told", predictorName="main", containerName="classifier")["payloads"]
    assert payload["requestId"] == payload["response"]["meta"]["puid"] == "mine-1"
    assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None


def test_predictors_are_told_apart_and_shadows_too(here: Space) -> None:
    split = [
        predictor("a", unit("left", "one"), traffic=50),
        predictor("b", unit("right", "two"), traffic=50),
        predictor("copy", unit("dark", "two"), shadow=True),
    ]
    path = here.seldon("split", *split)
    for value in range(30):
        here.ask(path, [row(value)])
    assert eventually(lambda: sum(item["count"] for item in listed(here, deploymentName="split")) == 60)
    counts = {(i["predictor"], i["container"]): i["count"] for i in listed(here, deploymentName="split")}
    assert set(counts) == {("a", "left"), ("b", "right"), ("copy", "dark")}
    assert counts["a", "left"] + counts["b", "right"] == counts["copy", "dark"] == 30
    assert [item["container"] for item in listed(here, predictorName="b")] == ["right"]
    assert [item["predictor"] for item in listed(here, containerName="dark")] == ["copy"]
    for (name, container), count in counts.items():
        page = requests(here, "split", predictorName=name, containerName=container, limit=1000)
        assert page["totalCount"] == len(page["payloads"]) == count


def test_pages_give_every_request_once_and_times_bound_them(here: Space) -> None:
    path = here.seldon("paged")
    for value in range(7):
        here.ask(path, [row(value)])
    seen, token = [], ""
    while True:
        page = requests(here, "paged", predictorName="main", limit=3, pageToken=token)
        assert page["totalCount"] == 7
        seen += [payload["request"]["data"]["ndarray"][0][0] for payload in page["payloads"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert requests(here, "paged", startTime=later)["totalCount"] == 0
    assert requests(here, "paged", endTime=later)["totalCount"] == 7


def test_the_model_of_a_pipeline_has_its_log(here: Space) -> None:
    here.ask(here.seldon("modelled"), [row(1)])
    query = {"namespace": here.name, "pipelineName": "modelled", "modelName": "classifier"}
    [item] = here.caller.call("GET", f"{LOGS}/models", params=query).json()["inferenceLogs"]
    assert (item["pipelineName"], item["modelName"], item["count"]) == ("modelled", "classifier", 1)
    path = f"{LOGS}/namespace/{here.name}/pipelines/modelled/models/classifier"
    found = here.caller.post(path, {"limit": 5})
    assert (found["modelName"], found["totalCount"], len(found["payloads"])) == ("classifier", 1, 1)


def test_models_and_pipelines_of_core_2_have_their_logs(here: Space) -> None:
    add_model(here.caller, here.name, "single", "one")
    add_pipeline(here.caller, here.name, pipeline("flow", [step("single")], "single"))
    ready(here.caller, f"{space_url(here.name)}/models/single")
    for name in ("single", "flow"):
        here.caller.post(f"/seldon/{here.name}/{name}/api/v1.0/predictions", {"data": {"ndarray": [row(1)]}})
        [item] = listed(here, deploymentName=name)
        assert (item["count"], requests(here, name, containerName=item["container"])["totalCount"]) == (1, 1)
    [item] = listed(here, deploymentName="single")
    assert item["container"] == "single"
    model = here.caller.post(f"{LOGS}/namespace/{here.name}/pipelines/single/models/single", {})
    assert model["totalCount"] == 1
    stats = here.caller.post(f"{here.path('flow', 'pipelines')}/monitor/featurestatistics", {"feature": "tensor_0"})
    assert stats["stats"]["avg"] == 1


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"predictorName": "never"}, 404, "main/classifier"),
        ({"containerName": "never"}, 404, "main/classifier"),
        ({"pageToken": "never"}, 400, "pageToken"),
        ({"limit": -1}, 400, "limit"),
        ({"startTime": "2026-03-01T12:00:00"}, 400, "offset"),
        ({"startTime": "yesterday"}, 400, "startTime"),
        ({"limit": "many"}, 400, "limit"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_the_field(here: Space, body: Any, status: int, said: str) -> None:
    if not listed(here, deploymentName="refusing"):
        here.ask(here.seldon("refusing"), [row(1)])
    assert said in requests(here, "refusing", status, **body)["message"]


def test_lists_leave_out_what_one_may_not_see(live_server: RunningServer, here: Space) -> None:
    stranger = invite(live_server, "nosy")
    caller: Caller = sign_in(live_server, stranger.email, stranger.password)
    assert caller.call("GET", f"{LOGS}/seldondeployments").json() == {"inferenceLogs": []}
    hidden = caller.call("POST", f"{LOGS}/namespace/{here.name}/seldondeployments/paged", json={})
    assert hidden.status_code == 404
