"""Keeps the processes of all deployments' models as they should be, each without waiting for another."""

import contextlib
import logging
import os
import selectors
import shutil
import signal
import threading
import time
from collections.abc import Container
from pathlib import Path

from modelyard.core.kernel.store import Store, Topic, Tx
from modelyard.core.serving.entities import ModelProcess, ProcessState
from modelyard.core.serving.processes import (
    ProcessKey,
    Wanted,
    WantedProcess,
    forget_processes,
    report_processes,
    wanted_processes,
)
from modelyard.core.serving.resources import MOST_REPLICAS
from modelyard.engines.process.launching import Launcher
from modelyard.engines.process.scaling import Scaling
from modelyard.engines.process.supervised import Supervised
from modelyard.engines.process.usage import Usage, usage

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 0.05
_LOOK_SECONDS, _LOOK_AGAIN_SECONDS = 0.2, 2.0
_USAGE_SECONDS = 0.5
_IDLE_SECONDS = 5.0
_LAST_SECONDS = 3.0
_ENDED = (ProcessState.DRAINING, ProcessState.FAILED)
FOLDER = "run/models"
"""Below the data folder: the sockets of the processes, and a folder for the files of each."""


class Host:
    """``run`` works until nothing is wanted and nothing is left, or until it is told to end."""

    def __init__(  # what it works with
        self,
        store: Store,
        server_id: str,
        data: Path,
        launcher: Launcher,
        hang_seconds: float = 60.0,
        drain_seconds: float = 30.0,
        standby: int = MOST_REPLICAS,
    ) -> None:
        """``hang_seconds`` is how long one request may run, ``drain_seconds`` how long a process may take to finish.

        ``standby``: so many processes of each model are kept while the revision that took their place is on trial.
        """
        self._store, self._server_id, self._launcher = store, server_id, launcher
        self._folder = data.absolute() / FOLDER
        self._hang_seconds, self._drain_seconds = hang_seconds, drain_seconds
        self._standby = standby
        self._events = selectors.DefaultSelector()
        self._processes: dict[ProcessKey, Supervised] = {}
        self._scaling = Scaling()
        self._written: dict[ProcessKey, ModelProcess] = {}
        self._gone: list[ProcessKey] = []
        self._said: list[tuple[int, int, str]] = []
        self._held: set[tuple[int, int]] = set()
        self._wanted = Wanted([], frozenset(), frozenset())
        self._generation = -1
        self._looked = self._weighed = self._next_look = 0.0
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End all processes and then ``run``; safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Blocking. The thread that calls it must be the one that stays."""
        self._clear()
        idle_since = time.monotonic()
        while not self._stopping.is_set() and time.monotonic() - idle_since < _IDLE_SECONDS:
            self._round()
            if self._processes or self._wanted.processes or self._gone:
                idle_since = time.monotonic()
        self._end_all()

    def _round(self) -> None:
        self._look()
        self._fit()
        for key, _ in self._events.select(_TICK_SECONDS):
            key.data()
        for process in self._processes.values():
            process.tick()
        self._weigh()
        self._bury()
        self._report()

    def _look(self) -> None:
        """Ask the store what is wanted when it may have changed; while it cannot tell, what it said last holds."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_SECONDS
        try:
            generation = self._store.generations()[Topic.ROUTES]
            if generation != self._generation or now - self._looked > _LOOK_AGAIN_SECONDS:
                self._wanted = self._store.run_read(wanted_processes, self._standby)
                self._generation, self._looked = generation, now
        except Exception as error:  # noqa: BLE001  # what runs goes on without it
            _LOG.warning("cannot look for what models are to run: %s", error)
            self._next_look = now + _LOOK_AGAIN_SECONDS

    def _fit(self) -> None:
        """Start what is missing, let go what is needed no longer."""
        self._held |= self._wanted.held
        fitting = self._scaling.fitting(self._wanted.processes)
        needed = {wanted.key for wanted in fitting}
        for wanted in fitting:
            if (process := self._processes.get(wanted.key)) is not None:
                process.wanted = wanted
            elif (kept := self._kept(wanted, needed)) is not None:
                self._turn(kept, wanted)
            else:
                self._add(wanted)
        superfluous = {wanted.key for wanted in self._wanted.processes} - needed
        for key, process in self._processes.items():
            if key in needed or process.state == ProcessState.DRAINING:
                continue
            if key in superfluous:
                process.retire(self._drain_seconds)
            elif not self._is_held(key):
                process.drain(self._drain_seconds)

    def _is_held(self, key: ProcessKey) -> bool:
        """Whether workers may still ask it: an older revision serves until all of them have the new one."""
        which = (key.deployment_id, key.revision)
        return which in self._wanted.held or (key.deployment_id in self._wanted.switching and which in self._held)

    def _kept(self, wanted: WantedProcess, needed: Container[ProcessKey]) -> Supervised | None:
        """A process of an older revision that nobody needs or asks any more, and that does the same."""
        asked = self._wanted.held
        for key, process in self._processes.items():
            is_free = key not in needed and (key.deployment_id, key.revision) not in asked
            if is_free and process.state not in _ENDED and process.wanted.runs_as(wanted):
                return process
        return None

    def _turn(self, process: Supervised, wanted: WantedProcess) -> None:
        """Have the process be another one: what it returned to is served at once."""
        old = process.wanted.key
        self._processes[wanted.key] = self._processes.pop(old)
        self._written.pop(old, None)
        self._gone.append(old)
        process.wanted = wanted
        process.said.append(f"{process.name} of revision {old.revision} is that of revision {wanted.key.revision}")

    def _add(self, wanted: WantedProcess) -> None:
        name = "-".join(map(str, (wanted.key.deployment_id, wanted.key.revision, wanted.key.place, wanted.key.number)))
        path = self._folder / f"{name}.sock"
        try:
            self._processes[wanted.key] = Supervised(
                wanted, self._server_id, path, f"{FOLDER}/{path.name}", self._launcher, self._events, self._hang_seconds
            )
        except OSError as error:  # no descriptors, a full disk: the next round tries again
            _LOG.error("no socket for a process of model %s: %s", wanted.version.name, error)

    def _weigh(self) -> None:
        """End those that take more memory than they may, and change the numbers of those that follow the load."""
        now = time.monotonic()
        if now - self._weighed < _USAGE_SECONDS:
            return
        self._weighed = now
        weighed = {p.pid: p for p in self._processes.values() if p.pid and _is_weighed(p.wanted)}
        used = usage(weighed.keys())
        for pid, process in weighed.items():
            _check_memory(process, used.get(pid, Usage()).memory_bytes)
        self._scaling.look(self._processes.values(), used, self._drain_seconds)

    def _bury(self) -> None:
        for key in [key for key, process in self._processes.items() if process.over]:
            self._processes.pop(key).close()
            self._written.pop(key, None)
            self._gone.append(key)
        if not self._wanted.switching:
            self._held &= {(key.deployment_id, key.revision) for key in self._processes}

    def _report(self) -> None:
        """Write what has changed, in one transaction; what could not be written is tried again."""
        changed = [row for key, process in self._processes.items() if self._is_news(key, row := process.row())]
        for process in self._processes.values():
            for message in process.said:
                _LOG.info("deployment %d: %s", process.wanted.key.deployment_id, message)
                self._said.append((process.wanted.workspace_id, process.wanted.pipeline_id, message))
            process.said.clear()
        if not changed and not self._gone and not self._said:
            return
        try:
            self._store.run_write(report_processes, changed, tuple(self._gone), tuple(self._said))
        except Exception as error:  # noqa: BLE001  # the models go on
            _LOG.warning("cannot write what became of models' processes: %s", error)
            return
        self._gone.clear()
        self._said.clear()
        self._written |= {ProcessKey(r.deployment_id, r.revision, r.place, r.number): r for r in changed}

    def _is_news(self, key: ProcessKey, row: ModelProcess) -> bool:
        known = self._written.get(key)
        return known is None or (known.state, known.pid, known.restarts, known.error) != (
            row.state,
            row.pid,
            row.restarts,
            row.error,
        )

    def _end_all(self) -> None:
        """The workers have ended before: nobody asks any longer."""
        for process in self._processes.values():
            process.drain(_LAST_SECONDS)
        while self._processes:
            for key, _ in self._events.select(_TICK_SECONDS):
                key.data()
            for process in self._processes.values():
                process.tick()
            self._bury()
        self._store.run_write(forget_processes, self._server_id)

    def _clear(self) -> None:
        """Remove what a host that was killed left behind."""
        for pid in self._store.run_read(_pids, self._server_id):
            if _is_ours(pid, self._folder):
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
        self._store.run_write(forget_processes, self._server_id)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)


def _pids(tx: Tx, server_id: str) -> list[int]:
    return [process.pid for process in tx.find(ModelProcess, server_id=server_id) if process.pid]


def _is_weighed(wanted: WantedProcess) -> bool:
    return bool(wanted.resources.memory_bytes or wanted.resources.autoscale)


def _check_memory(process: Supervised, size: int) -> None:
    most = process.wanted.resources.memory_bytes or size
    if size > most:
        process.end(f"it took {size >> 20} MiB of memory, more than the {most >> 20} MiB that it may")


def _is_ours(pid: int, folder: Path) -> bool:
    """Whether the process still is one of a model: its number may be another's meanwhile."""
    try:
        return os.fsencode(folder.absolute()) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
