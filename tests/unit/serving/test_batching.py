"""Calls that run together get their own rows, each its own error, and nothing of anybody else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.catalogue.entities import ModelConfig
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.batching import Batched, batched
from modelyard.core.serving.deadlines import Deadline, current_deadline, until, within
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array

BAD = -1.0


class Squares:
    """Squares each row and says whose it is; rejects a batch with a bad row in it; notes how many rows came."""

    inline = True
    yields = False
    signature = Signature(
        (TensorSpec("x", "float64", (None, None)), TensorSpec("who", "string", (None,))),
        (TensorSpec("y", "float64", (None, None)), TensorSpec("whose", "string", (None,))),
    )

    def __init__(self, seconds: float = 0) -> None:
        self.sizes: list[int] = []
        self.deadlines: list[float | None] = []
        self._seconds = seconds

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        self.sizes.append(len(inputs["x"]))
        self.deadlines.append(current_deadline())
        time.sleep(self._seconds)
        if (inputs["x"] == BAD).any():
            raise invalid(f"a bad row for {inputs['who'][0]}" if len(inputs["x"]) == 1 else "a bad row")
        return [inputs["x"] ** 2, inputs["who"].copy()]


def call(model: Batched, who: str, values: list[float], width: int = 1, dtype: str = "float64") -> list[Array]:
    x = np.array(values, dtype=dtype)[:, None].repeat(width, axis=1)
    return model.run({"x": x, "who": np.array([who] * len(values), dtype=object)})


def together(asks: list[Any]) -> list[Any]:
    """What each gives or raises, all at once."""
    barrier = threading.Barrier(len(asks))

    def ask(one: Any) -> Any:
        barrier.wait(10)
        try:
            return one()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(ask, asks))


asked = st.tuples(
    st.lists(st.sampled_from([BAD, *map(float, range(2, 9))]), min_size=1, max_size=4),
    st.sampled_from([1, 2]),
    st.sampled_from(["float64", "float32"]),
)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(asked, min_size=1, max_size=10),
    target=st.integers(1, 12),
    limit=st.one_of(st.none(), st.integers(1, 16)),
    delay=st.sampled_from([0, 2, 10]),
)
def test_everybody_gets_the_answer_they_would_get_alone(calls: Any, target: int, limit: int | None, delay: int) -> None:
    inner = Squares()
    model = Batched(inner, target, delay, limit)
    answers = together(
        [
            lambda who=f"tenant-{at}", values=values, width=width, dtype=dtype: call(model, who, values, width, dtype)
            for at, (values, width, dtype) in enumerate(calls)
        ]
    )
    for at, ((values, width, dtype), answer) in enumerate(zip(calls, answers, strict=True)):
        if BAD in values:
            assert isinstance(answer, DomainError)
            assert answer.kind is ErrorKind.INVALID
            continue
        y, whose = answer
        assert y.dtype == dtype
        assert y.tolist() == [[value**2] * width for value in values]
        assert whose.tolist() == [f"tenant-{at}"] * len(values)
    alone = max(len(values) for values, _, _ in calls)
    assert max(inner.sizes) <= max(limit or target, alone)


def test_calls_that_come_together_run_once() -> None:
    inner = Squares(0.01)
    model = Batched(inner, 8, 500)
    answers = together([lambda at=at: call(model, f"t{at}", [float(at)]) for at in range(8)])
    assert inner.sizes == [8]
    assert [answer[0].item() for answer in answers] == [at**2 for at in range(8)]


@pytest.mark.alone
def test_who_is_alone_waits_no_longer_than_the_delay() -> None:
    model = Batched(Squares(), 8, 50)
    began = time.monotonic()
    call(model, "a", [3.0])
    assert 0.04 < time.monotonic() - began < 0.5


def test_a_call_of_the_size_of_a_batch_does_not_wait() -> None:
    inner = Squares()
    model = Batched(inner, 4, 60_000, 6)
    assert call(model, "a", [2.0] * 4)[0].shape == (4, 1)
    assert call(model, "a", [2.0] * 40)[0].shape == (40, 1)
    assert inner.sizes == [4, 40]


def test_what_would_go_beyond_the_limit_begins_the_next_batch() -> None:
    inner = Squares()
    model = Batched(inner, 6, 300, 6)
    together([lambda at=at: call(model, f"t{at}", [float(at)] * 4) for at in range(2)])
    assert inner.sizes == [4, 4]


def test_one_bad_request_fails_alone_and_with_its_own_message() -> None:
    model = Batched(Squares(), 3, 500)
    good, bad, other = together(
        [lambda: call(model, "a", [2.0]), lambda: call(model, "mallory", [BAD]), lambda: call(model, "b", [3.0])]
    )
    assert (good[0].item(), good[1].item()) == (4.0, "a")
    assert bad.message == "a bad row for mallory"
    assert (other[0].item(), other[1].item()) == (9.0, "b")


def test_a_call_whose_client_has_gone_is_left_out() -> None:
    inner = Squares()
    model = Batched(inner, 4, 200)
    deadline = Deadline(30)

    def leaves() -> list[Array]:
        with until(deadline):
            return call(model, "gone", [5.0])

    def stays() -> list[Array]:
        time.sleep(0.05)
        deadline.cancel()
        return call(model, "here", [6.0])

    def stays_too() -> list[Array]:
        return call(model, "there", [7.0])

    gone, here, there = together([leaves, stays, stays_too])
    assert gone.kind is ErrorKind.TIMED_OUT
    assert (here[0].item(), there[0].item()) == (36.0, 49.0)
    assert inner.sizes == [2]


def test_who_runs_out_of_time_in_a_slow_batch_does_not_wait_for_it() -> None:
    inner = Squares(0.5)
    model = Batched(inner, 2, 100)

    def hurried() -> list[Array]:
        time.sleep(0.03)  # the other one leads
        with within(0.1):
            return call(model, "hurried", [5.0])

    late, patient = together([hurried, lambda: call(model, "patient", [6.0])])
    assert late.kind is ErrorKind.TIMED_OUT
    assert patient[0].item() == 36.0
    assert inner.deadlines == [None]  # as long as the most patient of them


def test_a_batch_has_the_latest_deadline_of_its_calls() -> None:
    inner = Squares()
    model = Batched(inner, 2, 500)

    def hurried(seconds: float) -> list[Array]:
        with within(seconds):
            return call(model, "hurried", [5.0])

    now = time.monotonic()
    together([lambda: hurried(5), lambda: hurried(50)])
    (deadline,) = inner.deadlines
    assert deadline is not None
    assert 49 < deadline - now < 51


def test_a_model_whose_outputs_are_not_one_a_row_runs_call_by_call() -> None:
    class Mean(Squares):
        def run(self, inputs: dict[str, Array]) -> list[Array]:
            super().run(inputs)
            return [inputs["x"].mean(axis=0, keepdims=True), inputs["who"][:1]]

    model = Batched(Mean(), 2, 500)
    first, second = together([lambda: call(model, "a", [2.0]), lambda: call(model, "b", [4.0])])
    assert (first[0].item(), second[0].item()) == (2.0, 4.0)


def test_two_tenants_under_load_never_see_each_other() -> None:
    model = Batched(Squares(), 16, 2)

    def tenant(who: str, value: float) -> None:
        for count in range(1, 60):
            rows = count % 5 + 1
            y, whose = call(model, who, [value + count] * rows)
            assert y.tolist() == [[(value + count) ** 2]] * rows
            assert set(whose.tolist()) == {who}

    together([lambda at=at: tenant(f"t{at}", at * 1000.0) for at in range(6)])


def config(batching: dict[str, Any] | None) -> ModelConfig:
    now = datetime.now(UTC)
    return ModelConfig(1, 1, 1, "onnx", None, None, None, None, None, batching, None, None, now)


def test_calls_are_joined_only_where_the_configuration_says_so_and_the_model_lets_it() -> None:
    model = Squares()
    assert batched(model, config(None)) is model
    wanted = {"batch_size_target": 4, "max_batch_delay_ms": 10, "batch_size_limit": None}
    joined = batched(model, config(wanted))
    assert isinstance(joined, Batched)
    assert not joined.inline
    assert joined.signature is model.signature

    class Fixed(Squares):
        signature = Signature((TensorSpec("x", "float64", (1, 1)),), ())

    fixed = Fixed()
    assert batched(fixed, config(wanted)) is fixed
