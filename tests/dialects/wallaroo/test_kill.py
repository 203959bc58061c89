"""``kill -9`` of the whole server at any moment: nothing that was answered is lost, and everything converges."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import deploying
import psutil
import pytest
import requests

from running import RunningServer, StartServer
from wire import Caller, administrator

ROW = {"tensor": [0.1] * 29}


class Traffic:
    """Threads that infer without a pause, each row with a number of its own; remembers which were answered."""

    def __init__(self, caller: Caller, namespace: str, first: int) -> None:
        self.answered: list[int] = []
        self._caller, self._namespace = caller, namespace
        self._numbers = iter(range(first, first + 10**9))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self._caller.token}"
            url = self._caller.url + deploying.path(self._namespace)
            while not self._stop.is_set():
                with self._lock:
                    number = next(self._numbers)
                try:
                    answer = session.post(url, json=[ROW | {"number": number}], timeout=5)
                except requests.RequestException:
                    continue  # killed before it answered: the row may be in the log or not
                if answer.status_code == 200:
                    self.answered.append(number)

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def logged(caller: Caller, workspace_id: int) -> list[int]:
    """The numbers of all rows in the log, page by page."""
    body = {"pipeline_name": "fraud", "workspace_id": workspace_id, "order": "asc", "page_size": 700}
    numbers: list[int] = []
    cursor = None
    while True:
        answer = caller.call("POST", "/v1/api/pipelines/get_logs", json=body | {"cursor": cursor})
        assert answer.status_code == 200, answer.text
        numbers += [row["in"]["number"] for row in answer.json()]
        cursor = answer.headers.get("x-iteration-cursor")
        if cursor is None:
            return numbers


@contextmanager
def killed(server: RunningServer) -> Iterator[None]:
    """Kill the whole tree at the end, and make sure that nothing of it is left."""
    yield
    processes = server.processes() if psutil.pid_exists(server.pid) else []
    server.kill()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_every_answered_row_is_in_the_log_exactly_once(start_server: StartServer) -> None:
    server = start_server(workers=2)
    caller = administrator(server)
    home = deploying.workspace(caller)
    namespace = deploying.running(caller, home, "ccfraud.onnx")
    answered: list[int] = []
    for round_ in range(3):
        with killed(server), Traffic(caller, namespace, round_ * 1_000_000) as traffic:
            time.sleep(0.2 + 0.3 * round_)
            server.kill()
        answered += traffic.answered
        server = start_server(workers=2, data=server.data)
        caller = administrator(server)
        deploying.wait(caller, namespace, "Running")
    found = logged(caller, home)
    assert len(answered) > 100
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1])
def test_what_was_deployed_or_undeployed_stays_so(start_server: StartServer, seconds: float) -> None:
    server = start_server(workers=2)
    caller = administrator(server)
    home = deploying.workspace(caller)
    going = deploying.running(caller, home, "ccfraud.onnx")
    model = deploying.upload(caller, home)
    made = deploying.pipeline(caller, home, model, name="second")
    with killed(server):
        coming = deploying.deploy(caller, made, "second")
        caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(going.rpartition("-")[2])})
        time.sleep(seconds)
    server = start_server(workers=2, data=server.data)
    caller = administrator(server)
    deploying.wait(caller, coming, "Running")
    deploying.wait(caller, going, "gone")
    assert caller.call("POST", deploying.path(coming), json=[ROW]).status_code == 200
    assert caller.call("POST", deploying.path(going), json=[ROW]).status_code == 404


def test_an_upload_cut_by_a_crash_leaves_nothing_in_the_way(start_server: StartServer) -> None:
    server = start_server()
    caller = administrator(server)
    home = deploying.workspace(caller)
    begun = threading.Event()

    def endless() -> Iterator[bytes]:
        data = (deploying.MODELS / "ccfraud.onnx").read_bytes()
        yield data[:1000]
        begun.set()
        time.sleep(2)
        yield data[1000:]

    def send() -> None:
        query = {"name": "cut", "filename": "cut.onnx", "workspace_id": home}
        with pytest.raises(requests.RequestException):
            caller.call("POST", "/v1/api/models/upload_stream", params=query, data=endless())

    sender = threading.Thread(target=send)
    with killed(server):
        sender.start()
        assert begun.wait(10)
        time.sleep(0.3)
    sender.join()
    server = start_server(data=server.data)
    caller = administrator(server)
    assert caller.post("/v1/api/models/list", {"workspace_id": home}) == {"models": []}
    assert deploying.upload(caller, home, name="cut")["name"] == "cut"


def test_the_loss_of_one_worker_is_mended(start_server: StartServer) -> None:
    server = start_server(workers=2)
    caller = administrator(server)
    home = deploying.workspace(caller)
    namespace = deploying.running(caller, home, "ccfraud.onnx")
    worker = next(process for process in server.processes() if "modelyard.server.worker" in process.cmdline())
    worker.kill()
    deadline = time.monotonic() + 10
    answers = []
    while time.monotonic() < deadline and len(answers) < 40:
        try:
            answers.append(caller.call("POST", deploying.path(namespace), json=[ROW]).status_code)
        except requests.ConnectionError:
            answers.append(0)  # it was with the one that died
        time.sleep(0.02)
    assert answers.count(200) >= 35
    model = deploying.upload(caller, home, "ccfraud_v2.onnx", "ccfraud")
    deploying.deploy(caller, deploying.pipeline(caller, home, model))
    deploying.wait(caller, namespace, "Running")
