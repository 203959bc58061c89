"""A model whose code attacks: uploaded, prepared, deployed and asked over a running server, beside a neighbour."""

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hostile_kit as kit
import pytest

from dialects.wallaroo import deploying
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator

SECRET = f"canary-{secrets.token_hex(8)}"
HANG_SECONDS = 3
ROW = [{"attack": json.dumps(["threads"])}]

ATTACKER = """
import json, os, sys, time
import numpy as np
import attacks

def load(folder):
    kept = []

    def outcome(attack):
        name, *arguments = json.loads(attack or '["threads"]')
        if name == "exit": os._exit(0)
        if name == "raise_exit": raise SystemExit(0)
        if name == "segfault": import ctypes; ctypes.string_at(0)
        if name == "hang": time.sleep(3600)
        if name == "spin": attacks.spin()
        if name == "eat": kept.append(b"x" * (600 * 2**20))
        if name == "leak":
            while True: kept.append(open("/dev/null"))
        if name == "flood":
            for _ in range(200): print("flood " * 10_000, file=sys.stderr)
            return "flooded"
        if name == "close": os.closerange(3, 64)
        if name == "much": return "x" * 2**30
        if name == "texts": return "é" * 2**20
        try:
            return json.dumps(getattr(attacks, name)(*arguments), default=str)
        except (OSError, MemoryError, ValueError) as error:
            return f"stopped: {type(error).__name__}"

    def predict(inputs):
        first = json.loads(inputs["attack"][0] or '["threads"]')[0]
        if first == "no_rows": return {"outcome": np.array([], dtype=object)}
        if first == "more_rows": return {"outcome": np.array(["a", "b", "c"], dtype=object)}
        if first == "shape": return {"outcome": np.full((1, 2, 3), "a", dtype=object)}
        if first == "numbers": return {"outcome": np.array([np.nan])}
        if first == "nothing": return None
        return {"outcome": np.array([outcome(attack) for attack in inputs["attack"]], dtype=object)}

    return predict
"""


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("hostile") / "data"
    kit.share_environments(data)
    os.environ["CANARY_OF_THE_OPERATOR"] = SECRET
    started = start_module_server(data=data, model_hang_seconds=HANG_SECONDS, job_runners=2)
    assert started.url
    yield started
    del os.environ["CANARY_OF_THE_OPERATOR"]


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> int:
    return deploying.workspace(caller)


@pytest.fixture(scope="module")
def attacker(caller: Caller, space: int) -> Any:
    """The model, ready."""
    kit.uploaded(caller, space, "attacker", kit.custom(ATTACKER))
    return kit.outcome(caller, space, "attacker")


@pytest.fixture(scope="module")
def namespace(caller: Caller, space: int, attacker: Any) -> str:
    limits = {"limits": {"memory": "500Mi"}}
    return kit.deployed(caller, space, attacker, "attacking", resources=limits)


@pytest.fixture(scope="module")
def neighbour(caller: Caller, space: int, attacker: Any) -> str:
    """Another deployment of a model with code, which nobody attacks."""
    return kit.deployed(caller, space, attacker, "neighbour")


@pytest.fixture
def canary(server: RunningServer) -> Path:
    """A file beside what the server keeps."""
    path = server.data / "canary"
    path.write_text(SECRET)
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def listening() -> Iterator[dict[str, str]]:
    """Where nobody of a model should arrive: on the loopback, at a path, and at an abstract name."""
    name = f"\0hostile-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as folder, closing(socket.create_server(("127.0.0.1", 0))) as tcp:
        Path(folder).chmod(0o755)
        with closing(_unix(f"{folder}/s")) as path, closing(_unix(name)) as abstract:
            for each in (tcp, path, abstract):
                threading.Thread(target=_greet, args=(each,), daemon=True).start()
            yield {"tcp": str(tcp.getsockname()[1]), "path": f"{folder}/s", "abstract": name.replace("\0", "@")}


def _unix(name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen()
    return listener


def _greet(listener: socket.socket) -> None:
    try:
        while True:
            there, _ = listener.accept()
            there.sendall(SECRET.encode())
            there.close()
    except OSError:
        pass


def told(caller: Caller, namespace: str, *attack: str) -> str:
    answer = kit.asked(caller, namespace, *attack)
    assert answer.status_code == 200, answer.text
    value = answer.json()[0]["out"]["outcome"]
    return str(value[0] if isinstance(value, list) else value)


def answers(caller: Caller, namespace: str) -> bool:
    return bool(caller.call("POST", deploying.path(namespace), json=ROW).status_code == 200)


def recovered(caller: Caller, namespace: str) -> bool:
    """Whether it answers again."""
    return eventually(lambda: answers(caller, namespace), 40)


def calm(caller: Caller, namespace: str) -> bool:
    """The same, and a heartbeat has told so, without which the next death is one too many."""
    answered = recovered(caller, namespace)
    time.sleep(0.6)
    return answered


@pytest.mark.parametrize("name", ["canary", "modelyard.db", "run", "blobs"])
def test_the_data_folder_cannot_be_read(
    server: RunningServer, caller: Caller, namespace: str, canary: Path, name: str
) -> None:
    assert canary.exists()
    for attack in ("read", "list_folder"):
        assert told(caller, namespace, attack, str(server.data / name)).startswith("stopped"), name


def test_files_of_the_machine_cannot_be_read_or_written(caller: Caller, namespace: str, canary: Path) -> None:
    for path in ("/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/cwd/etc/passwd"):
        assert told(caller, namespace, "read", path).startswith("stopped"), path
    for path in (str(canary), f"{canary.parent}/new", "/tmp/hostile", "/usr/lib/hostile", "model.py"):  # noqa: S108
        told(caller, namespace, "write", path)
    assert canary.read_text() == SECRET
    assert not (canary.parent / "new").exists()
    assert not Path("/tmp/hostile").exists()  # noqa: S108
    assert told(caller, namespace, "remove", str(canary)).startswith("stopped")


def test_no_variable_of_the_server_is_seen(server: RunningServer, caller: Caller, namespace: str) -> None:
    seen = told(caller, namespace, "environment")
    assert "MODELYARD" not in seen
    for secret in (SECRET, server.admin_password, server.client_secret):
        assert secret not in seen


def test_nothing_can_be_reached(
    server: RunningServer, caller: Caller, namespace: str, listening: dict[str, str]
) -> None:
    port = server.url.rpartition(":")[2]
    for attack in (("tcp", port), ("tcp", listening["tcp"]), ("unix", listening["path"]), ("resolve", "example.com")):
        assert told(caller, namespace, *attack).startswith("stopped"), attack
    assert told(caller, namespace, "unix", listening["abstract"]).startswith("stopped")
    for path in (server.data / "run" / "models").glob("*.sock*"):
        assert told(caller, namespace, "unix", str(path)).startswith("stopped"), path


def test_no_other_process_can_be_killed(server: RunningServer, caller: Caller, namespace: str) -> None:
    before = {each.pid for each in server.processes()}
    for pid in (server.pid, 1 if os.geteuid() else server.pid):
        told(caller, namespace, "trace", str(pid))
        assert told(caller, namespace, "environment_of", str(pid)).startswith("stopped")
    for pid in sorted(before):
        kit.asked(caller, namespace, "peek", str(pid))
    assert before <= {each.pid for each in server.processes()}
    assert "stopped" in told(caller, namespace, "unshare", "user")
    assert "stopped" in told(caller, namespace, "mount")


def test_a_fork_bomb_hurts_nobody(caller: Caller, namespace: str, neighbour: str) -> None:
    answer = kit.asked(caller, namespace, "fork_bomb")  # it stops at a limit, or its processes take too much memory
    assert answer.status_code == 503 or int(answer.json()[0]["out"]["outcome"]) < 300, answer.text
    assert answers(caller, neighbour)
    assert recovered(caller, namespace), kit.sidekick(caller, namespace)


@pytest.mark.parametrize("attack", ["exit", "segfault", "hang", "spin", "eat"])
def test_what_ends_its_process_ends_nothing_else(
    server: RunningServer, caller: Caller, namespace: str, neighbour: str, attack: str
) -> None:
    assert calm(caller, namespace), kit.sidekick(caller, namespace)
    answer = kit.asked(caller, namespace, attack)
    assert answer.status_code in (500, 503, 504), answer.text
    assert "attacker" in answer.text
    _assert_no_path(server, answer.text)
    assert answers(caller, neighbour)
    assert recovered(caller, namespace), kit.sidekick(caller, namespace)
    _assert_no_path(server, json.dumps(kit.sidekick(caller, namespace)))


@pytest.mark.parametrize("attack", ["no_rows", "more_rows", "shape", "nothing", "raise_exit", "much", "leak", "close"])
def test_nonsense_is_an_error_and_no_answer(
    server: RunningServer, caller: Caller, namespace: str, neighbour: str, attack: str
) -> None:
    assert calm(caller, namespace), kit.sidekick(caller, namespace)
    answer = kit.asked(caller, namespace, attack)
    assert answer.status_code in (400, 413, 500, 503, 504), (attack, answer.text[:300])
    assert "attacker" in answer.text, answer.text
    _assert_no_path(server, answer.text)
    assert answers(caller, neighbour)
    assert recovered(caller, namespace), kit.sidekick(caller, namespace)


def test_numbers_where_texts_were_promised_do_not_come_through_as_numbers(caller: Caller, namespace: str) -> None:
    assert told(caller, namespace, "numbers") == "nan"


def test_large_texts_come_through(caller: Caller, namespace: str) -> None:
    assert len(told(caller, namespace, "texts")) == 2**20


def test_a_flood_of_words_is_cut_off(server: RunningServer, caller: Caller, namespace: str) -> None:
    before = len(kit.said_by(server))
    assert told(caller, namespace, "flood") == "flooded"
    assert answers(caller, namespace)
    assert len(kit.said_by(server)) - before < 100_000


def test_no_secret_is_in_what_the_server_wrote(server: RunningServer, caller: Caller, space: int) -> None:
    for text in (kit.said_by(server), json.dumps(kit.details(caller, space, "attacker"))):
        for secret in (SECRET, server.admin_password, server.client_secret):
            assert secret not in text


def _assert_no_path(server: RunningServer, text: str) -> None:
    for place in (server.data, Path(kit.__file__).parents[2], Path("/tmp")):  # noqa: S108
        assert str(place) not in text, text


@pytest.mark.alone
def test_neighbours_hardly_notice_the_attacks(caller: Caller, namespace: str, neighbour: str) -> None:
    calm = _slow_answers(caller, neighbour, [])
    attacked = _slow_answers(caller, neighbour, [("flood",), ("exit",), ("eat",), ("segfault",)] * 2, namespace)
    assert attacked < 2 * calm + 0.1


def _slow_answers(caller: Caller, neighbour: str, attacks: list[tuple[str, ...]], namespace: str = "") -> float:
    """Seconds that 99 of 100 answers of the neighbour needed at most, while attacks go on."""
    threads = [threading.Thread(target=kit.asked, args=(caller, namespace, *attack)) for attack in attacks]
    for thread in threads:
        thread.start()
    took = []
    while len(took) < 200 or any(thread.is_alive() for thread in threads):
        began = time.perf_counter()
        assert answers(caller, neighbour)
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) * 99 // 100]
