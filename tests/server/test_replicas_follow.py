"""Deployments whose replicas follow the load, and sleep, on a server as a user starts it."""

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
import requests

import model_stand as stand
from dialects.wallaroo import deploying
from load import load
from modelyard.core.serving.entities import Deployment, DeploymentEvent
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator

ROW = [{"inputs": [7.0, 1.0, 1.0, 1.0]}]
SLOW_ROW = [{"inputs": [5.0, 0.05, 1.0, 1.0]}]
"""Takes 50 ms."""
SLEEPY = {"type": "queue", "replica_min": 0, "replica_max": 1, "autoscaling_window": 1}
BETWEEN = {"type": "queue", "replica_min": 1, "replica_max": 3, "scale_up_queue_depth": 2, "autoscaling_window": 3}


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("follow") / "data"
    stand.use_environments(data)
    started = start_module_server(data=data, workers=2)
    assert started.url
    yield started
    started.stop()


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


def states(server: RunningServer, namespace: str) -> list[str]:
    return [str(each.state) for each in stand.processes(server.data, namespace)]


def asleep(server: RunningServer, namespace: str) -> bool:
    """Whether it sleeps, and its process has ended."""
    return [(each.state, each.pid) for each in stand.processes(server.data, namespace)] == [("ASLEEP", None)]


def events(server: RunningServer, namespace: str) -> list[str]:
    """The lines of its application log."""
    with stand.store_of(server.data) as store:
        deployment = store.run_read(lambda tx: tx.get(Deployment, int(namespace.rpartition("-")[2])))
        assert deployment is not None
        found = store.run_read(lambda tx: tx.find(DeploymentEvent, pipeline_id=deployment.pipeline_id))
    return [each.message for each in found]


def test_load_brings_more_and_quiet_takes_them_away_without_a_failed_request(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "following", autoscale=BETWEEN)
    assert states(server, namespace) == ["READY"]
    with load(caller, deploying.path(namespace), ROW, connections=2) as quiet:
        with load(caller, deploying.path(namespace), SLOW_ROW, connections=8, pause=0) as busy:
            assert eventually(lambda: states(server, namespace) == ["READY"] * 3, 60)
            time.sleep(1)
        assert eventually(lambda: states(server, namespace) == ["READY"], 60)
    assert not busy.failed()
    assert not quiet.failed()
    assert any("model own is scaled from 1 to 3: " in message for message in events(server, namespace))


@pytest.mark.alone
def test_processors_that_are_busy_bring_more(server: RunningServer, caller: Caller, space: int) -> None:
    between = {"type": "cpu", "replica_min": 1, "replica_max": 2, "cpu_utilization": 2, "autoscaling_window": 2}
    linear = stand.upload(caller, server.data, space, stand.linear(5.0), "linear")
    namespace = stand.running(caller, space, linear, "computing", autoscale=between)
    with load(caller, deploying.path(namespace), ROW, pause=0) as said:
        assert eventually(lambda: states(server, namespace) == ["READY"] * 2, 60)
    assert eventually(lambda: states(server, namespace) == ["READY"], 60)
    assert not said.failed()
    assert any("% of the processors are used" in message for message in events(server, namespace))


def test_it_sleeps_while_nobody_asks_and_wakes_for_whoever_does(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "sleeping", autoscale=SLEEPY)
    pid = stand.processes(server.data, namespace)[0].pid
    assert eventually(lambda: asleep(server, namespace), 20)
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert deploying.status(caller, namespace) == "Running"
    with load(caller, deploying.path(namespace), ROW, connections=6) as said:
        assert eventually(lambda: len(said.answers) > 20, 30)
    assert not said.failed()
    assert eventually(lambda: asleep(server, namespace), 20)
    assert any(message.endswith("falls asleep: nobody asked for 1 s") for message in events(server, namespace))


@pytest.mark.alone
def test_an_onnx_model_that_sleeps_answers_within_a_second(caller: Caller, space: int) -> None:
    model = deploying.upload(caller, space)
    namespace = stand.running(caller, space, model, "onnx", autoscale=SLEEPY)
    row = [{"tensor": [1.0] * 29}]
    answers = []
    for _ in range(3):
        time.sleep(2)  # the window and the time between two looks
        began = time.monotonic()
        answers.append(caller.call("POST", deploying.path(namespace), json=row))
        assert time.monotonic() - began < 1
    assert [answer.status_code for answer in answers] == [200] * 3
    told = "model model is asleep; the next request wakes it"
    assert eventually(
        lambda: (
            (details(caller, namespace), sleeping_models(caller, space)) == ([[told], [told]], [["model"], ["model"]])
        ),
        10,
    )
    assert deploying.status(caller, namespace) == "Running"
    with requests.Session() as session:  # over one connection, so that one of the workers is asked
        session.trust_env = False
        asking = {"headers": {"Authorization": f"Bearer {caller.token}"}, "json": row, "timeout": 30}

        def stays_awake() -> bool:
            assert session.post(caller.url + deploying.path(namespace), **asking).status_code == 200  # type: ignore[arg-type]
            return sorted(details(caller, namespace)) == [[], [told]]

        assert eventually(stays_awake, 10)


def sleeping_models(caller: Caller, space: int) -> list[list[str]]:
    """The models that sleep in each worker."""
    native = caller.call("GET", f"/api/v1/deployments/{space}/onnx").json()
    return [worker["asleep"] for worker in native["workers"]]


def details(caller: Caller, namespace: str) -> list[list[str]]:
    """What is said of each worker."""
    found = caller.post("/v1/api/status/get_deployment", {"name": namespace})
    return [engine["details"] for engine in found["engines"]]


@pytest.mark.alone
def test_falling_asleep_again_and_again_fails_no_request(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "napping", autoscale=SLEEPY)
    statuses = []
    for pause in (1.4, 1.5, 1.6, 1.7, 1.8, 1.9):  # about when it falls asleep
        statuses.append(caller.call("POST", deploying.path(namespace), json=ROW).status_code)
        time.sleep(pause)
    assert statuses == [200] * 6


def test_a_process_that_dies_while_it_wakes_is_started_again_for_the_same_request(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "dying", autoscale=SLEEPY)
    assert eventually(lambda: asleep(server, namespace), 20)
    with load(caller, deploying.path(namespace), ROW, connections=2) as said:
        assert eventually(lambda: stand.processes(server.data, namespace)[0].pid is not None)
        (waking,) = stand.processes(server.data, namespace)
        assert (waking.state, waking.pid is None) == ("STARTING", False)
        assert waking.pid is not None
        os.killpg(waking.pid, signal.SIGKILL)
        assert eventually(lambda: len(said.answers) > 4, 30)
    assert not said.failed()
    assert stand.processes(server.data, namespace)[0].restarts == 1


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is only one processor")
def test_a_limit_of_processors_is_one_of_whole_ones(
    server: RunningServer, caller: Caller, space: int, own: dict[str, str]
) -> None:
    namespace = stand.running(caller, space, own, "pinned", cpu=0.5, replicas=2)
    assert eventually(lambda: states(server, namespace) == ["READY"] * 2, 60)
    pids = [each.pid for each in stand.processes(server.data, namespace)]
    cores = [process.cpu_affinity() for pid in pids for process in [psutil.Process(pid)]]
    assert sorted(map(len, cores)) == [1, 1]
    assert cores[0] != cores[1]
    assert len(psutil.Process(server.pid).cpu_affinity()) == len(os.sched_getaffinity(0))


def test_one_that_sleeps_is_undeployed(server: RunningServer, caller: Caller, space: int, own: dict[str, str]) -> None:
    namespace = stand.running(caller, space, own, "leaving", autoscale=SLEEPY)
    assert eventually(lambda: asleep(server, namespace), 20)
    caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(namespace.rpartition("-")[2])})
    deploying.wait(caller, namespace, "gone")
    assert eventually(lambda: not stand.processes(server.data, namespace))


def test_one_that_sleeps_is_replaced(server: RunningServer, caller: Caller, space: int, own: dict[str, str]) -> None:
    namespace = stand.running(caller, space, own, "replaced", autoscale=SLEEPY)
    assert eventually(lambda: asleep(server, namespace), 20)
    linear = stand.upload(caller, server.data, space, stand.linear(5.0), "linear")
    assert stand.running(caller, space, linear, "replaced", autoscale=SLEEPY) == namespace
    answer = caller.post(deploying.path(namespace), [{"inputs": [1.0, 1.0, 1.0, 1.0]}])
    assert answer[0]["out"]["predictions"] == pytest.approx(15)


def test_it_sleeps_on_after_the_server_was_started_again(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("again") / "data"
    stand.use_environments(data)
    first = start_server(data=data)
    caller = administrator(first)
    space = deploying.workspace(caller)
    model = stand.upload(caller, data, space, stand.own(), "own")
    namespace = stand.running(caller, space, model, "again", autoscale=SLEEPY)
    assert eventually(lambda: asleep(first, namespace), 20)
    assert first.stop() == 0
    second = start_server(data=data)
    caller = administrator(second)
    deploying.wait(caller, namespace, "Running", 60)
    assert eventually(lambda: asleep(second, namespace), 30)
    assert caller.call("POST", deploying.path(namespace), json=ROW).status_code == 200
