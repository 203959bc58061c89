"""Requests that wait on the event loop: others go on, queues and deadlines hold."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deadlines import Deadline, current_deadline
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.waiting import current_wait, on_thread
from modelyard.web.inference.fibers import Fiber, Fibers
from modelyard.web.inference.lanes import Lanes
from sleeping_model import Sleeper, route_to


class Crowd:
    """Requests to one deployment, each of which waits for a line over a socket of its own."""

    def __init__(self, queue: int = 0) -> None:
        self.route = route_to(Sleeper(0), 1, concurrency=1)
        routes = RouteTable()
        routes.replace([self.route])
        self.fibers = Fibers(Lanes(routes, queue, 30, lambda *_: None))
        self.begun: list[int] = []
        self.told: list[Any] = []
        self._sockets: list[socket.socket] = []

    def open(self, *made: socket.socket) -> tuple[socket.socket, ...]:
        self._sockets += made
        return made

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def ask(self, number: int, seconds: float = 30) -> tuple[Fiber[Any], socket.socket]:
        here, there = self.open(*socket.socketpair())
        here.setblocking(False)
        fiber = Fiber(lambda: self._answer(number, here), lambda error: error.kind, Deadline(seconds))
        self.fibers.run(self.route, fiber)
        fiber.then(self.told.append)
        return fiber, there

    def _answer(self, number: int, here: socket.socket) -> Any:
        self.begun.append(number)
        while (current_deadline() or 0) > time.monotonic():
            try:
                return here.recv(10).decode()
            except BlockingIOError:
                current_wait()(here.fileno(), False, time.monotonic() + 60)
        return "late"


def crowd_at_work(scene: Callable[[Crowd], Any], queue: int = 0) -> Crowd:
    async def play() -> Crowd:
        crowd = Crowd(queue)
        await scene(crowd)
        crowd.close()
        return crowd

    return asyncio.run(play())


def test_others_are_answered_while_one_waits() -> None:
    async def scene(crowd: Crowd) -> None:
        (_, first), (_, second) = crowd.ask(1), crowd.ask(2)
        second.send(b"second")
        await asyncio.sleep(0.05)
        assert crowd.told == ["second"]
        first.send(b"first")
        await asyncio.sleep(0.05)

    assert crowd_at_work(scene).told == ["second", "first"]


def test_answers_are_looked_for_while_requests_arrive_though_the_loop_does_not_come_round() -> None:
    async def scene(crowd: Crowd) -> None:
        asked = [crowd.ask(number) for number in range(6)]
        asked[0][1].send(b"zero")
        time.sleep(0.01)  # noqa: ASYNC251  # the loop is not to come round
        crowd.ask(6)  # there is room for it, by the answer to the first
        assert crowd.told == ["zero"]
        assert crowd.begun == [0, 1, 2, 3, 4]

    crowd_at_work(scene)


def test_what_follows_an_answer_does_not_wait_as_the_request_did() -> None:
    async def scene(crowd: Crowd) -> None:
        fiber, there = crowd.ask(1)
        waits: list[Any] = []
        fiber.then(lambda _: waits.append(current_wait()))
        there.send(b"now")
        await asyncio.sleep(0.05)
        assert waits == [on_thread]

    crowd_at_work(scene)


def test_what_need_not_wait_has_its_result_at_once() -> None:
    async def scene(crowd: Crowd) -> None:
        fiber: Fiber[str] = Fiber(lambda: "known", lambda _: "refused", Deadline(5))
        crowd.fibers.run(crowd.route, fiber)
        assert fiber.results == ["known"]

    crowd_at_work(scene)


def test_some_are_under_way_the_next_wait_and_more_are_refused() -> None:
    async def scene(crowd: Crowd) -> None:
        asked = [crowd.ask(number) for number in range(6)]  # four for each that its lane runs, two wait
        with pytest.raises(DomainError) as caught:
            crowd.ask(6)
        assert caught.value.kind is ErrorKind.RATE_LIMITED
        assert crowd.begun == [0, 1, 2, 3]
        asked[2][1].send(b"two")
        await asyncio.sleep(0.05)
        assert crowd.begun == [0, 1, 2, 3, 4]
        for _, there in asked:
            there.close()
        await asyncio.sleep(0.05)
        assert crowd.begun == [0, 1, 2, 3, 4, 5]

    assert crowd_at_work(scene).told == ["two", "", "", "", "", ""]


def test_who_waits_longer_than_its_deadline_is_told_and_never_begun() -> None:
    async def scene(crowd: Crowd) -> None:
        asked = [crowd.ask(number) for number in range(4)]
        crowd.ask(4, 0.05)
        await asyncio.sleep(0.3)
        assert crowd.told == [ErrorKind.TIMED_OUT]
        for _, there in asked:
            there.close()
        await asyncio.sleep(0.05)

    assert crowd_at_work(scene).begun == [0, 1, 2, 3]


def test_one_that_runs_sees_that_its_time_is_over() -> None:
    async def scene(crowd: Crowd) -> None:
        crowd.ask(1, 0.05)
        await asyncio.sleep(0.3)

    assert crowd_at_work(scene).told == ["late"]


def test_whoever_leaves_is_told_nothing_and_makes_room() -> None:
    async def scene(crowd: Crowd) -> None:
        asked = [crowd.ask(number) for number in range(5)]
        asked[4][0].leave()  # it waits
        asked[0][0].leave()  # it runs
        assert asked[0][0].results == ["late"]
        _, there = crowd.ask(5)
        assert crowd.begun == [0, 1, 2, 3, 5]
        for each in [*(other for _, other in asked), there]:
            each.send(b"more")
        await asyncio.sleep(0.05)

    assert crowd_at_work(scene).told == ["more"] * 4
