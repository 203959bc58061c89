"""Whatever dies, a job that was taken on is done, once and whole, or says why not."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from jobs_world import ROW, Site, site

from running import RunningServer, StartServer, eventually
from wire import administrator


def _runners(server: RunningServer) -> list[psutil.Process]:
    found = []
    for process in server.processes():
        try:
            if "modelyard.server.runner" in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _slow(here: Site, lines: int = 30) -> str:
    """A job that takes some seconds; its output is ``out.jsonl``."""
    source = here.file("in.jsonl", *([[value + at for value in ROW]] for at in range(lines)))
    return here.batch(inputData=source, outputData=here.uri("out.jsonl"), batchInterval=0.1)


def _under_way(here: Site, name: str) -> bool:
    return bool(here.seen(name)["linesDone"] > 0)


@pytest.fixture
def started(start_server: StartServer, tmp_path: Path) -> tuple[RunningServer, Site]:
    server = start_server(data_roots=f"{tmp_path}/roots/{{namespace}}", job_runners=1)
    return server, site(server, tmp_path / "roots")


def _whole(here: Site, lines: int = 30) -> None:
    answers = here.lines("out.jsonl")
    assert [answer["meta"]["tags"]["batch_index"] for answer in answers] == list(range(lines))
    assert all("data" in answer for answer in answers)


def _nothing_else(here: Site) -> None:
    assert sorted(path.name for path in here.folder.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_job_whose_runner_is_killed_is_taken_again_and_ends_whole(started: tuple[RunningServer, Site]) -> None:
    server, here = started
    name = _slow(here)
    assert eventually(lambda: _under_way(here, name), 20)
    assert not (here.folder / "out.jsonl").exists()
    for runner in _runners(server):
        runner.kill()
    ended = here.ended(name, 30)
    assert (ended["workflowStatus"], ended["linesDone"]) == ("Succeeded", 30)
    _whole(here)
    _nothing_else(here)


def test_a_job_whose_runners_die_again_and_again_is_given_up_with_the_reason(
    started: tuple[RunningServer, Site],
) -> None:
    server, here = started
    name = _slow(here, 400)

    def killed() -> bool:
        for runner in _runners(server):
            if _under_way(here, name):
                runner.kill()
        return bool(here.seen(name)["workflowStatus"] == "Error")

    assert eventually(killed, 60)
    assert "ended 3 times" in here.seen(name)["message"]
    assert not (here.folder / "out.jsonl").exists()
    quick = here.batch(inputData=here.file("in.jsonl", [ROW]), outputData=here.uri("out.jsonl"))
    assert here.ended(quick)["workflowStatus"] == "Succeeded"
    _whole(here, 1)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_job_outlives_its_server(start_server: StartServer, tmp_path: Path, how: str) -> None:
    roots = f"{tmp_path}/roots/{{namespace}}"
    first = start_server(data_roots=roots)
    here = site(first, tmp_path / "roots")
    name = _slow(here)
    assert eventually(lambda: _under_way(here, name), 20)
    pids = [process.pid for process in first.processes()]
    getattr(first, how)()
    assert eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    second = start_server(data=first.data, data_roots=roots)
    again = _signed_in(here, second)
    ended = again.ended(name, 30)
    assert (ended["workflowStatus"], ended["linesDone"]) == ("Succeeded", 30)
    _whole(again)
    _nothing_else(again)


def test_the_controller_may_be_killed_while_a_job_runs(started: tuple[RunningServer, Site]) -> None:
    server, here = started
    name = _slow(here)
    assert eventually(lambda: _under_way(here, name), 20)
    (runner,) = _runners(server)
    os.kill(runner.ppid(), signal.SIGKILL)
    assert eventually(lambda: not runner.is_running())
    assert here.ended(name, 60)["workflowStatus"] == "Succeeded"
    _whole(here)
    _nothing_else(here)


def _signed_in(here: Site, server: RunningServer) -> Site:
    return replace(here, server=server, caller=administrator(server))
