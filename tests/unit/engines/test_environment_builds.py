"""Builds of environments that are killed, that happen at once, and that several processes want."""

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from modelyard.engines.environments import Environments, Packages
from running import environment
from tiny_wheels import make_wheel

AT_ONCE = timedelta(seconds=-1)
_LONG = "".join(f"v{number} = {number}\n" for number in range(3000))
LONG_FILES = {f"herd/m{number}.py": f"N = {number}\n{_LONG}" for number in range(60)}  # seconds of compiling

# Builds the environment of the sheep and says which interpreter it has.
BUILDER = """
import sys
from pathlib import Path
from modelyard.engines.environments import Environments, Packages

environments = Environments(Path(sys.argv[1]), Packages(folders=(Path(sys.argv[2]),), offline=True))
locked = environments.lock(["sheep"])
print(environments.ensure(locked, lambda line: print(line, flush=True)), flush=True)
"""


class Yard:
    """A folder of environments, one of wheels, and processes that build from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "environments"
        self.wheels = folder / "wheels"
        make_wheel(self.wheels, "sheep", "1.0", files=LONG_FILES)
        self.environments = Environments(self.folder, Packages(folders=(self.wheels,), offline=True))
        self.locked = self.environments.lock(["sheep"])

    def builder(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", BUILDER, str(self.folder), str(self.wheels)]
        return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True)

    def building(self) -> list[Path]:
        return [path for path in self.folder.glob(f"{self.locked.id}.*") if path.suffix != ".lock"]

    def kill_in_the_middle(self) -> Path:
        """Kill a builder when packages are there and are being compiled; what it left."""
        with self.builder() as builder:
            until = time.monotonic() + 60
            while not any(
                True for folder in self.building() for _ in folder.glob("lib/python*/site-packages/herd/__pycache__/*")
            ):
                assert time.monotonic() < until
                time.sleep(0.002)
            builder.send_signal(signal.SIGKILL)
        [left] = self.building()
        return left


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_a_killed_build_leaves_nothing_that_looks_finished(yard: Yard) -> None:
    left = yard.kill_in_the_middle()

    assert left.name.startswith(f"{yard.locked.id}.")
    assert yard.environments.built() == []
    assert not (yard.folder / yard.locked.id).exists()


def test_the_next_one_builds_after_a_killed_build_and_clears_up(yard: Yard) -> None:
    yard.kill_in_the_middle()

    python = yard.environments.ensure(yard.locked)

    done = subprocess.run([python, "-I", "-c", "import herd.m59 as m; print(m.N)"], capture_output=True, check=True)
    assert done.stdout == b"59\n"
    assert yard.building() == []
    assert [built.id for built in yard.environments.built()] == [yard.locked.id]


def test_collecting_clears_up_after_a_killed_build(yard: Yard) -> None:
    yard.kill_in_the_middle()

    until = time.monotonic() + 60
    while yard.building():  # uv outlives the one who started it, and holds the lock as long
        assert time.monotonic() < until
        assert yard.environments.collect([], AT_ONCE) == []
        time.sleep(0.05)

    assert [path.name for path in yard.folder.iterdir() if path.name.startswith(yard.locked.id)] == []


def test_the_lock_is_held_until_uv_is_gone_too(yard: Yard) -> None:
    left = yard.kill_in_the_middle()

    kept = 0
    while left.exists():
        yard.environments.collect([], AT_ONCE)
        kept += left.exists()
    assert kept > 0
    assert [
        each.pid for each in psutil.process_iter(["cmdline"]) if str(yard.folder) in str(each.info["cmdline"])
    ] == []


def test_a_build_under_way_is_not_collected(yard: Yard) -> None:
    with yard.builder() as builder:
        while not yard.building() and builder.poll() is None:
            time.sleep(0.002)
        collected = 0
        while yard.building() and builder.poll() is None:
            assert yard.environments.collect([yard.locked.id], AT_ONCE) == []
            collected += 1
        assert builder.stdout is not None
        assert builder.stdout.read().splitlines()[-1] == str(yard.folder / yard.locked.id / "bin" / "python")

    assert collected > 0


def test_four_processes_at_once_build_one_environment(yard: Yard) -> None:
    builders = [yard.builder() for _ in range(4)]
    outputs = [builder.communicate(timeout=120)[0].splitlines() for builder in builders]

    assert {output[-1] for output in outputs} == {str(yard.folder / yard.locked.id / "bin" / "python")}
    assert sum(" + sheep==1.0" in output for output in outputs) == 1
    assert yard.building() == []


def test_a_log_that_fails_ends_uv_and_leaves_nothing(yard: Yard) -> None:
    def fail(_: str) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        yard.environments.ensure(yard.locked, fail)

    assert yard.building() == []
    assert yard.environments.built() == []
