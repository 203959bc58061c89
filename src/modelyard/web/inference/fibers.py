"""Requests that wait for models' processes on the event loop, each in a greenlet: where one waits, others go on.

No thread is woken for them, so that a small request costs little more than the two processes that answer it. What a
request runs is as synchronous as on a thread; it waits by ``core.serving.waiting`` and must hold no lock while it does.
"""

import asyncio
import select
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from greenlet import greenlet

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.deadlines import Deadline, until
from modelyard.core.serving.routes import Route
from modelyard.core.serving.waiting import WAIT
from modelyard.web.inference.lane import Lane
from modelyard.web.inference.lanes import Lanes
from modelyard.web.inference.pending import Pending

T = TypeVar("T")

_LOOK_SECONDS = 0.25
"""Whoever waits longer looks now and then what became of its deadline."""
_GLANCE_SECONDS = 0.002
"""So often answers are looked for while more and more requests arrive in one round of the loop."""
_TIMES = 4
"""As many as in a lane are under way at once: small ones, that a process should find waiting whenever it runs."""


class Fiber(Pending[T]):
    """One request. ``run`` and ``refuse`` give what ``then`` gets; neither raises anything."""

    def __init__(self, run: Callable[[], T], refuse: Callable[[DomainError], T], deadline: Deadline) -> None:
        """``refuse`` says what is told when its time is over before it has begun."""
        self.deadline = deadline
        self._run = run
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._outside = copy_context()
        self._greenlet = greenlet(self._work)
        self._timer: asyncio.TimerHandle | None = None
        self._track: _Track | None = None
        self._told: Callable[[T], None] | None = None
        self.reads: int | None = None
        """The descriptor from which it waits to read."""
        self._began = 0.0
        self.results: list[T] = []
        """Its result, once there is one."""

    def then(self, told: Callable[[T], None]) -> None:
        self._told = told

    def leave(self) -> None:
        self._told = None
        self.deadline.cancel()
        if self._track is not None and not self._began:
            self._track.drop(self)
            self._end()
        else:
            self._look()

    def begin(self, track: "_Track") -> None:
        """Run until it has to wait."""
        self._track, self._began = track, time.monotonic()
        self._resume()

    def go_on(self) -> None:
        """What it waits for is there."""
        self._resume()

    def watch(self, track: "_Track") -> None:
        """Look after its deadline from now on."""
        self._track = track
        self._timer = self._loop.call_later(min(_LOOK_SECONDS, self.deadline.remaining()), self._look)

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._track is None or self.results:
            return
        if self._began:
            self._resume()
        elif self.deadline.is_over():
            self._track.drop(self)
            self._end()
            self._tell(self._refuse(self.deadline.error()))
        if self._track is not None:
            self.watch(self._track)

    def _resume(self) -> None:
        self._greenlet.switch()
        if self._greenlet.dead and (track := self._track) is not None:
            self._end()
            self._tell(self.results[0])
            track.ended(self, time.monotonic() - self._began)

    def _end(self) -> None:
        self._track = None
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self, result: T) -> None:
        self.results = [result]
        if self._told is not None:
            self._told(result)

    def _work(self) -> None:
        WAIT.set(self._wait)
        with until(self.deadline):
            self.results = [self._run()]

    def _wait(self, descriptor: int, writing: bool, latest: float) -> None:  # as ``Wait`` has it
        del latest  # the watch comes round
        loop, others = self._loop, self._greenlet.parent
        assert others is not None  # noqa: S101  # it is no thread's first
        add = loop.add_writer if writing else loop.add_reader
        self._outside.run(add, descriptor, self._resume)  # what goes on from there is no part of this request
        self.reads = None if writing else descriptor
        try:
            others.switch()
        finally:
            self.reads = None
            (loop.remove_writer if writing else loop.remove_reader)(descriptor)


class _Track:
    """The requests of one deployment: some are under way, others wait."""

    def __init__(self) -> None:
        self._most = 1
        self._lane: Lane | None = None
        self._running: set[Fiber[Any]] = set()
        self._waiting: deque[Fiber[Any]] = deque()
        self._is_filling = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits or is under way."""
        return not self._running and not self._waiting

    def add(self, fiber: Fiber[Any], lane: Lane, route: Route) -> None:
        """Begin it, or let it wait; ``RATE_LIMITED`` when too many wait."""
        self._lane, self._most = lane, _TIMES * route.concurrency
        if len(self._running) >= self._most:
            lane.require_place(len(self._waiting))
            self._waiting.append(fiber)
        else:
            self._running.add(fiber)
            fiber.begin(self)
        if not fiber.results:  # it is not done
            fiber.watch(self)

    def drop(self, fiber: Fiber[Any]) -> None:
        """It does not wait any more."""
        self._waiting.remove(fiber)

    def glance(self) -> None:
        """Go on with those whose answers are there, though the loop has not come round to them."""
        poll, found = select.poll(), {fiber.reads: fiber for fiber in self._running if fiber.reads is not None}
        for descriptor in found:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(0):
            found[descriptor].go_on()

    def ended(self, fiber: Fiber[Any], seconds: float) -> None:
        """One that was under way has its answer."""
        self._running.discard(fiber)
        if self._lane is not None:
            self._lane.note(seconds)
        if self._is_filling:  # one that was begun there did not have to wait
            return
        self._is_filling = True
        while self._waiting and len(self._running) < self._most:
            following = self._waiting.popleft()
            self._running.add(following)
            following.begin(self)
        self._is_filling = False


class Fibers:
    """The requests of all deployments on the running loop."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._tracks: dict[int, _Track] = {}
        self._glance_at = 0.0

    def run(self, route: Route, fiber: Fiber[T]) -> Fiber[T]:
        """Begin it soon: it has its result already where it did not have to wait; ``RATE_LIMITED`` when too many do."""
        track = self._tracks.get(route.deployment_id)
        if track is None:
            self._tracks = {key: each for key, each in self._tracks.items() if not each.is_empty}
            track = self._tracks[route.deployment_id] = _Track()
        if (now := time.monotonic()) >= self._glance_at:
            self._glance_at = now + _GLANCE_SECONDS
            track.glance()
        track.add(fiber, self._lanes.of(route), route)
        return fiber
