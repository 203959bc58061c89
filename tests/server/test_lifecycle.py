"""The tree as an operator lives with it: it becomes ready, loses processes, drains and ends."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import psutil

from running import RunningServer, StartServer, eventually


def gone(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def worker_of(server: RunningServer) -> psutil.Process:
    return psutil.Process(int(server.get("/pid")))


def slow_request(server: RunningServer, sign: Path) -> tuple[threading.Thread, list[str]]:
    """A request that takes a while, once it has arrived; its answer goes into the list."""
    answers: list[str] = []

    def ask() -> None:
        with contextlib.suppress(OSError):  # cut off
            answers.append(server.get(f"/slow?{sign}"))

    thread = threading.Thread(target=ask)
    thread.start()
    assert eventually(sign.exists)
    return thread, answers


def test_it_says_once_that_it_is_ready_and_then_answers(start_tree: StartServer, data: Path) -> None:
    server = start_tree(workers=2)

    assert server.get("/livez") == "ok"
    assert server.out.startswith(
        f"Modelyard is ready at http://127.0.0.1:{server.url.rpartition(':')[2]} (data {data}, 2"
    )
    assert server.out.count("\n") == 1
    assert len(server.processes()) == 4


def test_workers_load_while_the_controller_prepares(start_tree: StartServer, data: Path) -> None:
    data.mkdir()
    (data / "thorough").touch()  # the preparation waits for a worker that has loaded

    assert start_tree().get("/livez") == "ok"


def test_a_preparation_under_way_ends_with_the_server(start_tree: StartServer, data: Path) -> None:
    data.mkdir()
    for name in ("thorough", "idle"):
        (data / name).touch()
    server = start_tree()
    preparing = data / "preparing"
    assert eventually(lambda: preparing.exists() and preparing.read_text())
    process = psutil.Process(int(preparing.read_text()))

    server.stop()

    assert eventually(lambda: gone([process]))
    assert not (data / "prepared").exists()


def test_the_data_folder_is_for_its_owner_alone(start_tree: StartServer, data: Path) -> None:
    assert start_tree().url

    assert data.stat().st_mode & 0o777 == 0o700


def test_secrets_reach_the_controller_and_nobody_else(start_tree: StartServer, data: Path) -> None:
    server = start_tree()

    assert server.get("/secrets") == "(None, None)"
    assert (data / "prepared").read_text() == "correct horse"
    for process in server.processes():
        assert "correct horse" not in " ".join([*process.cmdline(), *process.environ().values()])


def test_children_run_with_few_allocator_arenas(start_tree: StartServer) -> None:
    assert start_tree().get("/arenas") == "2"


def test_the_supervisor_stays_small(start_tree: StartServer) -> None:
    server = start_tree()
    assert server.url

    assert psutil.Process(server.pid).memory_info().rss < 25 * 2**20


def test_a_request_under_way_is_finished_before_the_end(start_tree: StartServer, tmp_path: Path) -> None:
    server = start_tree(workers=2)
    thread, answers = slow_request(server, tmp_path / "arrived")

    exit_code = server.stop()
    thread.join()

    assert answers == ["ok"]
    assert exit_code == 0


def test_an_interrupt_from_the_terminal_drains_too(start_tree: StartServer) -> None:
    server = start_tree()
    processes = server.processes() if server.url else []

    server.signal(signal.SIGINT)

    assert server.wait() == 0
    assert gone(processes)


def test_one_wish_to_end_may_arrive_as_two_signals(start_tree: StartServer, tmp_path: Path) -> None:
    server = start_tree()
    thread, answers = slow_request(server, tmp_path / "arrived")

    server.signal(signal.SIGINT)
    assert eventually(lambda: "finishing what is under way" in server.err)
    server.signal(signal.SIGTERM)

    assert server.wait() == 0
    thread.join()
    assert answers == ["ok"]


def test_a_second_signal_does_not_wait(start_tree: StartServer, tmp_path: Path) -> None:
    server = start_tree()
    thread, answers = slow_request(server, tmp_path / "arrived")

    server.signal(signal.SIGTERM)
    time.sleep(1.2)
    server.signal(signal.SIGTERM)

    assert server.wait() == 1
    thread.join()
    assert answers == []


def test_draining_ends_at_its_limit(start_tree: StartServer, tmp_path: Path) -> None:
    server = start_tree(drain_seconds=0)
    thread, answers = slow_request(server, tmp_path / "arrived")

    exit_code = server.stop()
    thread.join()

    assert (exit_code, answers) == (0, [])


def test_a_killed_worker_is_replaced(start_tree: StartServer) -> None:
    server = start_tree()
    before = worker_of(server)

    before.kill()

    assert eventually(lambda: "worker-1 is ready again" in server.err)
    assert worker_of(server).pid != before.pid
    assert "worker-1 was ended by SIGKILL; starting it again in 0.1 s" in server.err


def test_a_killed_controller_is_replaced(start_tree: StartServer, data: Path) -> None:
    server = start_tree()
    assert eventually(lambda: server.url and (data / "rounds").exists() and (data / "rounds").read_text().split())

    os.kill(int((data / "rounds").read_text().split()[0]), signal.SIGKILL)

    assert eventually(lambda: len(set((data / "rounds").read_text().split())) == 2)


def test_periodic_work_that_fails_is_logged_in_one_line_and_goes_on(start_tree: StartServer, data: Path) -> None:
    server = start_tree()
    assert server.url
    (data / "stumble").touch()

    assert eventually(lambda: server.err.count("the periodic work failed") == 2)
    assert all(line.startswith("20") for line in server.err.splitlines())


def test_a_killed_supervisor_leaves_no_process(start_tree: StartServer) -> None:
    server = start_tree(workers=2)
    processes = server.processes() if server.url else []

    server.kill()

    assert len(processes) == 4
    assert eventually(lambda: gone(processes))


def test_a_server_can_start_where_another_was_killed(start_tree: StartServer) -> None:
    first = start_tree()
    assert first.url
    first.kill()

    assert start_tree().get("/livez") == "ok"
