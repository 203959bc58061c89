"""The lane of a deployment: its requests wait in a queue of their own and run on a few threads of their own."""

import contextlib
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from modelyard.core.kernel.errors import DomainError, rate_limited
from modelyard.core.serving.deadlines import Deadline, until

T = TypeVar("T")

QUEUED_BYTES = 128 * 2**20
"""Of bodies that wait in one lane; a body by itself may always wait."""
_IDLE_SECONDS = 10.0
"""A thread without work ends after so long."""
_NEWEST = 0.2
"""The share of the newest request in the estimate of how long one takes."""
_LONGEST_WAIT = 60
_LOOK_SECONDS = 0.005
"""Whoever finds the lane full looks no more often for those whose time is over: most leave by themselves."""
_NICE = 10
"""So much nicer than the event loop are the threads: nothing where a core is free, a tenth of a core where none is."""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A request in a lane: what to run, until when, what it holds in bytes, and what became of it."""

    work: Callable[[], T]
    deadline: Deadline
    size: int
    future: "Future[T]" = field(default_factory=Future)
    context: Context = field(default_factory=copy_context)
    begun: bool = False


class Lane:
    """Thread-safe; nothing in it waits but its own threads, which come with work and go without.

    At most ``depth`` jobs wait for ``threads``. ``refused`` and ``late`` count those that were sent away and those
    whose time was over before they began.
    """

    def __init__(self, name: str, threads: int, depth: int) -> None:
        self._name = name
        self.resize(threads, depth)
        self._waiting: deque[Job[Any]] = deque()
        self._bytes = 0
        self._threads = self._idle = 0
        self._seconds = self._look_at = 0.0
        self._wake = threading.Condition()
        self.refused = 0
        self.late = 0

    def resize(self, threads: int, depth: int) -> None:
        """Let so many run and so many wait from now on; what is there already stays."""
        self._most, self._depth = threads, depth

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits or runs."""
        with self._wake:
            return not self._waiting and self._threads == self._idle

    def offer(self, job: Job[Any]) -> None:
        """Have the job run; ``RATE_LIMITED`` when too much waits already."""
        with self._wake:
            self._make_room(job.size)
            self._waiting.append(job)
            self._bytes += job.size
            if self._idle >= len(self._waiting):
                self._wake.notify()
            elif self._threads < self._most:
                threading.Thread(target=self._serve, name=f"lane {self._name}", daemon=True).start()
                self._threads += 1

    def require_room(self, size: int) -> None:
        """There is room for a job of so many bytes; ``RATE_LIMITED`` otherwise."""
        with self._wake:
            self._make_room(size)

    def require_place(self, waiting: int) -> None:
        """There is room for one more where so many wait elsewhere; ``RATE_LIMITED`` otherwise."""
        if waiting >= self._depth:
            self.refused += 1
            raise self._refusal(waiting)

    def note(self, took: float) -> None:
        """A request has run for so many seconds."""
        self._seconds = took if not self._seconds else self._seconds + _NEWEST * (took - self._seconds)

    def leave(self, job: Job[Any]) -> None:
        """Nobody waits for the job any more: it is not begun, or told that its time is over."""
        job.deadline.cancel()
        if job.future.cancel():
            with self._wake:
                self.late += 1
                if job in self._waiting:
                    self._waiting.remove(job)
                    self._bytes -= job.size

    def _make_room(self, size: int) -> None:
        if self._is_full(size):
            self._drop_late()
        if self._is_full(size):
            self.refused += 1
            raise self._refusal(len(self._waiting))

    def _is_full(self, size: int) -> bool:
        return len(self._waiting) >= self._depth or (bool(self._waiting) and self._bytes + size > QUEUED_BYTES)

    def _drop_late(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        for job in [job for job in self._waiting if job.deadline.is_over()]:
            self._waiting.remove(job)
            self._bytes -= job.size
            self._end_unbegun(job)

    def _end_unbegun(self, job: Job[Any]) -> None:
        self.late += 1
        if job.future.set_running_or_notify_cancel():
            job.future.set_exception(job.deadline.error())

    def _refusal(self, waiting: int) -> DomainError:
        seconds = min(max(math.ceil((waiting + 1) * self._seconds / self._most), 1), _LONGEST_WAIT)
        return rate_limited(
            f"the queue of deployment {self._name} is full; try again in {seconds} s, or deploy more replicas", seconds
        )

    def _serve(self) -> None:
        _step_back()
        while (job := self._next()) is not None:
            if job.deadline.is_over():
                self._end_unbegun(job)
            elif job.future.set_running_or_notify_cancel():
                job.context.run(self._run, job)
            del job  # or its body would stay in memory until the next one comes

    def _next(self) -> Job[Any] | None:
        """The job that waits longest; None when there was none for a while."""
        with self._wake:
            self._idle += 1
            self._wake.wait_for(lambda: self._waiting, _IDLE_SECONDS)
            self._idle -= 1
            if not self._waiting:
                self._threads -= 1
                return None
            job = self._waiting.popleft()
            self._bytes -= job.size
            return job

    def _run(self, job: Job[Any]) -> None:
        began, job.begun = time.monotonic(), True
        try:
            with until(job.deadline):
                result = job.work()
        except BaseException as error:  # noqa: BLE001  # whoever waits for it is to know
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
        self.note(time.monotonic() - began)


def _step_back() -> None:
    """Leave the cores to the event loop when it wants one: it reads, and refuses, while models run."""
    if sys.platform == "linux":  # elsewhere priorities are those of whole processes
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)
