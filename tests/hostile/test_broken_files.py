"""What is kept is damaged, exchanged, or uploaded by many at once: nothing is served that is not what was uploaded."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hostile_kit as kit
import pytest

import model_stand as stand
from dialects.wallaroo import deploying
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator

ECHO = "def load(folder): return lambda inputs: {'outcome': inputs['attack']}\n"


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    data = tmp_path_factory.mktemp("broken") / "data"
    kit.share_environments(data)
    started = start_module_server(data=data)
    assert started.url
    return started


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> int:
    return deploying.workspace(caller)


def flip(path: Path) -> None:
    """One bit of it."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))


def blob(server: RunningServer, sha: str) -> Path:
    return server.data / "blobs" / sha[:2] / sha


def undeploy(server: RunningServer, caller: Caller, namespace: str) -> None:
    """Until its processes have ended, too: one that still runs has read what was intact, and may be taken again."""
    caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(namespace.rpartition("-")[2])})
    assert eventually(lambda: deploying.status(caller, namespace) == "gone", 30)
    assert eventually(lambda: not stand.processes(server.data, namespace), 30)


def made(caller: Caller, space: int, name: str) -> Any:
    kit.uploaded(caller, space, name, kit.custom(f"{ECHO}# {name}"))
    return kit.outcome(caller, space, name)


def test_a_damaged_upload_is_not_deployed_even_where_it_ran_before(
    server: RunningServer, caller: Caller, space: int
) -> None:
    ready = made(caller, space, "damaged")
    namespace = kit.deployed(caller, space, ready, "damaged")
    sha = ready["file"]["sha256"]
    undeploy(server, caller, namespace)
    flip(blob(server, sha))
    namespace = stand.deploy(caller, space, kit.step(ready), "damaged")
    deploying.wait(caller, namespace, "Error", 60)
    told = kit.sidekick(caller, namespace)["reason"]
    assert f"the stored file {sha} is damaged" in told
    assert str(server.data) not in told


def test_a_damaged_onnx_model_is_not_deployed_even_where_it_ran_before(
    server: RunningServer, caller: Caller, space: int
) -> None:
    model = deploying.upload(caller, space, "ccfraud.onnx", "flipped")
    pipeline = deploying.pipeline(caller, space, model, name="flipped")
    namespace = deploying.deploy(caller, pipeline, "flipped")
    deploying.wait(caller, namespace, "Running")
    undeploy(server, caller, namespace)
    flip(blob(server, model["sha"]))
    namespace = deploying.deploy(caller, pipeline, "flipped")
    deploying.wait(caller, namespace, "Error", 60)
    shown = json.dumps(caller.post("/v1/api/status/get_deployment", {"name": namespace}))
    assert model["sha"] in shown
    assert "damaged" in shown


def test_a_file_that_is_exchanged_while_it_is_served_is_noticed_when_it_is_loaded_again(
    server: RunningServer, caller: Caller, space: int
) -> None:
    ready = made(caller, space, "exchanged")
    namespace = kit.deployed(caller, space, ready, "exchanged")
    place = blob(server, ready["file"]["sha256"])
    other = kit.custom("def load(folder): return lambda inputs: {'outcome': inputs['attack'] + 'evil'}\n")
    beside = place.with_name("beside")
    beside.write_bytes(other)
    beside.replace(place)
    answer = kit.asked(caller, namespace, "x")
    assert answer.status_code == 200
    assert "evil" not in answer.text
    (pid,) = [each.pid for each in stand.processes(server.data, namespace)]
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    assert eventually(lambda: "damaged" in str(kit.sidekick(caller, namespace)["reason"]), 60)
    assert kit.asked(caller, namespace, "x").status_code == 503
    undeploy(server, caller, namespace)


def test_one_name_uploaded_by_many_at_once_gives_a_version_to_each(caller: Caller, space: int) -> None:
    contents = [kit.custom(f"{ECHO}# {number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: kit.send(caller, space, "crowd", "m.zip", each), contents))
    assert [answer.status_code for answer in answers] == [202] * 6
    found = [caller.call("GET", f"/api/v1/models/{space}/crowd/versions/{number}").json() for number in range(1, 7)]
    assert len({each["file"]["sha256"] for each in found}) == len({each["version"] for each in found}) == 6


def test_a_version_is_not_changed_by_another_upload(server: RunningServer, caller: Caller, space: int) -> None:
    first = made(caller, space, "kept")
    kit.uploaded(caller, space, "kept", kit.custom(f"{ECHO}# another"))
    again = caller.call("GET", f"/api/v1/models/{space}/kept/versions/1").json()
    assert (again["version"], again["file"]) == (first["version"], first["file"])
