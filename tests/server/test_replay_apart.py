"""Replays by versions whose models run in processes of their own."""

import time
from pathlib import Path
from typing import Any

import pytest

import model_stand as stand
from dialects.wallaroo import deploying
from running import RunningServer, StartServer
from wire import Caller, administrator


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    data = tmp_path_factory.mktemp("replay") / "data"
    stand.use_environments(data)
    return start_module_server(data=data)


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(server: RunningServer, caller: Caller) -> int:
    """A workspace with a pipeline ``apart`` that answered three rows, its newest version adding one to each."""
    workspace = deploying.workspace(caller)
    first = stand.upload(caller, server.data, workspace, stand.linear(5.0), "first")
    namespace = stand.running(caller, workspace, first, "apart")
    caller.post(deploying.path(namespace), [{"inputs": [n, 0.0, 0.0, 0.0]} for n in range(3)])
    second = stand.upload(caller, server.data, workspace, stand.linear(6.0), "second")
    deploying.pipeline(caller, workspace, second, name="apart")
    return workspace


def replayed(caller: Caller, space: int) -> dict[str, Any]:
    jobs = f"/api/v1/deployments/{space}/apart/replay"
    job: dict[str, Any] = caller.post(jobs, {}, status=201)
    until = time.monotonic() + 60
    while job["state"] in ("Pending", "Running") and time.monotonic() < until:
        time.sleep(0.2)
        job = caller.call("GET", f"{jobs}/{job['name']}").json()
    return job


def test_each_row_is_answered_in_a_process_that_ends_with_the_replay(
    server: RunningServer, caller: Caller, space: int
) -> None:
    job = replayed(caller, space)
    assert (job["state"], job["error"]) == ("Succeeded", None)
    report = job["report"]
    assert [report[name] for name in ("rows", "changed", "failed")] == [3, 3, 0]
    assert report["outputs"]["predictions"]["largestDifference"] == pytest.approx(1.0)
    assert list(Path(server.data, "run", "lent").iterdir()) == []


def test_a_model_that_cannot_be_loaded_fails_the_replay_with_the_reason(
    server: RunningServer, caller: Caller, space: int
) -> None:
    broken = stand.upload(caller, server.data, space, b"no pickle", "broken")
    deploying.pipeline(caller, space, broken, name="apart")
    job = replayed(caller, space)
    assert job["state"] == "Failed"
    assert "model broken cannot be loaded" in job["error"]
