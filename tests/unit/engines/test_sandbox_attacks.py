"""Hostile code in the sandbox gets at nothing: each attack, with a canary, on every level that claims to stop it."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from confined import WAYS, attempt, begin, need
from modelyard.engines.sandbox.confinement import Level
from modelyard.engines.sandbox.ways import Way

CANARY = "canary-4711"
LOCKED = [name for name, way in WAYS.items() if way.level >= Level.RESTRICTED]
OUT_OF_SIGHT = [name for name, way in WAYS.items() if way.level is Level.ISOLATED]


@pytest.fixture(params=LOCKED)
def locked(request: pytest.FixtureRequest) -> Way:
    """Each way to ``restricted`` and ``isolated``."""
    return need(request.param)


@pytest.fixture(params=OUT_OF_SIGHT)
def isolated(request: pytest.FixtureRequest) -> Way:
    """Each way to ``isolated``."""
    return need(request.param)


@pytest.fixture(params=list(WAYS))
def anyhow(request: pytest.FixtureRequest) -> Way:
    """Each way to each level."""
    return need(request.param)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The folder of a process."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file as the server keeps them, beside the scratch folder."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    file = folder / "modelyard.db"
    file.write_text(CANARY)
    return file


@pytest.fixture
def neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's user that has a secret."""
    child = subprocess.Popen(["/bin/sleep", "60"], env={"SECRET": CANARY})
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Servers of the machine, by where they listen; they greet with the canary."""
    sockets = {"tcp": socket.socket(), "path": socket.socket(socket.AF_UNIX), "abstract": socket.socket(socket.AF_UNIX)}
    addresses = {"path": str(tmp_path / "socket"), "abstract": f"@modelyard-{uuid4()}"}
    sockets["tcp"].bind(("127.0.0.1", 0))
    addresses["tcp"] = str(sockets["tcp"].getsockname()[1])
    for kind in ("path", "abstract"):
        sockets[kind].bind(addresses[kind].replace("@", "\0"))
    (tmp_path / "socket").chmod(0o777)
    ended = threading.Event()
    greeter = threading.Thread(target=_greet, args=(list(sockets.values()), ended))
    with ExitStack() as stack:
        for each in sockets.values():
            stack.enter_context(each).listen()
        greeter.start()
        yield addresses
        ended.set()
        greeter.join()


def _greet(listening: list[socket.socket], ended: threading.Event) -> None:
    while not ended.is_set():
        for ready in select.select(listening, [], [], 0.05)[0]:
            connection, _ = ready.accept()
            with connection:
                connection.sendall(CANARY.encode())


def test_the_attacks_succeed_where_nothing_stops_them(
    scratch: Path, data: Path, neighbour: subprocess.Popen[bytes], listener: dict[str, str]
) -> None:
    open_way = WAYS["process"]
    assert attempt(open_way, scratch, "read", str(data)) == {"done": CANARY}
    if os.geteuid() != 0:  # without root's capabilities, nobody looks into a process that has them
        assert CANARY in attempt(open_way, scratch, "environment_of", str(neighbour.pid))["done"]
    assert attempt(open_way, scratch, "tcp", listener["tcp"]) == {"done": CANARY}
    assert [attempt(open_way, scratch, "unix", listener[kind])["done"] for kind in ("path", "abstract")] == [CANARY] * 2
    for command in (("unshare", "user"), ("listen",), ("memory_file",), ("shared_memory", "1"), ("new_session",)):
        assert "Operation not permitted" not in str(attempt(open_way, scratch, *command)), command


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/cmdline", "/proc/net/tcp"])
def test_files_of_the_system_cannot_be_read(locked: Way, scratch: Path, path: str) -> None:
    assert "stopped" in attempt(locked, scratch, "read", path)


def test_files_of_the_server_cannot_be_read_changed_or_removed(locked: Way, scratch: Path, data: Path) -> None:
    rights = data.stat().st_mode
    answers = [attempt(locked, scratch, name, str(data)) for name in ("read", "write", "remove", "link_out")]
    attempt(locked, scratch, "open_to_all", str(data))

    assert all("stopped" in answer for answer in answers), answers
    assert "stopped" in attempt(locked, scratch, "list_folder", str(data.parent))
    assert (data.read_text(), data.stat().st_mode) == (CANARY, rights)
    assert CANARY not in "".join(path.read_text() for path in scratch.iterdir())


def test_a_readable_file_can_be_read_and_not_changed(locked: Way, scratch: Path, data: Path) -> None:
    data.chmod(0o600)

    def answer(name: str) -> dict[str, Any]:
        return attempt(locked, scratch, name, str(data), also_readable=(data,))

    assert answer("read") == {"done": CANARY}
    assert "stopped" in answer("write")
    assert answer("open_to_all") == {"done": str(data)}
    assert (data.read_text(), stat.S_IMODE(data.stat().st_mode)) == (CANARY, 0o600)


@pytest.mark.parametrize("path", ["/tmp/modelyard-canary", "/dev/shm/modelyard-canary", "/usr/lib/modelyard-canary"])  # noqa: S108
def test_nothing_is_written_outside_the_scratch_folder(locked: Way, scratch: Path, path: str) -> None:
    answer = attempt(locked, scratch, "write", path)
    assert not Path(path).exists()
    # Out of sight of the machine, the folder of shared memory is the scratch folder.
    assert "stopped" in answer or (scratch / Path(path).name).exists()
    assert attempt(locked, scratch, "write", str(scratch / "mine")) == {"done": str(scratch / "mine")}


def test_the_environment_of_the_server_stays_there(anyhow: Way, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_ADMIN_PASSWORD", CANARY)
    variables = attempt(anyhow, scratch, "environment")["done"]

    assert variables["HOME"] == variables["TMPDIR"] == str(scratch)
    assert CANARY not in str(variables)


def test_other_processes_cannot_be_looked_into(locked: Way, scratch: Path, neighbour: subprocess.Popen[bytes]) -> None:
    pid = str(neighbour.pid)
    for name in ("environment_of", "trace", "peek"):
        assert "stopped" in attempt(locked, scratch, name, pid), name


def test_other_processes_cannot_be_harmed(locked: Way, scratch: Path, neighbour: subprocess.Popen[bytes]) -> None:
    for name in ("kill", "strangle"):
        assert "stopped" in attempt(locked, scratch, name, str(neighbour.pid)), name
    time.sleep(0.05)
    assert neighbour.poll() is None


def test_no_server_of_the_machine_can_be_reached(locked: Way, scratch: Path, listener: dict[str, str]) -> None:
    assert "stopped" in attempt(locked, scratch, "tcp", listener["tcp"])
    for kind in ("path", "abstract"):
        assert "stopped" in attempt(locked, scratch, "unix", listener[kind]), kind
        assert "stopped" in attempt(locked, scratch, "datagram_pair", listener[kind]), kind


def test_there_is_no_network(locked: Way, scratch: Path) -> None:
    for command in (("resolve", "localhost"), ("resolve", "example.com"), ("listen",)):
        assert "stopped" in attempt(locked, scratch, *command), command


def test_a_fork_bomb_stops_at_the_limit(scratch: Path, locked: Way) -> None:
    if os.geteuid() == 0 and not locked.own_user:
        pytest.skip("the kernel does not count what root's own user starts")
    # Where others of the same user are counted, too, some of them may have ended meanwhile.
    assert attempt(locked, scratch, "fork_bomb", processes=20)["done"] < 60


def test_memory_ends_at_the_limit(anyhow: Way, scratch: Path) -> None:
    assert attempt(anyhow, scratch, "memory", "100", memory_bytes=256 * 2**20) == {"done": 100 * 2**20}
    assert "MemoryError" in attempt(anyhow, scratch, "memory", "300", memory_bytes=256 * 2**20)["stopped"]


@pytest.mark.parametrize("command", [("shared_memory", "300"), ("memory_file",), ("system_v_memory",)])
def test_there_is_no_memory_that_is_not_counted(locked: Way, scratch: Path, command: tuple[str, ...]) -> None:
    assert "stopped" in attempt(locked, scratch, *command, memory_bytes=256 * 2**20)


def test_files_end_at_the_limit(anyhow: Way, scratch: Path) -> None:
    assert "stopped" in attempt(anyhow, scratch, "huge_file", "11", file_bytes=10 * 2**20)
    assert attempt(anyhow, scratch, "huge_file", "9", file_bytes=10 * 2**20) == {"done": 9 * 2**20}


def test_open_files_end_at_the_limit(anyhow: Way, scratch: Path) -> None:
    assert attempt(anyhow, scratch, "open_many", open_files=40)["done"] < 40


def test_processor_time_ends_at_the_limit(anyhow: Way, scratch: Path) -> None:
    assert attempt(anyhow, scratch, "spin", cpu_seconds=1)["ended"] in {-signal.SIGKILL, 128 + signal.SIGKILL}


def test_limits_cannot_be_raised(anyhow: Way, scratch: Path) -> None:
    assert "stopped" in attempt(anyhow, scratch, "more_processor_time")


def test_only_the_named_descriptors_are_open(anyhow: Way, scratch: Path, data: Path) -> None:
    with data.open() as secret, data.open() as given:
        os.set_inheritable(secret.fileno(), True)
        found = attempt(anyhow, scratch, "descriptors", inherited=(given.fileno(),))
        assert found == {"done": [given.fileno()]}


def test_no_other_user_can_be_taken(anyhow: Way, scratch: Path) -> None:
    assert "stopped" in attempt(anyhow, scratch, "set_user")


@pytest.mark.parametrize("kind", ["user", "mount", "network", "process"])
def test_no_namespaces_can_be_made(locked: Way, scratch: Path, kind: str) -> None:
    assert "stopped" in attempt(locked, scratch, "unshare", kind)
    assert "stopped" in attempt(locked, scratch, "clone_in_user_namespace")


def test_nothing_can_be_mounted(anyhow: Way, scratch: Path) -> None:
    assert "stopped" in attempt(anyhow, scratch, "mount")


def test_system_calls_nobody_has_looked_at_do_not_exist(locked: Way, scratch: Path) -> None:
    assert "Function not implemented" in attempt(locked, scratch, "call", "463")["stopped"]


def test_the_next_process_in_a_folder_goes_on_with_its_files(anyhow: Way, scratch: Path) -> None:
    answers = [attempt(anyhow, scratch, "write", str(scratch / "mine")) for _ in range(2)]
    assert answers == [{"done": str(scratch / "mine")}] * 2


def test_a_process_cannot_leave_its_group(locked: Way, scratch: Path) -> None:
    assert "stopped" in attempt(locked, scratch, "new_session")


def test_isolated_processes_see_no_others(isolated: Way, scratch: Path) -> None:
    assert "stopped" in attempt(isolated, scratch, "kill", str(os.getpid()))
    assert "No such process" in attempt(isolated, scratch, "kill", str(os.getpid()))["stopped"]


@pytest.mark.parametrize("name", LOCKED)
def test_nothing_outlives_the_server(name: str, scratch: Path, tmp_path: Path) -> None:
    need(name)
    tests = Path(__file__).parents[2]
    code = (
        "import sys, time; from pathlib import Path; from confined import WAYS, begin\n"
        "begin(WAYS[sys.argv[1]], Path(sys.argv[2]), 'stay_after_parent'); time.sleep(60)"
    )
    paths = os.pathsep.join([str(tests), *sys.path])
    server = subprocess.Popen([sys.executable, "-c", code, name, str(scratch)], env={"PYTHONPATH": paths})
    _until(lambda: (scratch / "alive-True").exists() and (scratch / "alive-False").exists())
    server.send_signal(signal.SIGKILL)
    server.wait()
    time.sleep(0.3)
    last = [(scratch / f"alive-{child}").stat().st_mtime_ns for child in (True, False)]
    time.sleep(0.5)
    assert [(scratch / f"alive-{child}").stat().st_mtime_ns for child in (True, False)] == last


def test_what_is_left_of_a_process_ends_with_it(locked: Way, scratch: Path) -> None:
    child = begin(locked, scratch, "stay_after_parent")
    _until((scratch / "alive-True").exists)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    time.sleep(0.2)
    last = (scratch / "alive-True").stat().st_mtime_ns
    time.sleep(0.3)
    assert (scratch / "alive-True").stat().st_mtime_ns == last


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
