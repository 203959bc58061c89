"""Shadows that are slow or fail: what waits for them is bounded, and the server ends without them."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import invalid, timed_out
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.serving.deadlines import Deadline, until
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.rollout.counts import Tally
from modelyard.web.inference.keeping import Keeper

KIB = 1024


class Log:
    """Keeps what is logged; every row has ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.ids: dict[Stream, list[str]] = {Stream.REQUESTS: [], Stream.SHADOW: []}

    def append(self, _: Any, __: int, result: Result, ___: Any, stream: Stream = Stream.REQUESTS) -> int:
        self.ids[stream].append(result.request_id)
        return self.size


class Graph:
    """Its shadow waits until it may go on, and fails on every third request."""

    shadow = SimpleNamespace(name="shadow")

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked = 0

    def run_shadow(self, _: Any) -> Result:
        self.asked += 1
        self.go_on.wait(30)
        if self.asked % 3 == 0:
            raise invalid("the shadow does not like this")
        return Result(rows=1)


class Failures:
    """Counts what is noted."""

    def __init__(self) -> None:
        self.noted = 0

    def note(self, _: Any) -> None:
        self.noted += 1


class Stand:
    """A keeper with a shadow."""

    def __init__(self, size: int) -> None:
        self.log, self.graph, self.failures = Log(size), Graph(), Failures()
        self.keeper: Any = Keeper(self.log, self.failures)
        self._route: Any = SimpleNamespace(
            graph=self.graph, namespace="n", workspace_id=1, pipeline_id=1, tally=Tally()
        )

    def keep(self, count: int) -> float:
        """The longest time that keeping one took, in seconds."""
        slowest = 0.0
        for number in range(count):
            result = Result(rows=1, mirrored=True, request_id=str(number))
            began = time.perf_counter()
            self.keeper.keep(self._route, 1, result, {"x": np.zeros(1)}, {})
            slowest = max(slowest, time.perf_counter() - began)
        return slowest


def test_a_stuck_shadow_holds_up_no_answer_and_a_bounded_number_of_copies() -> None:
    stand = Stand(100)
    assert stand.keep(3000) < 1
    assert len(stand.log.ids[Stream.REQUESTS]) == 3000
    assert 3000 - stand.keeper.dropped in (1024, 1025)  # one of them may be under way
    stand.graph.go_on.set()
    stand.keeper.close()


def test_large_copies_wait_in_smaller_numbers() -> None:
    stand = Stand(1024 * KIB)
    stand.keep(100)
    assert 100 - stand.keeper.dropped in (16, 17)
    stand.graph.go_on.set()
    stand.keeper.close()
    assert len(stand.log.ids[Stream.SHADOW]) + stand.failures.noted == 100 - stand.keeper.dropped


def test_a_failing_shadow_is_noted_and_the_next_request_is_shown_to_it() -> None:
    stand = Stand(100)
    stand.graph.go_on.set()
    stand.keep(30)
    stand.keeper.close()
    assert stand.failures.noted == 10
    assert len(stand.log.ids[Stream.SHADOW]) == 20


def test_the_server_ends_while_its_shadow_is_stuck() -> None:
    stand = Stand(100)
    stand.keep(2000)
    began = time.monotonic()
    stand.keeper.close()
    assert time.monotonic() - began < 10
    stand.graph.go_on.set()


def test_answers_their_rows_and_failures_are_counted_but_not_those_of_shadows() -> None:
    stand = Stand(KIB)
    route = stand._route
    failing = np.array([True, False, False]), np.array([True, True, False])
    result = Result(rows=3, elapsed=[1000, 2_000_000], checks={"a": failing[0], "b": failing[1]})
    stand.keeper.keep(route, 1, result, {}, {})
    stand.keeper.failed(route, invalid("no such column", node="m"))
    stand.keeper.failed(route, timed_out("too late"))
    told = Deadline(1)
    told.cancel()
    with until(told):
        stand.keeper.failed(route, timed_out("its client left, or was told already"))
    with until(Deadline.asked(0, 60)):
        stand.keeper.failed(route, timed_out("the model saw that the caller had no more time"))
    stand.keeper.failed(route, Deadline.asked(0.1, 60).error())
    counts = route.tally.counts()
    assert (counts.requests, counts.failures, counts.rows, counts.failed_rows) == (2, 1, 3, 2)
    with until(Deadline.asked(60, 0)):
        stand.keeper.failed(route, timed_out("the model took longer than the server allows"))
    stand.keeper.failed(route, Deadline.asked(60, 60).error())
    with until(Deadline.asked(30, 60)):
        stand.keeper.failed(route, timed_out("the caller would have waited"))
    assert route.tally.counts().failures == 4
    assert counts.quantile(0.5) == pytest.approx(2.0, rel=0.13)
    before = stand.graph.asked
    stand.graph.go_on.set()
    stand.keep(1)
    stand.keeper.close()
    assert stand.graph.asked == before + 1
    assert route.tally.counts().requests == 6  # the answer, and not what the shadow made of it
