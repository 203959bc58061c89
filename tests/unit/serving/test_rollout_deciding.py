"""What was counted is held against the guard: the decision, and the reason that a person reads."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, rate_limited, timed_out
from modelyard.core.serving.rollout.counting import is_fault
from modelyard.core.serving.rollout.counts import BUCKETS, Counts, Tally, bucket, milliseconds
from modelyard.core.serving.rollout.deciding import Decision, Trial, Verdict, decide
from modelyard.core.serving.rollout.entities import RolloutGuard

OPEN = RolloutGuard(1, 1, 1, True, 300, 60, 20, None, None, None, None, datetime(2026, 3, 1, tzinfo=UTC))
ALL = replace(OPEN, max_error_rate=0.05, max_p99_ms=200.0, max_latency_ratio=2.0, max_failed_checks=0.1)
SERVING = Trial(100.0, 90.0)
NONE = Counts()
MS = 1_000_000


def counted(*milliseconds: float, failures: int = 0, rows: int = 0, failed_rows: int = 0) -> Counts:
    tally = Tally()
    for each in milliseconds:
        tally.answered(int(each * MS), 0)
    for _ in range(failures):
        tally.failed()
    return replace(tally.counts(), rows=rows, failed_rows=failed_rows)


def judged(guard: RolloutGuard, since: Counts, before: Counts = NONE, trial: Trial = SERVING) -> Verdict:
    return decide(guard, trial, before, since)


def test_errors_beyond_the_limit_roll_back_and_say_how_many() -> None:
    since = counted(*[1.0] * 220, failures=30)
    verdict = judged(replace(OPEN, max_error_rate=0.05), since)
    assert verdict == Verdict(Decision.ROLL_BACK, "error rate 12.0 % of 250 requests, at most 5 % allowed")
    assert judged(replace(OPEN, max_error_rate=0.12), since).decision is Decision.WAIT


def test_too_few_requests_are_not_judged() -> None:
    assert judged(ALL, counted(failures=19)).decision is Decision.WAIT
    assert judged(ALL, counted(failures=20)).decision is Decision.ROLL_BACK
    assert judged(ALL, counted(*[5000.0] * 19)).decision is Decision.WAIT


def test_slow_answers_roll_back_but_a_single_one_does_not() -> None:
    guard = replace(OPEN, max_p99_ms=200.0)
    assert judged(guard, counted(*[10.0] * 99, 900.0)).decision is Decision.WAIT
    verdict = judged(guard, counted(*[10.0] * 97, 900.0, 900.0, 900.0))
    assert verdict == Verdict(Decision.ROLL_BACK, "99 % of 100 answers took up to 872.4 ms, at most 200 ms allowed")


def test_answers_much_slower_than_before_roll_back() -> None:
    guard = replace(OPEN, max_latency_ratio=2.0)
    before, slower = counted(*[3.0] * 50), counted(*[13.0] * 25)
    verdict = judged(guard, slower, before)
    assert verdict.decision is Decision.ROLL_BACK
    assert verdict.reason.startswith("the median of 25 answers is 1")
    assert verdict.reason.endswith(" times what it was, at most 2 times allowed")
    assert judged(guard, counted(*[3.5] * 25), before).decision is Decision.WAIT
    assert judged(guard, slower, counted(*[3.0] * 5)).decision is Decision.WAIT  # too little to compare with
    assert judged(guard, slower).decision is Decision.WAIT


def test_rows_that_fail_validations_beyond_the_limit_roll_back() -> None:
    guard = replace(OPEN, max_failed_checks=0.1)
    verdict = judged(guard, counted(1.0, rows=200, failed_rows=50))
    assert verdict == Verdict(Decision.ROLL_BACK, "25.0 % of 200 rows failed a validation, at most 10 % allowed")
    assert judged(guard, counted(1.0, rows=200, failed_rows=20)).decision is Decision.WAIT


def test_what_cannot_be_served_or_not_in_time_is_rolled_back() -> None:
    broken = judged(OPEN, NONE, trial=Trial(1.0, None, "the model is broken"))
    assert broken == Verdict(Decision.ROLL_BACK, "it cannot be served: the model is broken")
    assert judged(OPEN, NONE, trial=Trial(59.0, None)).decision is Decision.WAIT
    late = judged(OPEN, NONE, trial=Trial(61.0, None))
    assert late == Verdict(Decision.ROLL_BACK, "it was not ready within 60 s")


def test_what_held_to_the_end_is_kept() -> None:
    kept = judged(ALL, counted(*[1.0] * 249, failures=1), trial=Trial(310.0, 300.0))
    assert kept == Verdict(Decision.KEEP, "it held for 300 s: 250 requests, error rate 0.4 %")
    quiet = judged(ALL, counted(1.0, failures=2), trial=Trial(310.0, 300.0))
    assert quiet == Verdict(Decision.KEEP, "nothing spoke against it in 300 s, though only 3 requests came")
    assert judged(ALL, counted(failures=50), trial=Trial(310.0, 300.0)).decision is Decision.ROLL_BACK


@st.composite
def some_counts(draw: st.DrawFn) -> Counts:
    latency = draw(st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 1000), max_size=5))
    failures, rows = draw(st.integers(0, 1000)), draw(st.integers(0, 1000))
    return Counts(sum(latency.values()) + failures, failures, rows, draw(st.integers(0, rows)), latency)


shares = st.none() | st.floats(0, 1)
guards = st.builds(
    lambda least, errors, p99, ratio, checks: replace(
        OPEN,
        min_requests=least,
        max_error_rate=errors,
        max_p99_ms=p99,
        max_latency_ratio=ratio,
        max_failed_checks=checks,
    ),
    st.integers(1, 500),
    shares,
    st.none() | st.floats(0.001, 1e6),
    st.none() | st.floats(1, 100),
    shares,
)
trials = st.builds(Trial, st.floats(0, 1000), st.none() | st.floats(0, 1000))


@given(guards, trials, some_counts(), some_counts())
def test_only_a_limit_that_is_broken_rolls_back_what_serves(
    guard: RolloutGuard, trial: Trial, before: Counts, since: Counts
) -> None:
    broken = [
        guard.max_error_rate is not None
        and since.requests >= guard.min_requests
        and since.failures > guard.max_error_rate * since.requests + 1e-9,
        guard.max_p99_ms is not None
        and since.answered >= guard.min_requests
        and since.quantile(0.99) > guard.max_p99_ms,
        guard.max_latency_ratio is not None
        and min(since.answered, before.answered) >= guard.min_requests
        and since.quantile(0.5) > guard.max_latency_ratio * before.quantile(0.5),
        guard.max_failed_checks is not None
        and since.rows >= guard.min_requests
        and since.failed_rows > guard.max_failed_checks * since.rows + 1e-9,
        trial.serving_seconds is None and trial.seconds > guard.load_seconds,
    ]
    verdict = decide(guard, trial, before, since)
    assert bool(verdict.reason) == (verdict.decision is not Decision.WAIT)
    if any(broken):
        assert verdict.decision is Decision.ROLL_BACK
    if verdict.decision is Decision.KEEP:
        assert trial.serving_seconds is not None
        assert trial.serving_seconds >= guard.bake_seconds
    assert decide(replace(guard, **_NO_LIMITS), replace(trial, serving_seconds=0.0), before, since) == Verdict(
        Decision.WAIT
    )


_NO_LIMITS = {"max_error_rate": None, "max_p99_ms": None, "max_latency_ratio": None, "max_failed_checks": None}


@given(st.integers(0, 2**42))
def test_a_duration_is_known_to_within_an_eighth(nanoseconds: int) -> None:
    found = milliseconds(bucket(nanoseconds)) * MS
    assert abs(found - nanoseconds) <= max(nanoseconds / 8, 1024)


@given(st.integers(0, 2**41), st.integers(0, 2**41))
def test_longer_durations_are_in_later_buckets(one: int, two: int) -> None:
    assert (bucket(one) <= bucket(two)) or one > two
    assert 0 <= bucket(one) < BUCKETS


@given(some_counts(), some_counts())
def test_what_is_added_can_be_taken_away(one: Counts, two: Counts) -> None:
    assert one.plus(two).minus(two) == one
    assert one.plus(two) == two.plus(one)
    assert one.plus(two).answered == one.answered + two.answered


@given(st.lists(st.integers(1000, 10**10), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_that_of_the_durations(durations: list[int], share: float) -> None:
    tally = Tally()
    for duration in durations:
        tally.answered(duration, 1)
    exact = sorted(durations)[int(share * (len(durations) - 1))] / MS
    assert tally.counts().quantile(share) == pytest.approx(exact, rel=0.13, abs=0.0011)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ValueError("a bug"), True),
        (DomainError(ErrorKind.INTERNAL, "broken"), True),
        (DomainError(ErrorKind.UNAVAILABLE, "no process"), True),
        (timed_out("too late"), True),
        (invalid("no such column", node="model"), False),
        (rate_limited("too much", 1), False),
        (DomainError(ErrorKind.TOO_LARGE, "too large"), False),
    ],
)
def test_only_what_the_deployment_is_to_blame_for_counts(error: Exception, fault: bool) -> None:
    assert is_fault(error) is fault


def test_what_a_model_raises_while_it_runs_counts() -> None:
    error = invalid("the model rejected the input: indices out of range", node="model")
    error.by_model = True
    assert is_fault(error)


@pytest.mark.alone
def test_counting_an_answer_takes_less_than_a_microsecond() -> None:
    tally, best = Tally(), float("inf")
    for _ in range(5):
        began = time.perf_counter_ns()
        for _ in range(20_000):
            tally.answered(123_456, 3, 0)
        best = min(best, (time.perf_counter_ns() - began) / 20_000)
    assert tally.counts().requests == 100_000
    assert best < 1000, f"{best:.0f} ns"
