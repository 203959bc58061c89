"""The loop that serves a model in its own process, with the real process around it."""

import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model_stand as stand
import modelyard_runtime
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import Signature
from modelyard.engines.process.client import ProcessModel
from modelyard_runtime.serving import REST
from modelyard_runtime.wire import HEADER

SECONDS = 30


class Served:
    """A model in its process, without a sandbox and a host."""

    def __init__(self, folder: Path, model: bytes, command: str = "serve") -> None:
        self.folder = folder
        self.path = folder / "model.sock"
        (folder / "model.joblib").write_bytes(model)
        (folder / "scratch").mkdir()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self._command = command
        self._clients: list[ProcessModel] = []
        self._start()

    def _start(self) -> None:
        self.control, theirs = socket.socketpair()
        self.control.settimeout(SECONDS)
        config = {
            "loader": "sklearn",
            "path": str(self.folder / "model.joblib"),
            "file_name": "model.joblib",
            "inputs": stand.SIGNATURE["inputs"],
            "outputs": stand.SIGNATURE["outputs"],
            "scratch": str(self.folder / "scratch"),
            "socket_fd": self.listener.fileno(),
            "control_fd": theirs.fileno(),
        }
        (self.folder / "config.json").write_text(json.dumps(config))
        self.process = subprocess.Popen(
            [stand.python(), "-m", "modelyard_runtime", self._command, self.folder / "config.json"],
            env={"PYTHONPATH": str(Path(modelyard_runtime.__file__).parents[1]), "PATH": os.defpath},
            pass_fds=(self.listener.fileno(), theirs.fileno()),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self._lines = self.control.makefile("r")

    def start_again(self) -> None:
        """The next process at the same socket."""
        self._lines.close()
        self.control.close()
        self._start()

    def event(self, wanted: str) -> dict[str, Any]:
        """The next event of this kind."""
        return next(found for line in self._lines if (found := json.loads(line))["event"] == wanted)

    def model(self, until: float | None = None) -> ProcessModel:
        """A client; its requests are of no use after so many seconds."""
        end = None if until is None else time.monotonic() + until
        made = ProcessModel("apart", Signature.from_json(stand.SIGNATURE), self.folder, lambda: end)
        made.use([self.path.name])
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Whatever is left."""
        for client in self._clients:
            client.close()
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self.control.close()
        self.listener.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path, stand.own())
    try:
        yield made
    finally:
        made.close()


def rows(*row: float) -> dict[str, Any]:
    return {"inputs": np.array([row])}


def test_it_tells_its_signature_and_answers(served: Served) -> None:
    assert served.event("loaded")["inputs"] == stand.SIGNATURE["inputs"]
    (answer,) = served.model().run(rows(7, 1, 1, 1))
    assert answer.tolist() == [10]
    assert served.event("beat")["busy"] is False


def test_what_can_be_read_of_a_model_is_told_and_nothing_served(tmp_path: Path) -> None:
    made = Served(tmp_path, stand.linear(1.0), "inspect")
    try:
        assert made.event("loaded")["outputs"] == stand.SIGNATURE["outputs"]
        assert made.process.wait(SECONDS) == 0
    finally:
        made.close()


def test_a_file_that_is_no_model_is_told_as_such(tmp_path: Path) -> None:
    made = Served(tmp_path, b"nothing of the kind")
    try:
        assert made.event("failed")["message"]
        assert made.process.wait(SECONDS) == 1
    finally:
        made.close()


def test_a_request_that_nobody_waits_for_any_longer_is_not_run(served: Served) -> None:
    served.event("loaded")
    slow = threading.Thread(target=served.model().run, args=(rows(5, 2, 0, 0),))
    slow.start()
    while not served.event("beat")["busy"]:
        pass
    with pytest.raises(DomainError) as late:
        served.model(until=0.3).run(rows(7, 1, 1, 1))
    assert late.value.kind is ErrorKind.TIMED_OUT
    assert "apart" in late.value.message
    slow.join()
    served.model().run(rows(7, 0, 0, 0))
    counts = [served.event("beat")["done"] for _ in range(16)]
    assert counts[-1] == 2  # the slow one and the last one


def test_nonsense_ends_a_connection_and_not_the_process(served: Served) -> None:
    served.event("loaded")
    for nonsense in (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", HEADER.pack(1, 0, 1, 8) + b"12345678", b"\xff" * 1000):
        with socket.socket(socket.AF_UNIX) as strange:
            strange.settimeout(SECONDS)
            strange.connect(str(served.path))
            strange.sendall(nonsense)
            assert not _said(strange)
    assert served.model().run(rows(7, 1, 1, 1))[0].tolist() == [10]


def test_who_waits_is_answered_before_it_ends(served: Served) -> None:
    served.event("loaded")
    answers: list[Any] = []
    client = served.model()
    threads = [threading.Thread(target=lambda: answers.append(client.run(rows(5, 0.3, 1, 1)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    while not served.event("beat")["busy"]:
        pass
    served.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    client.close()
    assert served.process.wait(SECONDS) == 0


def test_one_that_is_told_to_rest_answers_what_has_come_and_leaves_the_rest_to_the_next(served: Served) -> None:
    served.event("loaded")
    answers: list[Any] = []
    over = threading.Event()

    def ask(client: ProcessModel) -> None:
        while not over.is_set():
            answers.append(client.run(rows(7, 1, 1, 1))[0].tolist())

    threads = [threading.Thread(target=ask, args=(served.model(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(answers) < 200:
        time.sleep(0.001)
    served.control.send(REST)
    assert served.process.wait(SECONDS) == 0
    before, waiting = len(answers), served.listener
    with selectors.DefaultSelector() as looking:
        looking.register(waiting, selectors.EVENT_READ)
        assert looking.select(SECONDS)  # the host sees that somebody comes
    served.start_again()
    served.event("loaded")
    while len(answers) < before + 50:
        time.sleep(0.001)
    over.set()
    for thread in threads:
        thread.join()
    assert all(answer == [10] for answer in answers)
    assert len([answer for answer in answers[before:] if answer]) >= 50


def test_requests_that_wait_are_counted(served: Served) -> None:
    served.event("loaded")
    client = served.model()
    threads = [threading.Thread(target=client.run, args=(rows(5, 0.7, 1, 1),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    most = max(served.event("beat")["waiting"] for _ in range(8))
    for thread in threads:
        thread.join()
    assert most in (1, 2, 3)  # of those that connect, one stands for all while a request runs
    assert any(not served.event("beat")["waiting"] for _ in range(20))  # some beats were told before


def test_it_ends_when_nobody_watches_over_it(served: Served) -> None:
    served.event("loaded")
    served.control.shutdown(socket.SHUT_RDWR)
    assert served.process.wait(SECONDS) == 1


def test_a_process_that_dies_in_the_middle_makes_the_model_unavailable(served: Served) -> None:
    served.event("loaded")
    with pytest.raises(DomainError) as lost:
        served.model().run(rows(1, 0, 0, 0))
    assert lost.value.kind is ErrorKind.UNAVAILABLE
    assert "apart" in lost.value.message


def test_a_replica_that_cannot_be_reached_is_passed_over(served: Served) -> None:
    served.event("loaded")
    client = served.model()
    client.use(["nobody.sock", served.path.name])
    assert [client.run(rows(7, 1, 1, n))[0].tolist() for n in range(3)] == [[9], [10], [11]]
    client.use(["nobody.sock"])
    with pytest.raises(DomainError) as nobody:
        client.run(rows(7, 1, 1, 1))
    assert nobody.value.kind is ErrorKind.UNAVAILABLE


def _said(connection: socket.socket) -> bytes:
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection, selectors.EVENT_READ)
        assert waiting.select(SECONDS)
    try:
        return connection.recv(100)
    except ConnectionResetError:
        return b""
