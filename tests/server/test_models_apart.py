"""Models in processes of their own, on a server as a user starts it: they crash, hang and change, and it serves on."""

import json
import os
import re
import signal
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

import model_stand as stand
from dialects.wallaroo import deploying
from load import load
from modelyard.core.serving.entities import ModelProcess
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator

ROW = [{"inputs": [7.0, 1.0, 1.0, 1.0]}]
HANG_SECONDS = 3


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    data = tmp_path_factory.mktemp("apart") / "data"
    stand.use_environments(data)
    started = start_module_server(data=data, model_hang_seconds=HANG_SECONDS)
    assert started.url
    return started


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> int:
    return deploying.workspace(caller)


@pytest.fixture(scope="module")
def own(server: RunningServer, caller: Caller, space: int) -> dict[str, str]:
    """A model that does what the first number of a row says."""
    return stand.upload(caller, server.data, space, stand.own(), "own")


def only_process(server: RunningServer, namespace: str) -> ModelProcess:
    (found,) = stand.processes(server.data, namespace)
    return found


def answered(caller: Caller, namespace: str, *row: float) -> float:
    answer = caller.post(deploying.path(namespace), [{"inputs": list(row)}])
    value = answer[0]["out"]["predictions"]
    return float(value[0] if isinstance(value, list) else value)


def sidekicks(caller: Caller, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.post("/v1/api/status/get_deployment", {"name": namespace})["sidekicks"]
    return found


def test_it_answers_and_its_process_is_shown(server: RunningServer, caller: Caller, space: int) -> None:
    model = stand.upload(caller, server.data, space, stand.linear(5.0), "linear")
    namespace = stand.running(caller, space, model, "linear")
    assert answered(caller, namespace, 1, 1, 1, 1) == pytest.approx(15)
    assert answered(caller, namespace, 0, 0, 0, 2) == pytest.approx(13)
    (shown,) = sidekicks(caller, namespace)
    assert shown["name"].startswith("engine-sidekick-linear-")
    assert (shown["status"], shown["health"], shown["reason"]) == ("Running", "Running", None)


def test_requests_that_come_in_one_piece_are_answered_in_order(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "piped")
    assert answered(caller, namespace, 7, 1, 1, 1) == 10  # from now on the worker knows who asks
    place = urlsplit(server.url)
    with socket.create_connection((str(place.hostname), place.port), 10) as connection:
        asked = [[5.0, 0.2, 0.0, 1.0], [8.0, 1.0, 1.0, 1.0], [9.0, 1.0, 1.0, 1.0]]
        connection.sendall(b"".join(_request(caller, deploying.path(namespace), row) for row in asked))
        said = b""
        while said.count(b"predictions") < 3:
            said += connection.recv(65536)
    values = [float(each) for each in re.findall(rb'"predictions":\[?([\d.]+)', said)]
    assert values == [6.2, 11.0, 12.0]


def test_a_client_that_leaves_does_not_hold_up_others(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "leaving-early")
    assert answered(caller, namespace, 7, 1, 1, 1) == 10
    place = urlsplit(server.url)
    for _ in range(8):  # each would take half a second
        with socket.create_connection((str(place.hostname), place.port), 10) as connection:
            connection.sendall(_request(caller, deploying.path(namespace), [5.0, 0.5, 0.0, 1.0]))
            time.sleep(0.02)
    began = time.monotonic()
    assert answered(caller, namespace, 7, 1, 1, 1) == 10
    assert time.monotonic() - began < 3  # one was running; those that had not begun are not run


def test_an_exception_of_the_model_is_told_without_folders(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "raising")
    answer = caller.call("POST", deploying.path(namespace), json=[{"inputs": [3, 0, 0, 0]}])
    assert answer.status_code == 500
    assert "ValueError: no threes, says secret.py" in answer.text
    assert answered(caller, namespace, 7, 1, 1, 1) == 10
    assert only_process(server, namespace).restarts == 0


def test_only_requests_under_way_fail_when_a_process_is_killed(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "killed")
    with load(caller, deploying.path(namespace), ROW) as said:
        time.sleep(0.5)
        killed = only_process(server, namespace)
        assert killed.pid is not None
        os.killpg(killed.pid, signal.SIGKILL)
        at = time.monotonic()
        assert eventually(lambda: _is_new(only_process(server, namespace), killed), 30)
        time.sleep(0.5)
    assert len(said.failed()) <= 4, said.failed()
    assert all(status == 503 for status, _ in said.failed())
    assert any(asked > at and status == 200 for asked, status, _ in said.answers)
    assert only_process(server, namespace).restarts == 1


def test_a_request_that_kills_its_process_hurts_nobody_else(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    bad, good = stand.running(caller, space, own, "aborting"), stand.running(caller, space, own, "beside")
    answer = caller.call("POST", deploying.path(bad), json=[{"inputs": [1, 0, 0, 0]}])
    assert answer.status_code == 503
    assert "own" in answer.text
    assert answered(caller, good, 7, 1, 1, 1) == 10
    assert answered(caller, bad, 7, 1, 1, 1) == 10  # it waited until the process was back
    assert only_process(server, good).restarts == 0


def test_a_request_that_hangs_is_ended(server: RunningServer, caller: Caller, space: int, own: dict[str, str]) -> None:
    namespace = stand.running(caller, space, own, "hanging")
    began = time.monotonic()
    answer = caller.call("POST", deploying.path(namespace), json=[{"inputs": [2, 0, 0, 0]}])
    assert answer.status_code == 503
    assert time.monotonic() - began < HANG_SECONDS + 5
    assert answered(caller, namespace, 7, 1, 1, 1) == 10
    (shown,) = sidekicks(caller, namespace)
    assert "1 restarts" in shown["statuses"]


def test_a_model_that_takes_too_much_memory_is_stopped(caller: Caller, space: int, own: dict[str, str]) -> None:
    limits = {"limits": {"memory": "400Mi"}}
    namespace = stand.running(caller, space, own, "greedy", resources=limits)
    answer = caller.call("POST", deploying.path(namespace), json=[{"inputs": [4, 0, 0, 0]}])
    assert answer.status_code in (500, 503)
    assert answered(caller, namespace, 7, 1, 1, 1) == 10


def test_versions_change_under_load_without_a_failed_request(server: RunningServer, caller: Caller, space: int) -> None:
    models = [stand.upload(caller, server.data, space, stand.linear(offset), "changing") for offset in (0.0, 100.0)]
    namespace = stand.running(caller, space, models[0], "changing")
    with load(caller, deploying.path(namespace), ROW) as said:
        for model in (models[1], models[0], models[1]):
            assert stand.running(caller, space, model, "changing") == namespace
        time.sleep(0.3)
    assert not said.failed()
    assert answered(caller, namespace, 0, 0, 0, 0) == pytest.approx(100)
    assert eventually(lambda: len(stand.processes(server.data, namespace)) == 1)


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_served(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    broken = stand.upload(caller, server.data, space, b"no pickle at all", "broken")
    namespace = stand.running(caller, space, own, "staying")
    stand.deploy(caller, space, broken, "staying")
    deploying.wait(caller, namespace, "Error", 60)
    assert answered(caller, namespace, 7, 1, 1, 1) == 10
    (shown,) = sidekicks(caller, namespace)
    assert shown["status"] == "Failed"
    assert "cannot be loaded" in shown["reason"]
    assert stand.running(caller, space, own, "staying") == namespace


def test_a_model_that_takes_too_long_to_load_is_given_up(server: RunningServer, caller: Caller, space: int) -> None:
    slow = stand.upload(caller, server.data, space, stand.own("import time\ntime.sleep(60)"), "slow")
    namespace = stand.deploy(caller, space, slow, "slow", python={"load_timeout_millis": 500})
    deploying.wait(caller, namespace, "Error", 60)
    (shown,) = sidekicks(caller, namespace)
    assert "loading took longer than 0.5 s" in shown["reason"]


def test_a_host_that_is_killed_comes_back(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "hosted")
    before = only_process(server, namespace)
    (host,) = [each for each in server.processes() if "modelyard.server.models" in each.cmdline()]
    host.kill()
    assert eventually(lambda: any(_is_new(each, before) for each in stand.processes(server.data, namespace)), 60)
    assert eventually(lambda: _answers(caller, namespace), 10)
    assert before.pid is not None
    assert not psutil.pid_exists(before.pid)


def test_bad_resources_are_refused_with_the_field(caller: Caller, space: int, own: dict[str, str]) -> None:
    made = deploying.pipeline(caller, space, own, name="refused")
    body = {"deploy_id": "refused", "pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
    engine = {"resources": {"limits": {"memory": "much"}}}
    refused = caller.call("POST", "/v1/api/pipelines/deploy", json=body | {"engine_config": {"engine": engine}})
    assert refused.status_code == 400
    assert "engine.resources.limits.memory" in refused.text


def test_undeploying_ends_the_process(server: RunningServer, caller: Caller, space: int, own: dict[str, str]) -> None:
    namespace = stand.running(caller, space, own, "leaving")
    pid = only_process(server, namespace).pid
    assert pid is not None
    caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(namespace.rpartition("-")[2])})
    deploying.wait(caller, namespace, "gone")
    assert eventually(lambda: not psutil.pid_exists(pid), 15)
    assert eventually(lambda: not stand.processes(server.data, namespace))


def test_a_version_that_raises_in_its_process_is_rolled_back(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    good = stand.upload(caller, server.data, space, stand.linear(5.0), "returning")
    namespace = stand.running(caller, space, good, "returning")
    place = f"/api/v1/deployments/{space}/returning"
    assert caller.call("PUT", f"{place}/rollout-guard", json={}).status_code == 200

    def newest() -> dict[str, Any]:
        rollout: dict[str, Any] = caller.call("GET", f"{place}/rollouts").json()["items"][0]
        return rollout

    with load(caller, deploying.path(namespace), [{"inputs": [3.0, 0.0, 0.0, 0.0]}]) as said:
        stand.deploy(caller, space, own, "returning")
        assert eventually(lambda: newest()["state"] == "ROLLED_BACK", 60), newest()
        deploying.wait(caller, namespace, "Running", 60)
    assert newest()["reason"].startswith("error rate ")
    assert {status for status, _ in said.failed()} == {500}  # the model's own failures: no request was refused
    assert answered(caller, namespace, 3, 0, 0, 0) == pytest.approx(3 + 5)


def test_nothing_is_left_when_the_server_ends(server: RunningServer, caller: Caller, space: int) -> None:
    tree = server.processes()
    assert any("modelyard_runtime" in " ".join(each.cmdline()) for each in tree)
    assert server.stop() == 0
    _, alive = psutil.wait_procs(tree, 5)
    assert not alive


def _request(caller: Caller, path: str, row: list[float]) -> bytes:
    body = json.dumps([{"inputs": row}]).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {caller.token}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _is_new(now: ModelProcess, before: ModelProcess) -> bool:
    return now.state == "READY" and now.pid != before.pid


def _answers(caller: Caller, namespace: str) -> bool:
    return caller.call("POST", deploying.path(namespace), json=ROW).status_code == 200
