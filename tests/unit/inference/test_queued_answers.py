"""Answers that a lane will have: told once, on the event loop, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deadlines import Deadline
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference.lane import Job
from modelyard.web.inference.lanes import Lanes
from modelyard.web.inference.pending import Queued
from running import eventually
from sleeping_model import Sleeper, route_to


class Stand:
    """A lane whose two threads run a model that waits to be let go, and what was told."""

    def __init__(self) -> None:
        self.model = Sleeper(30)
        self.route = route_to(self.model, 1)
        routes = RouteTable()
        routes.replace([self.route])
        self.refused: list[ErrorKind] = []
        self.lanes = Lanes(routes, 0, 30, self._failed)
        self.told: list[Any] = []
        self.arrived = asyncio.Semaphore(0)

    def ask(self, seconds: float = 30) -> Queued[Any]:
        job = Job(self._answer, Deadline(seconds), 1)
        queued = Queued(self.lanes, self.route, job, lambda error: error.kind)
        queued.then(self._tell)
        return queued

    def _tell(self, answer: Any) -> None:
        self.told.append(answer)
        self.arrived.release()

    def _answer(self) -> str:
        self.route.graph.run({"x": [[1.0]]})
        return "answered"

    def _failed(self, _: Route, error: Exception) -> None:
        assert isinstance(error, DomainError)
        self.refused.append(error.kind)


def at_work(scene: Callable[[Stand], Awaitable[None]]) -> Stand:
    async def play() -> Stand:
        stand = Stand()
        try:
            await scene(stand)
        finally:
            stand.model.go_on.set()
        return stand

    stand = asyncio.run(play())
    assert eventually(lambda: stand.lanes.of(stand.route).is_empty)
    return stand


async def _told(stand: Stand, count: int) -> None:
    async with asyncio.timeout(10):
        for _ in range(count):
            await stand.arrived.acquire()


def test_answers_are_told_when_they_are_there() -> None:
    async def scene(stand: Stand) -> None:
        for _ in range(4):
            stand.ask()
        assert stand.told == []
        stand.model.go_on.set()
        await _told(stand, 4)

    assert at_work(scene).told == ["answered"] * 4


def test_what_does_not_fit_is_refused_at_once_without_a_task() -> None:
    async def scene(stand: Stand) -> None:
        for _ in range(4):
            stand.ask()
        assert eventually(lambda: len(stand.model.deadlines) == 2)
        for _ in range(2):  # two run, four wait
            stand.ask()
        with pytest.raises(DomainError, match="is full"):
            stand.ask()

    stand = at_work(scene)
    assert stand.refused == [ErrorKind.RATE_LIMITED]


def test_at_its_deadline_one_is_told_so_once() -> None:
    async def scene(stand: Stand) -> None:
        for _ in range(3):
            stand.ask(0.1)
        await _told(stand, 3)
        stand.model.go_on.set()
        await asyncio.sleep(0.1)

    stand = at_work(scene)
    assert stand.told == [ErrorKind.TIMED_OUT] * 3
    assert len(stand.model.deadlines) == 2


def test_who_leaves_is_told_nothing_and_what_waits_is_not_begun() -> None:
    async def scene(stand: Stand) -> None:
        asked = [stand.ask() for _ in range(4)]
        assert eventually(lambda: len(stand.model.deadlines) == 2)
        for queued in asked[1:]:
            queued.leave()
        stand.model.go_on.set()
        await _told(stand, 1)
        await asyncio.sleep(0.1)

    stand = at_work(scene)
    assert stand.told == ["answered"]
    assert len(stand.model.deadlines) == 2
