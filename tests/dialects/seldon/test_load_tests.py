"""Load tests against a running server."""

from typing import Any

import pytest
from jobs_world import ROW, UNFINISHED, Site, site

from running import StartServer, eventually


@pytest.fixture(scope="module")
def here(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(start_module_server(), tmp_path_factory.mktemp("roots"))


def _ended(here: Site, name: str) -> dict[str, Any]:
    def seen() -> dict[str, Any]:
        return next(test for test in here.load_tests() if test["name"] == name)

    assert eventually(lambda: seen()["status"] not in UNFINISHED, 30), seen()
    return seen()


def test_so_many_requests_are_sent_and_measured(here: Site) -> None:
    answer = here.load(connectionsNumber="4", requestsNumber="200")
    assert answer.status_code == 200, answer.text
    test = _ended(here, answer.json()["message"])
    assert (test["status"], test["requests"], test["errors"]) == ("Succeeded", 200, 0)
    latency = test["latencyMilliseconds"]
    assert list(latency) == ["min", "mean", "p50", "p90", "p95", "p99", "max"]
    percentiles = [latency[name] for name in ("min", "p50", "p90", "p95", "p99", "max")]
    assert 0 < percentiles[0] < percentiles[-1] < 10_000
    assert percentiles == sorted(percentiles)
    assert percentiles[0] < latency["mean"] < percentiles[-1]
    assert (test["statuses"], test["path"]) == ({"200": 200}, f"/seldon/{here.namespace}/{here.name}/v2/models/infer")
    assert test["requestsPerSecond"] == pytest.approx(200 / test["seconds"], rel=0.05)
    assert (test["connectionsNumber"], test["requestsNumber"]) == (4, 200)


def test_it_ends_with_its_time(here: Site) -> None:
    name = here.load(duration="1.5s", connectionsNumber="2").json()["message"]
    test = _ended(here, name)
    assert test["seconds"] == pytest.approx(1.5, abs=0.5)
    assert test["requests"] > 10


def test_requests_that_the_deployment_refuses_are_counted_and_told(here: Site) -> None:
    name = here.load([{"wrong": 1}], requestsNumber="5").json()["message"]
    test = _ended(here, name)
    assert (test["status"], test["requests"], test["errors"]) == ("Failed", 5, 5)
    assert "no input tensor 'wrong'" in test["error"]
    assert test["statuses"] == {"400": 5}
    assert set(test["latencyMilliseconds"].values()) == {None}


def test_a_body_that_is_no_request_fails_with_the_reason(here: Site) -> None:
    test = _ended(here, here.load({"rows": 3}).json()["message"])
    assert test["status"] == "Failed"
    assert "a request is" in test["error"]


def test_one_that_is_deleted_while_it_runs_stops(here: Site) -> None:
    name = here.load(duration="300", connectionsNumber="1").json()["message"]
    assert eventually(lambda: here.load_tests()[0]["status"] == "Running", 20)
    assert here.call("DELETE", f"/loadtestjobs/{name}").status_code == 200
    assert name not in [test["name"] for test in here.load_tests()]
    after = here.load(requestsNumber="3").json()["message"]
    assert _ended(here, after)["status"] == "Succeeded"
    assert here.call("DELETE", f"/loadtestjobs/{name}").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"connectionsNumber": "65"}, "connectionsNumber"),
        ({"connectionsNumber": "0"}, "connectionsNumber"),
        ({"requestsNumber": "1000001"}, "requestsNumber"),
        ({"requestsNumber": "many"}, "requestsNumber"),
        ({"requestsNumber": "9" * 5000}, "requestsNumber"),
        ({"duration": "601"}, "duration"),
        ({"duration": "11m"}, "duration"),
        ({"duration": "-1s"}, "duration"),
        ({"duration": "soon"}, "duration"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bounds_are_kept(here: Site, form: dict[str, str], said: str) -> None:
    answer = here.load(**form)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_form_without_a_request_is_refused(here: Site) -> None:
    wrong: list[dict[str, Any]] = [
        {"json": {}},
        {"data": {"requestsNumber": "1"}},
        {"files": {"other": ("x", b"{}")}},
        {"files": {"loadFile": ("x", b"{no json")}},
        {"files": {"loadFile": ("x", b"")}},
        {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"data": b"", "headers": {"Content-Type": "multipart/form-data"}},
    ]
    for request in wrong:
        answer = here.call("POST", "/loadtestjobs", **request)
        assert answer.status_code == 400, f"{request}: {answer.text}"
        assert answer.json()["message"]
    large = {"loadFile": ("x", b"[" + b" " * 2**21 + b"]")}
    assert here.call("POST", "/loadtestjobs", files=large).status_code == 413


def test_the_file_may_hold_any_manner_of_request(here: Site) -> None:
    tensor = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": ROW}
    for body in ([{"tensor": ROW}], {"inputs": [tensor]}, {"data": {"ndarray": [ROW]}}):
        test = _ended(here, here.load(body, requestsNumber="2").json()["message"])
        assert (test["status"], test["requests"]) == ("Succeeded", 2)
