"""The number of replicas: it follows the load, keeps its bounds, and does not go to and fro."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.serving.resources import Autoscale
from modelyard.core.serving.scaling import Sample, Scaler

WINDOW = 60.0
QUEUE = Autoscale("queue", 1, 8, queue_up=5, queue_down=1, window_seconds=WINDOW)
CPU = Autoscale("cpu", 1, 8, cpu_percent=75, window_seconds=WINDOW)

Load = Callable[[int], tuple[int, float, bool]]
"""(calls, CPU of each, whether anybody asks) by the number of replicas."""


def calls(total: int) -> Load:
    return lambda _: (total, 0.0, True)


def work(processors: float) -> Load:
    """So many processors have enough to do, shared among the replicas."""
    return lambda replicas: (0, min(100.0, 100 * processors / replicas), True)


NOBODY: Load = lambda _: (0, 0.0, False)  # noqa: E731  # it is one of three


class Clock:
    """Half a second goes by between samples."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.reasons: list[str] = []

    def numbers(self, scaler: Scaler, load: Load, seconds: float) -> list[int]:
        """How many there were, without repetitions."""
        seen = [scaler.replicas]
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            count, cpu, asked = load(scaler.replicas)
            if reason := scaler.note(Sample(self.now, count, cpu, asked)):
                self.reasons.append(reason)
                seen.append(scaler.replicas)
        return seen


def test_calls_that_wait_bring_more_soon() -> None:
    clock, scaler = Clock(), Scaler(QUEUE, 1)
    assert clock.numbers(scaler, calls(12), 5.5) == [1]
    assert clock.numbers(scaler, calls(12), 2) == [1, 3]
    assert clock.reasons == ["12.0 calls run or wait for each replica"]
    assert clock.numbers(scaler, calls(12), 600) == [3]


def test_processors_that_are_busy_bring_more() -> None:
    clock, scaler = Clock(), Scaler(CPU, 1)
    assert clock.numbers(scaler, work(1.0), 60)[:2] == [1, 2]
    assert "% of the processors are used" in clock.reasons[0]


def test_a_short_burst_brings_nothing() -> None:
    clock, scaler = Clock(), Scaler(QUEUE, 1)
    for _ in range(20):
        assert clock.numbers(scaler, calls(14), 1) == [1]
        assert clock.numbers(scaler, calls(2), 9) == [1]


def test_they_go_by_half_after_a_whole_window_of_little() -> None:
    clock, scaler = Clock(), Scaler(QUEUE, 8)
    assert clock.numbers(scaler, calls(1), WINDOW - 1) == [8]
    assert clock.numbers(scaler, calls(1), 9 * WINDOW) == [8, 4, 2, 1]


def test_one_busy_moment_in_the_window_keeps_it_awake() -> None:
    scaler, clock = Scaler(Autoscale("queue", 0, 2, window_seconds=WINDOW), 1), Clock()
    for _ in range(5):
        assert clock.numbers(scaler, NOBODY, WINDOW - 2) == [1]
        assert clock.numbers(scaler, lambda _: (0, 0.0, True), 1) == [1]


@pytest.mark.parametrize("replicas", [1, 3])
def test_nobody_asks_and_the_last_one_goes_where_that_is_allowed(replicas: int) -> None:
    clock, scaler = Clock(), Scaler(Autoscale("cpu", 0, 3, window_seconds=WINDOW), replicas)
    assert clock.numbers(scaler, NOBODY, WINDOW + 1) == [replicas, 0]
    assert clock.reasons == ["nobody asked for 60 s"]
    scaler.wake()
    assert scaler.replicas == 1
    assert clock.numbers(scaler, NOBODY, WINDOW - 1) == [1]


def test_what_was_seen_before_something_changed_does_not_count() -> None:
    clock, scaler = Clock(), Scaler(QUEUE, 1)
    assert clock.numbers(scaler, calls(20), 5) == [1]
    scaler.forget()
    assert clock.numbers(scaler, calls(20), 5) == [1]


bounds = st.builds(
    lambda by, least, more, cpu, up, down, window: Autoscale(by, least, max(least + more, 1), cpu, up, down, window),
    st.sampled_from(["cpu", "queue"]),
    st.integers(0, 4),
    st.integers(0, 20),
    st.floats(1, 100),
    st.floats(0, 50),
    st.floats(0, 100),
    st.floats(1, 20),
)


@given(bounds, st.integers(0, 100), st.lists(st.tuples(st.integers(0, 500), st.floats(0, 800), st.booleans())))
def test_it_keeps_its_bounds_whatever_comes(
    bounds: Autoscale, replicas: int, samples: list[tuple[int, float, bool]]
) -> None:
    scaler = Scaler(bounds, replicas)
    for at, sample in enumerate(samples):
        before = scaler.replicas
        reason = scaler.note(Sample(float(at), *sample))
        assert bool(reason) == (scaler.replicas != before)
        assert bounds.least <= scaler.replicas <= bounds.most
        assert scaler.replicas <= max(2 * before, before + 2)
        assert scaler.replicas >= math.ceil(before / 2) or not any(asked for *_, asked in samples[: at + 1][-2:])
        if not scaler.replicas:
            scaler.wake()


@given(bounds, st.integers(1, 24), st.integers(0, 200), st.floats(0, 30))
def test_under_a_load_that_stays_it_goes_one_way_and_stays(
    bounds: Autoscale, replicas: int, total: int, processors: float
) -> None:
    def load(count: int) -> tuple[int, float, bool]:
        return total, 100 * processors / count, True

    clock, scaler = Clock(), Scaler(bounds, replicas)
    seen = clock.numbers(scaler, load, 12 * (bounds.window_seconds + 1))
    assert seen in (sorted(seen), sorted(seen, reverse=True))
    assert clock.numbers(scaler, load, 3 * bounds.window_seconds) == seen[-1:]
