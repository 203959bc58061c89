"""What a confined process can do: serve on what it was given, run libraries and threads, and start fast."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from confined import WAYS, attempt, begin, need
from modelyard.engines import sandbox
from modelyard.engines.confine import landlock
from modelyard.engines.sandbox import Confinement, Level
from modelyard.engines.sandbox.paths import limit_files
from modelyard.engines.sandbox.starting import start_by
from modelyard.engines.sandbox.ways import Way


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to each level."""
    return need(request.param)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment made by uv, with a package of its own."""
    folder = tmp_path_factory.mktemp("environments") / "env"
    uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--offline", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    Path(packages, "small.py").write_text("GREETING = 'from the environment'\n")
    return python


def answer(way: Way, python: Path, code: str, scratch: Path, readable: tuple[Path, ...] = ()) -> str:
    asked = Confinement(
        command=(str(python), "-I", "-c", code), scratch=scratch, readable=readable, threads=2, memory_bytes=2**31
    )
    child = start_by(way, asked, subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors.decode()
    return output.decode().strip()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is only one processor")
def test_it_runs_on_the_processors_that_it_was_given_and_the_server_on_all(way: Way, tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    code = "import os; print(os.sched_getaffinity(0), os.environ['OMP_NUM_THREADS'])"
    asked = Confinement(command=(sys.executable, "-I", "-c", code), scratch=tmp_path, cores=frozenset({core}))
    output, errors = start_by(way, asked, subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL).communicate(timeout=60)
    assert output.decode() == f"{{{core}}} 1\n", errors
    assert os.sched_getaffinity(0) == before
    assert answer(way, Path(sys.executable), "import os; print(os.sched_getaffinity(0))", tmp_path) == str(before)


def test_a_socket_and_a_pipe_that_were_given_serve(way: Way, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        given = listening.fileno()
        child = begin(way, tmp_path, "serve", str(given), str(writing), inherited=(given, writing))
        os.close(writing)
        assert os.read(reading, 100) == b"ready\n"
        client.connect(str(tmp_path / "socket"))
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
        assert child.communicate(timeout=20)[0] == b'{"done": "served"}\n'
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_an_environment_of_uv_runs(way: Way, environment: Path, tmp_path: Path) -> None:
    code = "import small, ssl, sqlite3, socket, asyncio; asyncio.run(asyncio.sleep(0)); print(small.GREETING)"
    assert answer(way, environment, code, tmp_path) == "from the environment"


def test_libraries_that_ask_whether_a_file_is_there_are_told(way: Way, environment: Path, tmp_path: Path) -> None:
    (tmp_path / "closed" / "scratch").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    code = "import os; open('file', 'w').close(); print(os.access(os.path.abspath('file'), os.R_OK))"
    assert answer(way, environment, code, tmp_path / "closed" / "scratch") == "True"


def test_numerical_libraries_run_with_threads(way: Way, tmp_path: Path) -> None:
    code = """
import numpy, pyarrow, threading
matrix = numpy.ones((600, 600))
assert (matrix @ matrix)[0, 0] == 600
table = pyarrow.table({"a": numpy.arange(1000)})
sink = pyarrow.BufferOutputStream()
with pyarrow.ipc.new_stream(sink, table.schema) as writer:
    writer.write_table(table)
assert pyarrow.ipc.open_stream(sink.getvalue()).read_all() == table
import onnxruntime, sklearn.ensemble
forest = sklearn.ensemble.HistGradientBoostingClassifier(max_iter=3).fit(matrix[:, :4], numpy.arange(600) % 2)
assert len(forest.predict(matrix[:, :4])) == 600
print("done")
"""
    assert answer(way, Path(sys.executable), code, tmp_path) == "done"


def test_a_database_that_looks_for_the_limits_of_its_group_opens(way: Way, tmp_path: Path) -> None:
    code = "import duckdb; print(duckdb.connect().execute('SELECT 1').fetchone())"
    assert answer(way, Path(sys.executable), code, tmp_path) == "(1,)"


def test_the_limits_of_a_group_are_where_it_is_listed(tmp_path: Path) -> None:
    listed, folder = tmp_path / "cgroup", tmp_path / "a:b"
    listed.write_text(f"2:cpu,cpuacct:/nowhere\n1:memory:/nowhere\n0::/../../..{folder}\n")
    folder.mkdir()
    (folder / "cpu.max").write_text("max 100000")
    assert [Path(path).resolve() for path in limit_files(str(listed))] == [folder / "cpu.max"]
    assert limit_files(str(tmp_path / "none")) == ()


def test_threads_and_programs_of_the_system_run(way: Way, tmp_path: Path) -> None:
    assert attempt(way, tmp_path, "threads") == {"done": 8}
    assert attempt(way, tmp_path, "run_program") == {"done": "hello\n"}


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.level is Level.ISOLATED])
def test_isolated_processes_have_locks_with_those_they_start(name: str, tmp_path: Path) -> None:
    assert attempt(need(name), tmp_path, "lock_between_processes") == {"done": "made"}


def test_a_level_can_be_asked_for_and_the_highest_is_taken(tmp_path: Path) -> None:
    highest = sandbox.available_level()
    assert highest in Level
    assert (sandbox.why_not_higher() == "") == (highest is Level.ISOLATED)
    asked = Confinement(command=("/bin/echo", "here"), scratch=tmp_path)
    for level in (None, *(level for level in Level if level <= highest)):
        child = sandbox.start(asked, subprocess.PIPE, level=level)
        assert child.communicate(timeout=20)[0] == b"here\n"


def test_a_level_that_cannot_be_reached_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    sandbox.available.way_to.cache_clear()
    try:
        with pytest.raises(RuntimeError, match=r"can be restricted on this machine: Landlock: the kernel has none"):
            sandbox.start(Confinement(command=("/bin/true",), scratch=tmp_path), None, level=Level.RESTRICTED)
    finally:
        sandbox.available.way_to.cache_clear()


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    asked = Confinement(command=("/bin/true",), scratch=tmp_path, readable=(tmp_path / "missing",))
    with pytest.raises(FileNotFoundError, match="missing"):
        sandbox.start(asked, None)


def test_a_process_started_by_a_thread_that_has_ended_lives_on(tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []
    asked = Confinement(command=("/bin/cat",), scratch=tmp_path)
    thread = threading.Thread(
        target=lambda: started.append(sandbox.start(asked, subprocess.PIPE, stdin=subprocess.PIPE))
    )
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert started[0].communicate(b"still here", timeout=20)[0] == b"still here"


@pytest.mark.parametrize(("code", "words"), [(3, "exit code 3"), (-9, "signal 9"), (137, "signal 9")])
def test_the_end_of_a_process_is_told_the_same_on_every_level(code: int, words: str) -> None:
    assert sandbox.ending(code) == words


@pytest.mark.alone
def test_locking_a_process_in_takes_little_time(way: Way, tmp_path: Path) -> None:
    asked = Confinement(command=("/bin/true",), scratch=tmp_path)
    times = []
    for _ in range(7):
        began = time.monotonic()
        assert start_by(way, asked, None, None, None).wait(timeout=20) == 0
        times.append(time.monotonic() - began)
    assert statistics.median(times) < 0.15
