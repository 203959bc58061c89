"""A real server process for tests: started as a user starts it, watched through what it writes."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

_READY = re.compile(r"^Modelyard is ready at (\S+) ", re.MULTILINE)
_START_SECONDS, _END_SECONDS = 60, 60


class RunningServer:
    """``data`` is its data folder; what it writes is kept in ``output`` plus ``.out`` and ``.err``."""

    def __init__(self, command: list[str], environ: dict[str, str], data: Path, output: Path) -> None:
        self.data = data
        self.admin_username = environ.get("MODELYARD_ADMIN_EMAIL", "admin@localhost")
        self.admin_password = environ.get("MODELYARD_ADMIN_PASSWORD", "")
        self.client_secret = environ.get("MODELYARD_API_CLIENT_SECRET", "")
        self._out, self._err = output.with_suffix(".out"), output.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.pid = self._process.pid

    @property
    def url(self) -> str:
        """Where it listens; waits until it is ready."""
        deadline = time.monotonic() + _START_SECONDS
        while not (found := _READY.search(self._out.read_text())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not become ready:\n{self.out}{self.err}")
            time.sleep(0.02)
        return found[1]

    @property
    def out(self) -> str:
        """What it wrote to standard output so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What it wrote to standard error so far."""
        return self._err.read_text()

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all processes below it."""
        supervisor = psutil.Process(self.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def get(self, path: str, seconds: float = 30) -> str:
        """The body at ``path``, over a connection of its own."""
        with _direct().open(self.url + path, timeout=seconds) as answer:
            return str(answer.read().decode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self._process.wait(_END_SECONDS)

    def stop(self) -> int:
        """End it in order; returns the exit code."""
        self._process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End the whole tree as a crash does."""
        self._process.kill()
        self._process.wait(_END_SECONDS)


# Keywords are settings.
StartServer = Callable[..., RunningServer]


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of a server, plus ``variables``."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MODELYARD_")} | variables


def program(name: str) -> str:
    """A program of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether ``condition`` comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
