"""One process of a model under supervision: started, ready, dead, started again after a pause."""

import contextlib
import json
import os
import queue
import selectors
import shutil
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.entities import ModelProcess, ProcessState
from modelyard.core.serving.processes import WantedProcess
from modelyard.engines.process.door import Door
from modelyard.engines.process.launching import Launcher, Running
from modelyard.engines.sandbox import ending
from modelyard.engines.words import shown
from modelyard_runtime.serving import DRAIN, REST

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_TRIES, _TRIES_TO_LOAD = 5, 3
_TRIES_WITHIN = 300.0
_HEALTHY_SECONDS = 10.0
_SILENT_SECONDS = 30.0
"""Beyond the limit of one request: a model's own code may hold the interpreter for as long as a request may take."""
_OUTPUT_BYTES = 4096
_PIECE = 65_536
_LINE_BYTES = 2**20
_REASON = 500


class Supervised:
    """All methods but those of its own thread are for the host's loop, and none of them waits for anything."""

    def __init__(  # what it is, and what it works with
        self,
        wanted: WantedProcess,
        server_id: str,
        path: Path,
        socket_name: str,
        launcher: Launcher,
        events: selectors.BaseSelector,
        hang_seconds: float,
    ) -> None:
        """``path`` is where it listens, ``socket_name`` the same below the data folder."""
        self.wanted = wanted
        self.state = ProcessState.STARTING
        self.said: list[str] = []
        """What happened since it was last asked."""
        self.over = False
        """It has drained: nothing of it is left."""
        self._server_id, self._path, self._socket_name = server_id, path, socket_name
        self._launcher, self._events, self._hang_seconds = launcher, events, hang_seconds
        self._door = Door(path, events)
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running: Running | None = None
        self._busy_starting = False
        self._lines = b""
        self._output = b""
        self._error: str | None = None
        self._cause: str | None = None
        self._level = ""
        self._restarts = 0
        self._was_ready = False
        self._deaths: list[float] = []
        self._due = self._since = self._heard = time.monotonic()
        self._kill_at = float("inf")
        self.busy, self.waiting, self.done = False, 0, 0
        """As it last said: whether it runs a request, how many wait for it, and how many it has answered."""
        self._started_at = datetime.now(UTC)

    @property
    def pid(self) -> int | None:
        """The process, or the first of its processes."""
        return self._running.process.pid if self._running else None

    @property
    def name(self) -> str:
        """For messages."""
        return f"process {self.wanted.key.number} of model {self.model}"

    @property
    def model(self) -> str:
        """The name of its model."""
        return self.wanted.version.name

    def tick(self) -> None:
        """Do what is due."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._news.get_nowait()()
        now = time.monotonic()
        if self._running is None:
            self._rest(now)
        elif now > self._kill_at:
            self._kill()
        elif self.state == ProcessState.STARTING and now - self._since > self.wanted.resources.load_seconds:
            self.end(f"loading took longer than {self.wanted.resources.load_seconds:g} s")
        elif self.state == ProcessState.READY and now - self._heard > self._hang_seconds + _SILENT_SECONDS:
            self.end(f"it said nothing for {now - self._heard:.0f} s")

    def drain(self, seconds: float, order: bytes = DRAIN) -> None:
        """Let it finish what it has, for so long at most, and leave nothing of it."""
        if self.state == ProcessState.DRAINING:
            self._kill_at = min(self._kill_at, time.monotonic() + seconds)
            return
        was, self.state = self.state, ProcessState.DRAINING
        self._kill_at = time.monotonic() + seconds
        if was != ProcessState.READY:
            self._kill()
        else:
            self._order(order)

    def retire(self, seconds: float) -> None:
        """The same for one of several: who would come to it goes to the others, also from workers that do not know."""
        self._door.hide()
        self.drain(seconds, REST)

    def sleep(self, seconds: float) -> None:
        """End it once it has answered what has come, within so long; who comes later wakes it and is answered then."""
        if self.state == ProcessState.READY:
            self.state = ProcessState.ASLEEP
            self._kill_at = time.monotonic() + seconds
            self._order(REST)

    def end(self, cause: str) -> None:
        """Kill it because of this; it is started again."""
        if self._cause is None:
            self._cause = cause
        self._kill()

    def row(self) -> ModelProcess:
        """How it is now; two that differ in nothing but the times mean the same."""
        key = self.wanted.key
        return ModelProcess(
            id=0,
            server_id=self._server_id,
            workspace_id=self.wanted.workspace_id,
            deployment_id=key.deployment_id,
            revision=key.revision,
            place=key.place,
            number=key.number,
            state=self.state,
            socket=self._socket_name,
            level=self._level,
            pid=self.pid,
            restarts=self._restarts,
            error=self._error,
            output=self.output if self._error else None,
            started_at=self._started_at,
            updated_at=datetime.now(UTC),
        )

    @property
    def output(self) -> str | None:
        """The last of what it printed."""
        return shown(self._output, _OUTPUT_BYTES) or None

    def close(self) -> None:
        """Remove the socket and the files; the process must have ended."""
        self._door.close()
        self._scratch.with_suffix(".json").unlink(missing_ok=True)
        gone = {"path": self._scratch, "ignore_errors": True}  # on a thread: a model may have left a million files
        threading.Thread(target=shutil.rmtree, kwargs=gone, daemon=True).start()

    @property
    def _scratch(self) -> Path:
        return self._path.with_suffix(".scratch")

    def _rest(self, now: float) -> None:
        """While there is no process."""
        if self._busy_starting:
            return
        if self.state == ProcessState.DRAINING:
            self.over = True
        elif self.state == ProcessState.ASLEEP:
            self._door.watch(self._wake)  # the process that is started then accepts whoever came
        elif self.state != ProcessState.FAILED and now >= self._due:
            self._busy_starting = True
            self.state = ProcessState.STARTING if not self._restarts else ProcessState.RESTARTING
            threading.Thread(target=self._live, name=self.name, daemon=True).start()

    def _wake(self) -> None:
        if self.state == ProcessState.ASLEEP:
            self.state = ProcessState.STARTING
            self.said.append(f"{self.name} is woken")

    def _order(self, what: bytes) -> None:
        if self._running is not None:
            with contextlib.suppress(OSError):
                self._running.control.send(what)

    def _live(self) -> None:
        """On a thread of its own, which stays as long as the process: the kernel ends the one with the other."""
        try:
            running = self._launcher.launch(self.wanted, self._door.listener, self._scratch)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this process's trouble alone
            reason = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
            reason = shown(reason, _REASON)
            self._news.put(lambda: self._died(f"it cannot be started: {reason}"))
            return
        self._news.put(lambda: self._started(running))
        status = running.process.wait()
        self._news.put(lambda: self._ended(status))

    def _started(self, running: Running) -> None:
        self._busy_starting = False
        self._running, self._level = running, running.level
        self._since = self._heard = time.monotonic()
        self._started_at = datetime.now(UTC)
        self._lines = self._output = b""
        self._cause = None
        self.busy, self.waiting, self.done = False, 0, 0
        self._kill_at = self._kill_at if self.state == ProcessState.DRAINING else float("inf")
        if self.state != ProcessState.DRAINING:
            self.state = ProcessState.STARTING
        self._events.register(running.control, selectors.EVENT_READ, self._hear)
        self._events.register(running.output, selectors.EVENT_READ, self._read)
        if self.state == ProcessState.DRAINING:
            self._kill()

    def _ended(self, status: int) -> None:
        running = self._running
        assert running is not None  # noqa: S101  # it was started before it ended
        self._hear()
        self._read()
        self._kill()  # what it started itself
        for end in (running.control, running.output):
            with contextlib.suppress(KeyError, ValueError):
                self._events.unregister(end)
        running.control.close()
        os.close(running.output)
        self._running = None
        self._died(self._cause or f"it ended by {ending(status)}")

    def _died(self, cause: str) -> None:
        self._busy_starting = False
        if self.state in (ProcessState.DRAINING, ProcessState.ASLEEP):
            return
        now = time.monotonic()
        healthy = self.state == ProcessState.READY and (self.done > 0 or now - self._since > _HEALTHY_SECONDS)
        self._deaths = [] if healthy else [at for at in self._deaths if now - at < _TRIES_WITHIN]
        self._deaths.append(now)
        last = (self.output or "").strip().rsplit("\n", 1)[-1][:300]
        self._error = cause + (f"; its last output: {last}" if last and last not in cause else "")
        self._restarts += 1
        if len(self._deaths) >= (_TRIES if self._was_ready else _TRIES_TO_LOAD):
            self.state = ProcessState.FAILED
            self._door.close()
            self.said.append(f"{self.name} failed: {self._error}")
            return
        self.state = ProcessState.RESTARTING
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (len(self._deaths) - 1))
        self._due = now + pause
        self.said.append(f"{self.name} ended: {self._error}; it is started again in {pause:g} s")

    def _hear(self) -> None:
        """Lines of JSON; what is none is the model's own nonsense."""
        if self._running is None:
            return
        try:
            data = self._running.control.recv(_PIECE)
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(KeyError, ValueError):
                self._events.unregister(self._running.control)
            return
        *lines, self._lines = (self._lines + data).split(b"\n")
        self._lines = self._lines[-_LINE_BYTES:]
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                self._told(json.loads(line))

    def _told(self, event: dict[str, object]) -> None:
        self._heard = time.monotonic()
        if event["event"] == "loaded" and self.state == ProcessState.STARTING:
            self.state, self._error = ProcessState.READY, None
            self._since, self._was_ready = self._heard, True
            self.said.append(f"{self.name} is ready")
        elif event["event"] == "failed":
            self._cause = f"the model cannot be loaded: {shown(str(event['message']), _REASON)}"
        elif event["event"] == "beat":
            self.busy, self.waiting = bool(event["busy"]), int(str(event["waiting"]))
            self.done = int(str(event["done"]))
            if event["busy"] and float(str(event["since"])) > self._hang_seconds:
                self.end(f"one request ran longer than {self._hang_seconds:g} s")

    def _read(self) -> None:
        if self._running is None:
            return
        try:
            data = os.read(self._running.output, _PIECE)
        except BlockingIOError:
            return
        if not data:
            with contextlib.suppress(KeyError, ValueError):
                self._events.unregister(self._running.output)
        self._output = (self._output + data)[-_OUTPUT_BYTES:]

    def _kill(self) -> None:
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._running.process.pid, signal.SIGKILL)
