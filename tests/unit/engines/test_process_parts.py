"""What the host of models' processes is made of."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelyard.engines.process.addresses import address
from modelyard.engines.process.cores import Cores
from modelyard.engines.process.runtime_files import runtime_folder
from modelyard.engines.process.usage import Usage, usage

_GROW = """
import subprocess, sys
much = b"x" * (60 * 2**20)
below = subprocess.Popen([sys.executable, "-c", "much = b'x' * (60 * 2**20); print('there', flush=True); input()"],
                         stdout=subprocess.PIPE)
below.stdout.readline()
print("there", flush=True)
input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_counts_what_a_process_started_too() -> None:
    command = [sys.executable, "-c", _GROW]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = usage([process.pid, os.getpid()])
        process.kill()
    assert 120 * 2**20 < found[process.pid].memory_bytes < 500 * 2**20
    assert found[os.getpid()].memory_bytes > 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_time_of_processors_is_counted() -> None:
    before = usage([os.getpid()])[os.getpid()].cpu_seconds
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    assert 0.15 < usage([os.getpid()])[os.getpid()].cpu_seconds - before < 5


def test_memory_of_a_process_that_is_gone_is_none() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert usage([process.pid]) == {process.pid: Usage()}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is only one processor")
def test_processes_with_a_limit_share_the_processors_evenly() -> None:
    cores, everything = Cores(), os.sched_getaffinity(0)
    assert cores.choose(None) is None
    assert cores.choose(float(len(everything))) is None
    first = cores.choose(0.5)
    assert first is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        cores.note(process, first)
        other = cores.choose(1.0)
        assert other is not None
        assert (len(first), len(other), first & other) == (1, 1, frozenset())
        process.kill()
    assert cores.choose(1.0) == first


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the path is all there is")
def test_a_socket_may_lie_deeper_than_addresses_are_long(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    path = folder / "model.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind(address(path))
        listener.listen()
        caller.connect(address(path))
        assert path.is_socket()


def test_the_runtime_stands_alone_and_is_copied_once(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path)
    assert [entry.name for entry in folder.iterdir()] == ["modelyard_runtime"]
    assert (folder / "modelyard_runtime" / "loaders" / "sklearn.py").is_file()
    assert runtime_folder(tmp_path) == folder
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]
