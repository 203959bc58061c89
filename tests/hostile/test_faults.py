"""Processes die, the disk is full, packages cannot be had, the sandbox is not there: what goes on, and what is said."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hostile_kit as kit
import psutil
import pytest

import model_stand as stand
from dialects.wallaroo import deploying
from load import load
from running import RunningServer, StartServer, environment, eventually, program
from wire import Caller, administrator

ECHO = "def load(folder): return lambda inputs: {'outcome': inputs['attack']}\n"
ROW = [{"attack": "x"}]


def running(server: RunningServer, caller: Caller, space: int) -> str:
    """A deployment of a model in a process."""
    kit.uploaded(caller, space, "echo", kit.custom(ECHO))
    return kit.deployed(caller, space, kit.outcome(caller, space, "echo"), "echo")


def answers(caller: Caller, namespace: str, rows: Any = ROW) -> bool:
    with suppress(OSError):
        return bool(caller.call("POST", deploying.path(namespace), json=rows).status_code == 200)
    return False


def processes(server: RunningServer, module: str) -> list[psutil.Process]:
    found = []
    for process in server.processes():
        with suppress(psutil.Error):
            if module in process.cmdline():
                found.append(process)
    return found


def kill(server: RunningServer, role: str) -> None:
    victim = processes(server, f"modelyard.server.{role}")[0]
    victim.kill()
    assert eventually(lambda: not victim.is_running())


def test_a_model_survives_the_death_of_everybody_around_it(start_server: StartServer, tmp_path: Path) -> None:
    data = tmp_path / "data"
    kit.share_environments(data)
    server = start_server(data=data, workers=2)
    caller = administrator(server)
    namespace = running(server, caller, deploying.workspace(caller))
    for role in ("controller", "models"):
        with load(caller, deploying.path(namespace), ROW, connections=2) as said:
            time.sleep(0.3)
            kill(server, role)
            time.sleep(1.5)
        assert all(status == 503 for status, _ in said.failed()), said.failed()
        assert eventually(lambda: answers(caller, namespace), 30), role
    kill(server, "worker")  # connections to it are cut; that is what a client sees of it
    assert eventually(lambda: answers(caller, namespace), 30)
    server.kill()
    again = administrator(start_server(data=data, workers=1))
    deploying.wait(again, namespace, "Running", 60)
    assert answers(again, namespace)


def test_a_server_that_is_told_to_end_while_models_load_ends_and_leaves_nothing(
    start_server: StartServer, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    kit.share_environments(data)
    server = start_server(data=data)
    caller = administrator(server)
    space = deploying.workspace(caller)
    slow = "import sys, time, json\nif 'socket_fd' in json.load(open(sys.argv[2])): time.sleep(60)\n" + ECHO
    kit.uploaded(caller, space, "slow", kit.custom(slow))
    stand.deploy(caller, space, kit.step(kit.outcome(caller, space, "slow")), "slow")
    kit.uploaded(caller, space, "hanging", kit.custom("import time\ntime.sleep(600)\n" + ECHO))
    assert eventually(lambda: len(processes(server, "modelyard_runtime")) >= 2, 60)
    tree = server.processes()
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 20
    assert not psutil.wait_procs(tree, 5)[1]
    again = start_server(data=data)
    caller = administrator(again)
    assert eventually(lambda: kit.details(caller, space, "hanging")["status"] == "preparing", 30)


def test_packages_that_cannot_be_had_are_said_to_be_and_nothing_waits_for_them(start_server: StartServer) -> None:
    server = start_server(package_index="http://name:secret@127.0.0.1:1/simple")
    caller = administrator(server)
    space = deploying.workspace(caller)
    kit.uploaded(caller, space, "echo", kit.custom(ECHO))
    found = kit.outcome(caller, space, "echo")
    assert found["error"].startswith("stage environment: ")
    assert "secret" not in str(found) + kit.said_by(server)
    assert deploying.running(caller, space, "ccfraud.onnx")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can give up a right")
def test_code_is_refused_at_its_upload_and_at_its_deployment_where_the_sandbox_is_too_weak(
    start_server: StartServer, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    kit.share_environments(data)
    server = start_server(data=data)
    caller = administrator(server)
    space = deploying.workspace(caller)
    namespace = running(server, caller, space)
    assert kit.sidekick(caller, namespace)["statuses"].strip().endswith(("restricted", "isolated"))
    assert server.stop() == 0
    weak = _weak(server, data, tmp_path / "weak")
    try:
        caller = administrator(weak)
        deploying.wait(caller, namespace, "Error", 60)
        assert "must be isolated" in kit.sidekick(caller, namespace)["reason"]
        refused = kit.send(caller, space, "later", "m.zip", kit.custom(ECHO))
        assert refused.status_code == 409
        assert "models that bring code are not run on this server: its sandbox reaches restricted" in refused.text
        assert deploying.running(caller, space, "ccfraud.onnx")
    finally:
        weak.kill()


def _weak(before: RunningServer, data: Path, output: Path) -> RunningServer:
    """Without bubblewrap and without the right to make namespaces."""
    environ = environment(
        MODELYARD_ADMIN_PASSWORD=before.admin_password,
        MODELYARD_DATA=str(data),
        MODELYARD_PORT="0",
        MODELYARD_WORKERS="1",
        MODELYARD_SANDBOX_MINIMUM="isolated",
        PATH=str(Path(program("modelyard")).parent),
    )
    setpriv = [str(shutil.which("setpriv")), "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    return RunningServer([*setpriv, program("modelyard"), "serve"], environ, data, output)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose data folder is a disk of its own, seen by it alone."""
    data = tmp_path / "data"
    data.mkdir()
    mounted = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=48m none "$0" && exec "$@"', str(data)]
    probe = subprocess.run([*mounted, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no disk can be mounted here")
    environ = environment(
        MODELYARD_ADMIN_PASSWORD="of-the-small-disk",
        MODELYARD_DATA=str(data),
        MODELYARD_PORT="0",
        MODELYARD_WORKERS="1",
    )
    server = RunningServer([*mounted, program("modelyard"), "serve"], environ, data, tmp_path / "small")
    yield server
    server.kill()


def test_a_full_disk_refuses_what_must_be_kept_and_answers_go_on(small_disk: RunningServer) -> None:
    caller = administrator(small_disk)
    space = deploying.workspace(caller)
    namespace = deploying.running(caller, space, "ccfraud.onnx")
    row = [{"tensor": [0.1] * 29}]
    assert answers(caller, namespace, row)
    filled = _filled(small_disk)
    query = {"name": "more", "filename": "m.onnx", "workspace_id": space, "visibility": "private"}
    for _ in range(3):
        answer = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=b"x" * 2**20)
        assert answer.status_code in (503, 507), answer.text
        assert str(small_disk.data) not in answer.text
    statuses = {caller.call("POST", deploying.path(namespace), json=row).status_code for _ in range(20)}
    assert statuses == {200}
    refused = kit.send(caller, space, "echo", "m.zip", kit.custom(ECHO))
    assert refused.status_code in (202, 503, 507), refused.text
    assert caller.call("POST", "/v1/api/workspaces/list", json={}).status_code == 200
    filled.unlink()
    assert eventually(lambda: bool(deploying.upload(caller, space)), 30)
    kit.uploaded(caller, space, "wide", kit.custom(ECHO))  # its packages are larger than the disk
    found = kit.outcome(caller, space, "wide")
    assert found["error"].startswith("stage environment: "), found
    assert "space" in found["error"], found
    assert answers(caller, namespace, row)
    assert eventually(lambda: bool(deploying.upload(caller, space)), 30)


def _filled(server: RunningServer) -> Path:
    """The file that takes all the room of the server's disk."""
    path = Path(f"/proc/{server.pid}/root{server.data}/filled")
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path
