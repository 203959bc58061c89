"""The same answers when the server keeps its rows in PostgreSQL."""

from typing import Any

import pytest

from running import StartServer
from wire import Caller, administrator

API = "/api/2.0/mlflow"


@pytest.fixture
def caller(start_server: StartServer, fresh_postgres_url: str) -> Caller:
    return administrator(start_server(database=fresh_postgres_url))


def made_runs(caller: Caller) -> tuple[str, list[str]]:
    """An experiment with four runs: two with a metric, one with NaN, one without."""
    experiment = caller.post(f"{API}/experiments/create", {"name": "Alpha"})["experiment_id"]
    runs = []
    for number, value in enumerate((0.2, 0.9, "NaN", None)):
        body = {"experiment_id": experiment, "start_time": 1000 + number, "run_name": f"Run_{number}"}
        run = caller.post(f"{API}/runs/create", body)["run"]["info"]["run_id"]
        if value is not None:
            caller.post(f"{API}/runs/log-metric", {"run_id": run, "key": "acc", "value": value, "timestamp": 1})
        caller.post(f"{API}/runs/log-parameter", {"run_id": run, "key": "Kind", "value": "A%b" if number else "axb"})
        runs.append(run)
    return experiment, runs


def test_runs_are_searched_filtered_and_ordered(caller: Caller) -> None:
    experiment, runs = made_runs(caller)

    def found(**asked: Any) -> list[int]:
        answer = caller.post(f"{API}/runs/search", {"experiment_ids": [experiment], **asked})
        return [runs.index(run["info"]["run_id"]) for run in answer.get("runs", [])]

    assert found() == [3, 2, 1, 0]
    assert found(order_by=["metrics.acc ASC"]) == [0, 1, 2, 3]
    assert found(order_by=["metrics.acc DESC"]) == [1, 0, 2, 3]
    assert found(filter="metrics.acc > 0.1", order_by=["metrics.acc DESC"]) == [1, 0]
    assert found(filter="metrics.acc != 0.2") == [2, 1]
    assert found(filter="params.Kind LIKE 'A%'") == [3, 2, 1]
    assert found(filter="params.Kind ILIKE 'a_b'") == [3, 2, 1, 0]
    assert found(filter="attributes.run_name = 'Run_2'") == [2]
    assert found(max_results=2, order_by=["attributes.start_time ASC"]) == [0, 1]


def test_experiments_models_and_artifacts_are_kept(caller: Caller) -> None:
    experiment, (run, *_) = made_runs(caller)
    names = [e["name"] for e in caller.post(f"{API}/experiments/search", {"max_results": 10})["experiments"]]
    assert names == ["Alpha", "Default"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a/b.txt"
    put = caller.call("PUT", path, data=b"hello")
    assert put.status_code == 200, put.text
    assert caller.call("GET", path).content == b"hello"
    listed = caller.call("GET", f"{API}/artifacts/list", params={"run_id": run}).json()
    assert listed["files"] == [{"path": "a", "is_dir": True}]
    caller.post(f"{API}/registered-models/create", {"name": "m"})
    for expected in ("1", "2"):
        made = caller.post(f"{API}/model-versions/create", {"name": "m", "source": f"runs:/{run}/a"})
        assert made["model_version"]["version"] == expected
    caller.post(f"{API}/registered-models/alias", {"name": "m", "alias": "best", "version": "1"})
    found = caller.call("GET", f"{API}/registered-models/alias", params={"name": "m", "alias": "best"}).json()
    assert found["model_version"]["version"] == "1"
    renamed = caller.post(f"{API}/registered-models/rename", {"name": "m", "new_name": "n"})
    assert [v["version"] for v in renamed["registered_model"]["latest_versions"]] == ["2"]
    assert caller.call("DELETE", f"{API}/registered-models/delete", json={"name": "n"}).status_code == 200


def test_lists_are_filtered_by_grants(caller: Caller) -> None:
    made_runs(caller)
    caller.post(f"{API}/users/create", {"username": "grace", "password": "a long enough password"})
    hidden = caller.post(f"{API}/experiments/create", {"name": "hidden"})["experiment_id"]
    denial = {"experiment_id": hidden, "username": "grace", "permission": "NO_PERMISSIONS"}
    caller.post(f"{API}/experiments/permissions/create", denial)
    grace = Caller(caller.url)
    answer = grace.call(
        "POST", f"{API}/experiments/search", json={"max_results": 10}, auth=("grace", "a long enough password")
    )
    assert [experiment["name"] for experiment in answer.json()["experiments"]] == ["Alpha", "Default"]
