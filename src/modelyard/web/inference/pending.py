"""Answers that are still to come, without a task that waits for them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.routes import Route
from modelyard.web.inference.lane import Job
from modelyard.web.inference.lanes import Lanes

T = TypeVar("T")


class Pending(ABC, Generic[T]):
    """Of the event loop on which it was asked for: everything happens there."""

    @abstractmethod
    def then(self, told: Callable[[T], None]) -> None:
        """Have the answer told when it is there."""

    @abstractmethod
    def leave(self) -> None:
        """Nobody waits for it any more: it is not begun, or told that its time is over."""


class Queued(Pending[T]):
    """What a lane's thread will answer. The job gives what ``then`` gets, and raises nothing; ``refuse`` says the same
    of a job that had no time.
    """

    def __init__(self, lanes: Lanes, route: Route, job: Job[T], refuse: Callable[[DomainError], T]) -> None:
        """``RATE_LIMITED`` when too much waits already."""
        self._job = job
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._lane = lanes.offer(route, job)
        self._told: Callable[[T], None] | None = None
        self._timer = self._loop.call_later(job.deadline.remaining(), self._end)
        job.future.add_done_callback(self._answered)

    def then(self, told: Callable[[T], None]) -> None:
        self._told = told

    def leave(self) -> None:
        self._told = None
        self._timer.cancel()
        self._lane.leave(self._job)

    def _answered(self, _: Any) -> None:  # in the lane's thread, or here when it is left
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        told, self._told = self._told, None
        if told is None:
            return
        self._timer.cancel()
        told(self._result())

    def _result(self) -> T:
        future, deadline = self._job.future, self._job.deadline
        if future.done() and future.exception() is None:
            return future.result()
        error = deadline.error()
        self._lane.leave(self._job)
        return self._refuse(error)
