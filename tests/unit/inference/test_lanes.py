"""Lanes: bounded queues, deadlines, clients that leave."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deadlines import Deadline, current_deadline
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference import lane as lane_module
from modelyard.web.inference.lane import Job, Lane
from modelyard.web.inference.lanes import Gone, Lanes
from running import eventually
from sleeping_model import Sleeper, route_to

Receive = Callable[[], Awaitable[Any]]


class Stand:
    """Lanes of two deployments whose model waits to be let go."""

    def __init__(self, queue: int = 0, seconds: float = 30) -> None:
        self.model = Sleeper(30)
        self.route, self.other = route_to(self.model, 1), route_to(self.model, 2)
        self.routes = RouteTable()
        self.routes.replace([self.route, self.other])
        self.failures: list[tuple[Route, ErrorKind]] = []
        self.lanes = Lanes(self.routes, queue, seconds, self._failed)

    def job(self, seconds: float = 30, size: int = 1) -> Job[Any]:
        return Job(lambda: self.route.graph.run({"x": [[1.0]]}), Deadline(seconds), size)

    def _failed(self, route: Route, error: Exception) -> None:
        assert isinstance(error, DomainError)
        self.failures.append((route, error.kind))


async def _stays() -> Any:
    await asyncio.sleep(3600)


async def _leaves() -> Any:
    await asyncio.sleep(0.05)
    return {"type": "http.disconnect"}


def test_what_does_not_fit_the_queue_is_refused_at_once_and_told_when_to_come_again() -> None:
    stand = Stand()

    async def ask() -> list[Any]:
        jobs = [stand.lanes.run(stand.route, stand.job(), _stays) for _ in range(10)]
        asyncio.get_running_loop().call_later(0.2, stand.model.go_on.set)
        return await asyncio.gather(*jobs, return_exceptions=True)

    began = time.monotonic()
    answers = asyncio.run(ask())
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert time.monotonic() - began < 5
    assert len(answers) - len(refused) in (4, 5, 6)  # two run, four wait; those that run may not have begun yet
    assert {error.kind for error in refused} == {ErrorKind.RATE_LIMITED}
    assert all(1 <= error.details["retry_after"] <= 60 for error in refused)
    assert len(stand.failures) == len(refused) == stand.lanes.of(stand.route).refused
    assert stand.model.most == 2


def test_one_deployment_that_is_overloaded_does_not_hold_up_another() -> None:
    stand = Stand()
    free = Sleeper(0)
    other = route_to(free, 2)

    async def ask() -> float:
        crowd = [asyncio.ensure_future(stand.lanes.run(stand.route, stand.job(), _stays)) for _ in range(20)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await stand.lanes.run(other, Job(lambda: other.graph.run({"x": [[1.0]]}), Deadline(5), 1), _stays)
        took = time.monotonic() - began
        stand.model.go_on.set()
        await asyncio.gather(*crowd, return_exceptions=True)
        return took

    assert asyncio.run(ask()) < 1


def test_who_waits_longer_than_its_deadline_is_told_in_time_and_never_run() -> None:
    stand = Stand()

    async def ask() -> list[Any]:
        running = [asyncio.ensure_future(stand.lanes.run(stand.route, stand.job(), _stays)) for _ in range(2)]
        await asyncio.sleep(0.05)
        late = stand.lanes.run(stand.route, stand.job(0.1), _stays)
        answers = await asyncio.gather(late, return_exceptions=True)
        stand.model.go_on.set()
        await asyncio.gather(*running)
        return answers

    began = time.monotonic()
    (answer,) = asyncio.run(ask())
    assert time.monotonic() - began < 5
    assert answer.kind is ErrorKind.TIMED_OUT
    assert "0.1 s" in answer.message
    assert len(stand.model.deadlines) == 2
    assert stand.failures == [(stand.route, ErrorKind.TIMED_OUT)]
    assert stand.lanes.of(stand.route).late == 1


def test_a_model_that_takes_longer_than_the_deadline_is_not_waited_for() -> None:
    stand = Stand()
    with pytest.raises(DomainError) as caught:
        asyncio.run(stand.lanes.run(stand.route, stand.job(0.1), _stays))
    assert caught.value.kind is ErrorKind.TIMED_OUT
    stand.model.go_on.set()
    assert eventually(lambda: stand.lanes.of(stand.route).is_empty)


class Early(Deadline):
    """One whose waiting ends a little before it is over, as the timers of an event loop may."""

    def remaining(self) -> float:
        return max(0.0, super().remaining() - 0.05)


@pytest.mark.parametrize("seconds", [0.06, 0.15])
def test_who_waits_as_long_as_they_may_is_told_so_though_the_timer_came_early(seconds: float) -> None:
    stand = Stand()
    job = Job(lambda: stand.route.graph.run({"x": [[1.0]]}), Early(seconds), 1)
    with pytest.raises(DomainError) as caught:
        asyncio.run(stand.lanes.run(stand.route, job, _stays))
    assert caught.value.kind is ErrorKind.TIMED_OUT
    stand.model.go_on.set()
    assert eventually(lambda: stand.lanes.of(stand.route).is_empty)


def test_a_model_sees_the_deadline_of_its_request_and_nobody_elses() -> None:
    stand = Stand()
    stand.model.go_on.set()

    async def ask() -> None:
        for seconds in (5, 50):
            await stand.lanes.run(stand.route, stand.job(seconds), _stays)

    now = time.monotonic()
    asyncio.run(ask())
    first, second = (deadline - now for deadline in stand.model.deadlines if deadline is not None)
    assert 4 < first < 6
    assert 49 < second < 51
    assert current_deadline() is None


def test_a_request_whose_client_leaves_is_dropped_from_the_queue_and_one_that_runs_has_no_more_time() -> None:
    stand = Stand()
    seen: list[Job[Any]] = []

    async def ask() -> list[Any]:
        jobs = [stand.job() for _ in range(5)]
        seen.extend(jobs)
        two_run = asyncio.Event()

        async def leaves() -> Any:
            await two_run.wait()
            return await _leaves()

        left = [asyncio.ensure_future(stand.lanes.run(stand.route, job, leaves)) for job in jobs[:4]]
        while len(stand.model.deadlines) < 2:  # noqa: ASYNC110  # threads begin them: they set no event
            await asyncio.sleep(0.01)
        stays = asyncio.ensure_future(stand.lanes.run(stand.route, jobs[4], _stays))
        two_run.set()
        answers = await asyncio.gather(*left, return_exceptions=True)
        stand.model.go_on.set()
        return [*answers, await stays]

    *gone, answer = asyncio.run(ask())
    assert [type(each) for each in gone] == [Gone] * 4
    assert answer.outputs["y"].tolist() == [[2.0]]
    assert len(stand.model.deadlines) == 3  # the two that ran already, and the one whose client stayed
    assert [job.deadline.is_over() for job in seen] == [True] * 4 + [False]
    assert stand.failures == []


def test_bodies_that_wait_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "QUEUED_BYTES", 1000)
    stand, lane = Stand(), Lane("m", 1, 100)
    lane.offer(stand.job())
    assert eventually(lambda: len(stand.model.deadlines) == 1)
    lane.offer(stand.job(size=5000))  # a large one by itself may wait
    with pytest.raises(DomainError) as caught:
        lane.offer(stand.job(size=10))
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    stand.model.go_on.set()
    assert eventually(lambda: lane.is_empty)


def test_a_full_queue_makes_room_by_dropping_what_is_late() -> None:
    stand, lane = Stand(), Lane("m", 1, 2)
    lane.offer(stand.job())
    assert eventually(lambda: len(stand.model.deadlines) == 1)
    late = [stand.job(0.01), stand.job(0.01)]
    for job in late:
        lane.offer(job)
    time.sleep(0.02)
    lane.offer(stand.job())
    for job in late:
        error = job.future.exception(0)
        assert isinstance(error, DomainError)
        assert error.kind is ErrorKind.TIMED_OUT
    assert lane.late == 2
    stand.model.go_on.set()
    assert eventually(lambda: lane.is_empty)


def test_retry_after_grows_with_what_waits_and_how_long_one_takes() -> None:
    model = Sleeper(0.6)
    route, lane = route_to(model), Lane("m", 1, 8)
    run = lambda: route.graph.run({"x": [[1.0]]})  # noqa: E731
    first = Job(run, Deadline(30), 1)
    lane.offer(first)
    first.future.result(10)
    model.go_on.set()
    model.go_on = threading.Event()
    model.seconds = 30
    for _ in range(9):
        lane.offer(Job(run, Deadline(30), 1))
        assert eventually(lambda: len(model.deadlines) == 2)
    with pytest.raises(DomainError) as caught:
        lane.offer(Job(run, Deadline(30), 1))
    assert 5 <= caught.value.details["retry_after"] <= 8
    model.go_on.set()
    assert eventually(lambda: lane.is_empty)


def test_threads_end_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "_IDLE_SECONDS", 0.05)
    lane = Lane("idler", 4, 10)
    done = [Job(lambda: 1, Deadline(5), 1) for _ in range(4)]
    for job in done:
        lane.offer(job)
    assert [job.future.result(5) for job in done] == [1] * 4
    assert eventually(lambda: all(thread.name != "lane idler" for thread in threading.enumerate()))
    again = Job(lambda: 2, Deadline(5), 1)
    lane.offer(again)
    assert again.future.result(5) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere priorities are those of whole processes")
def test_what_runs_in_a_lane_leaves_the_cores_to_the_event_loop() -> None:
    jobs = [Job(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), Deadline(5), 1) for _ in range(2)]
    lane = Lane("a", 1, 2)
    for job in jobs:
        lane.offer(job)
    here = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert [job.future.result(5) for job in jobs] == [min(here + 10, 19)] * 2


def test_every_job_ends_however_many_ask_at_once() -> None:
    stand = Stand(queue=5)
    stand.model.seconds = 0.001

    async def ask() -> list[Any]:
        asking = [stand.lanes.run(stand.route, stand.job(10), _stays) for _ in range(300)]
        return await asyncio.gather(*asking, return_exceptions=True)

    answers = asyncio.run(ask())
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert len(refused) < 300
    assert all(isinstance(answer, DomainError) or answer.rows == 1 for answer in answers)
    assert eventually(lambda: stand.lanes.of(stand.route).is_empty)


def test_lanes_of_deployments_that_are_no_more_are_forgotten() -> None:
    stand = Stand()
    stand.lanes.of(stand.route)
    stand.routes.replace([stand.other])
    stand.lanes.of(stand.other)
    assert list(stand.lanes._lanes) == [2]
