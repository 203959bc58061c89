"""Models of a worker that are dropped while nobody asks, with onnxruntime underneath."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.deadlines import within
from modelyard.core.serving.sleeping import Sleepers, SleepingModel
from modelyard.engines import onnx

FILE = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
ROW = {"tensor": np.ones((1, 29), np.float32)}


class Shelf:
    """Loads the model, as slowly as it is told, or not at all."""

    def __init__(self) -> None:
        self.loads = 0
        self.broken = False
        self.go_on = threading.Event()
        self.go_on.set()

    def load(self) -> onnx.OnnxModel:
        self.loads += 1
        self.go_on.wait(10)
        if self.broken:
            raise invalid("the file is damaged")
        return onnx.load(FILE)


def sleeping(shelf: Shelf, idle_seconds: float = 0.0) -> SleepingModel:
    return SleepingModel("fraud", shelf.load, idle_seconds)


def test_it_is_dropped_when_nobody_asks_and_loaded_by_the_next_request() -> None:
    shelf = Shelf()
    model = sleeping(shelf)
    (before,) = model.run(ROW)
    assert (model.is_awake, shelf.loads) == (True, 1)
    model.doze()
    assert not model.is_awake
    assert model.run(ROW)[0].tolist() == before.tolist()
    assert (model.is_awake, shelf.loads) == (True, 2)


def test_it_stays_until_nobody_asked_for_long_enough() -> None:
    model = sleeping(Shelf(), idle_seconds=0.2)
    model.doze()
    assert model.is_awake
    time.sleep(0.25)
    model.run(ROW)
    model.doze()
    assert model.is_awake
    time.sleep(0.25)
    model.doze()
    assert not model.is_awake


def test_many_that_wait_share_one_load() -> None:
    shelf = Shelf()
    model = sleeping(shelf)
    model.doze()
    shelf.go_on.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(model.run, ROW) for _ in range(8)]
        time.sleep(0.05)
        model.doze()  # not while they wait
        shelf.go_on.set()
        values = {answer.result(10)[0].tobytes() for answer in answers}
    assert len(values) == 1
    assert shelf.loads == 2


def test_a_load_that_fails_is_told_with_the_reason_and_tried_again() -> None:
    shelf = Shelf()
    model = sleeping(shelf)
    model.doze()
    shelf.broken = True
    with pytest.raises(
        DomainError, match="model fraud was asleep and cannot be loaded again: the file is damaged"
    ) as e:
        model.run(ROW)
    assert (e.value.kind, e.value.details["retryable"]) == (ErrorKind.UNAVAILABLE, True)
    assert not model.is_awake
    shelf.broken = False
    assert model.run(ROW)[0].shape == (1, 1)


def test_who_waits_for_a_load_waits_no_longer_than_the_request_may_take() -> None:
    shelf = Shelf()
    model = sleeping(shelf)
    model.doze()
    shelf.go_on.clear()
    loading = threading.Thread(target=model.run, args=(ROW,))
    loading.start()
    while shelf.loads < 2:
        time.sleep(0.01)
    with within(0.1), pytest.raises(DomainError) as late:
        model.run(ROW)
    shelf.go_on.set()
    loading.join()
    assert late.value.kind is ErrorKind.TIMED_OUT


def test_what_cannot_be_loaded_at_first_is_known_at_once() -> None:
    shelf = Shelf()
    shelf.broken = True
    with pytest.raises(DomainError, match="the file is damaged"):
        sleeping(shelf)


def test_sleepers_are_dropped_together_and_forgotten_with_what_serves_them() -> None:
    sleepers = Sleepers()
    first, second = sleepers.add(7, 2, 1, sleeping(Shelf())), sleepers.add(7, 2, 0, sleeping(Shelf(), 60))
    assert sleepers.asleep() == {}
    sleepers.doze()
    assert (first.is_awake, second.is_awake) == (False, True)
    assert (len(sleepers), sleepers.asleep()) == (2, {(7, 2): [1]})
    del first
    assert (len(sleepers), sleepers.asleep()) == (1, {})
