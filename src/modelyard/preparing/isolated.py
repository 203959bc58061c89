"""One run of ``modelyard_runtime`` in the sandbox: what it answered, and all that it printed.

Its answers, and the files that it leaves, are the model's word: they are read with limits, and no link is followed.
"""

import json
import os
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from modelyard.core.kernel.errors import invalid, timed_out
from modelyard.engines.sandbox import Confinement, start
from modelyard.engines.words import shown

ANSWER_MAX = 4 * 2**20
OUTPUT_MAX = 256 * 1024
MESSAGE_MAX = 2000
_TURN_SECONDS = 0.2
_CHUNK = 64 * 1024

Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be run: ``module`` (with its arguments before the configuration) by ``python``.

    ``config`` is the configuration but for what is set here. ``folder`` is an empty one that the process may fill;
    ``readable`` are files and folders that it may read.
    """

    python: Path
    runtime: Path
    module: tuple[str, ...]
    config: Mapping[str, Any]
    folder: Path
    readable: tuple[Path, ...]
    memory_bytes: int
    seconds: int


class StoppedError(Exception):
    """Nobody wants the result any longer."""


def told_by(task: Task, stopped: Stopped, log: Callable[[str], None]) -> dict[str, Any]:
    """The last event that the process told on its control descriptor; ``log`` is given what it printed.

    ``INVALID`` with the reason when it told a failure or died, ``TIMED_OUT`` when it took too long.
    """
    told, ended = _run(task, stopped, log)
    event = _last_object(told.splitlines())
    if event is None:
        raise invalid(f"the model's process died ({ended}) before it said anything; see the log of this stage")
    if event.get("event") == "failed":
        raise invalid(shown(str(event.get("message", "it failed")), MESSAGE_MAX))
    return event


def written_by(task: Task, stopped: Stopped, log: Callable[[str], None]) -> dict[str, Any]:
    """The JSON object that the process wrote to the file that is named behind its configuration; errors as above."""
    answer = task.folder / "answer.json"
    _, ended = _run(task, stopped, log, str(answer))
    with suppress(OSError), opened(answer) as file:
        found = _last_object([file.read(ANSWER_MAX)])
        if found is not None:
            return found
    raise invalid(f"the model's process died ({ended}) before it said anything; see the log of this stage")


def opened(path: Path) -> BinaryIO:
    """A file that a process left directly in its folder; ``OSError`` for anything else than a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path)
    return os.fdopen(descriptor, "rb")


def _run(task: Task, stopped: Stopped, log: Callable[[str], None], *after: str) -> tuple[bytes, str]:
    """(What came on the control descriptor, how the process ended)."""
    reading, writing = os.pipe()
    try:
        process = start(_confinement(task, writing, after), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    said = _Heard(process, reading)
    try:
        _listen(said, task, stopped)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        said.close()
        log(shown(bytes(said.output), OUTPUT_MAX))
    code = process.returncode
    return bytes(said.answer), f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class _Heard:
    """What a process says on its two ways, as much as is kept of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: int) -> None:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        self.process = process
        self.answer, self.output = bytearray(), bytearray()
        self._control, self._stdout = control, process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self.answer)
        self._selector.register(process.stdout, selectors.EVENT_READ, self.output)

    def listen(self) -> bool:
        """Take in what comes within a moment; False once there is nothing more to come."""
        ready = self._selector.select(_TURN_SECONDS)
        for key, _ in ready:
            chunk = os.read(key.fd, _CHUNK)
            key.data.extend(chunk)
            if not chunk:
                self._selector.unregister(key.fileobj)
        if len(self.answer) > ANSWER_MAX:
            raise invalid(f"the model's process told more than {ANSWER_MAX} bytes")
        del self.output[:-OUTPUT_MAX]
        return bool(ready or self.process.poll() is None) and bool(self._selector.get_map())

    def close(self) -> None:
        """Give up both ways."""
        self._selector.close()
        self._stdout.close()
        os.close(self._control)


def _listen(said: _Heard, task: Task, stopped: Stopped) -> None:
    deadline = time.monotonic() + task.seconds
    while said.listen():
        if stopped():
            raise StoppedError
        if time.monotonic() > deadline:
            raise timed_out(f"the model's process took longer than {task.seconds} s and was stopped")
    with suppress(subprocess.TimeoutExpired):  # it closed its ways before it ended
        said.process.wait(max(0.0, min(deadline - time.monotonic(), 10.0)))


def _confinement(task: Task, control: int, after: tuple[str, ...]) -> Confinement:
    config = task.folder / "config.json"
    scratch = str(task.folder / "work")  # made by the process: where it has a user of its own, the folder must be its
    config.write_text(json.dumps({**task.config, "scratch": scratch, "control_fd": control}))
    return Confinement(
        command=(str(task.python), "-m", *task.module, str(config), *after),
        environment={"PYTHONPATH": str(task.runtime), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        readable=(task.runtime, *task.readable),
        scratch=task.folder,
        memory_bytes=task.memory_bytes,
        inherited=(control,),
    )


def _last_object(lines: Sequence[bytes]) -> dict[str, Any] | None:
    for line in reversed(lines):
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    return None
