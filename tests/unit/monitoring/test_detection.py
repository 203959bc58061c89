"""Detectors run on what was logged: every row once, whatever stops in between."""

from typing import Any

import numpy as np
import pytest
from watched_pipeline import Watched

from clock import Clock
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring import detection
from modelyard.core.monitoring.alerts import (
    MOST_ATTEMPTS,
    delivered,
    due_notices,
    firing_alerts,
    send_test,
    undelivered,
)
from modelyard.core.monitoring.detectors import delete_detector, list_detectors, outlier_rows, reference_data
from modelyard.core.monitoring.entities import (
    AlertNotice,
    Detector,
    DetectorKind,
    DetectorProgress,
    DetectorResult,
    DetectorState,
)
from modelyard.core.monitoring.reference import Reference
from modelyard.core.serving.entities import Feedback
from modelyard.core.serving.pipelines import delete_pipeline

RANDOM = np.random.default_rng(5)
DRIFT, OUTLIER, METRICS = DetectorKind.DRIFT, DetectorKind.OUTLIER, DetectorKind.METRICS


def usual(rows: int = 50) -> Any:
    return RANDOM.normal(size=(rows, 3))


def notices(watched: Watched) -> list[AlertNotice]:
    return watched.store.run_read(lambda tx: tx.find(AlertNotice))


def test_the_first_rows_become_the_reference_and_the_next_are_judged(watched: Watched) -> None:
    watched.log(usual() + 100)  # before the detector was there: counts for nothing
    made = watched.detector(DRIFT)
    assert (made.progress.state, made.newest) == (DetectorState.WAITING, None)
    assert "first 50 rows" in made.progress.reason
    watched.log(usual(49))
    watched.run()
    assert watched.view(DRIFT).progress.state == DetectorState.WAITING
    watched.log(usual(1))
    watched.run()
    assert watched.view(DRIFT).progress.state == DetectorState.RUNNING
    watched.log(usual())
    watched.run()
    newest = watched.view(DRIFT).newest
    assert newest is not None
    assert (newest.firing, newest.rows) == (False, 50)
    assert set(newest.details["features"]) == {"x_0", "x_1", "x_2"}


def test_drift_fires_and_ends(watched: Watched) -> None:
    watched.detector(DRIFT)
    for values in (usual(), usual() + 2):
        watched.log(values)
        watched.run()
    [alert] = watched.store.run_read(firing_alerts, watched.actor)
    assert alert.name == "drift-d"
    assert "w/p" in alert.description
    watched.log(usual())
    watched.run()
    assert watched.store.run_read(firing_alerts, watched.actor) == []
    assert [result.firing for result in watched.results()] == [True, False]


def test_single_rows_gather_to_windows(watched: Watched) -> None:
    watched.detector(DRIFT, window=10)
    for _ in range(45):
        watched.log(usual(1))
    watched.run(10)
    assert [result.rows for result in watched.results()] == [10, 10, 10]
    first = watched.results()[0]
    assert first.first_at < first.last_at


def test_a_named_reference_is_there_from_the_beginning(watched: Watched) -> None:
    known = Reference(("x_0", "x_2"), usual(200)[:, :2])
    watched.detector(DRIFT, reference=known)
    watched.log(usual() + np.array([0, 50, 0]))  # of a feature that the reference leaves out
    watched.run()
    [result] = watched.results()
    assert set(result.details["features"]) == {"x_0", "x_2"}
    assert not result.firing
    kept = watched.store.run_read(reference_data, watched.pipeline.id)
    assert np.array_equal(kept.values, known.values)


def test_rows_without_the_features_of_the_reference_are_told(watched: Watched) -> None:
    watched.detector(DRIFT, reference=Reference(("age",), usual(100)[:, :1]))
    watched.log(usual())
    watched.run()
    progress = watched.view(DRIFT).progress
    assert progress.state == DetectorState.FAILED
    assert "features of the reference" in progress.reason


def test_outliers_are_named_by_their_places(watched: Watched) -> None:
    watched.detector(OUTLIER, window=100)
    watched.log(np.clip(usual(100), -2, 2))
    watched.run()
    assert watched.store.run_read(outlier_rows, watched.pipeline.id) == set()
    watched.log([[0, 0, 0], [0, 99, 0]])
    watched.log([[0, 0, 0]])
    watched.run()
    assert watched.store.run_read(outlier_rows, watched.pipeline.id) == {("w1-000000", 101)}
    [result] = watched.results()
    assert (result.firing, result.rows, result.details["outliers"]) == (True, 3, 1)


def test_metrics_wait_for_feedback_and_count_it_once(watched: Watched) -> None:
    def said(tx: Tx, *rewards: float) -> None:
        for reward in rewards:
            tx.insert(Feedback(0, watched.pipeline.workspace_id, watched.pipeline.id, None, reward, {}, None, tx.now))

    watched.store.run_write(said, 0.0)  # before the detector was there
    made = watched.detector(METRICS)
    assert (made.progress.state, made.progress.reason) == (DetectorState.WAITING, "waiting for feedback")
    watched.run()
    assert watched.results() == []
    watched.store.run_write(said, 1.0, 0.5)
    watched.run(3)
    [result] = watched.results()
    assert (result.rows, result.details["accuracy"]) == (2, 0.75)
    assert watched.view(METRICS).progress.state == DetectorState.RUNNING


def test_what_stops_before_its_commit_is_done_again_and_counted_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.detector(DRIFT)
    watched.log(usual())
    watched.run()
    watched.log(usual() + 3)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(detection, "_advance", killed)
        with pytest.raises(KeyboardInterrupt):
            watched.run()
    assert watched.results() == []
    watched.run(3)
    assert [result.firing for result in watched.results()] == [True]


def test_a_detector_that_fails_says_so_and_holds_up_no_other(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.detector(DRIFT)
    watched.detector(OUTLIER)
    watched.log(usual())
    watched.run()
    watched.log(usual())

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(detection, "drift", broken)
        watched.run(2)
    assert watched.view(DRIFT).progress.state == DetectorState.FAILED
    assert [result.detector_id for result in watched.results()] == [watched.view(OUTLIER).detector.id]
    watched.run()
    assert watched.view(DRIFT).progress.state == DetectorState.RUNNING
    assert watched.view(DRIFT).newest is not None


def test_two_at_once_judge_a_window_once(watched: Watched) -> None:
    watched.detector(DRIFT)
    watched.log(usual())
    watched.run()
    watched.log(usual())
    view = watched.view(DRIFT)
    runner = detection.Detection(watched.store, watched.reader, notified=False)
    found = runner._step(view.detector, view.progress)
    assert found is not None
    for _ in range(2):
        watched.store.run_write(detection._advance, view.detector, view.progress, found, False)
    assert len(watched.results()) == 1


def test_only_the_newest_results_are_kept(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "_KEPT", 3)
    watched.detector(OUTLIER, window=2)
    watched.detector(OUTLIER, "other", window=2)
    for _ in range(7):
        watched.log(usual(2))
        watched.run()
    kept = watched.results()
    assert len(kept) == 6
    assert {result.last_at for result in kept} == {kept[-1].last_at, kept[-3].last_at, kept[-5].last_at}


def test_alerts_are_delivered_when_they_begin_and_not_while_they_last(watched: Watched) -> None:
    watched.detector(DRIFT)
    for values in (usual(), usual() + 2, usual() + 2, usual(), usual() + 2):
        watched.log(values)
        watched.run(notified=True)
    assert [notice.body["name"] for notice in notices(watched)] == ["drift-d"] * 2


def test_a_notice_is_tried_again_later_and_given_up_in_the_end(watched: Watched, clock: Clock) -> None:
    watched.store.run_write(detection.notify, firing(watched))
    waits = []
    for attempt in range(MOST_ATTEMPTS):
        [due] = watched.store.run_read(due_notices, 10)
        kept = watched.store.run_write(undelivered, due, "refused")
        assert kept == (attempt < MOST_ATTEMPTS - 1)
        assert watched.store.run_read(due_notices, 10) == []
        if kept:
            [later] = notices(watched)
            waits.append((later.next_at - clock.now).total_seconds())
            assert (later.attempts, later.error) == (attempt + 1, "refused")
            clock.advance(seconds=waits[-1])
    assert waits == [2**n for n in range(MOST_ATTEMPTS - 1)]
    assert notices(watched) == []


def test_a_notice_that_was_taken_is_gone(watched: Watched) -> None:
    watched.store.run_write(detection.notify, firing(watched))
    [due] = watched.store.run_read(due_notices, 10)
    watched.store.run_write(delivered, due)
    assert notices(watched) == []


def firing(watched: Watched) -> Any:
    watched.detector(DRIFT)
    for values in (usual(), usual() + 2):
        watched.log(values)
        watched.run()
    [alert] = watched.store.run_read(firing_alerts, watched.actor)
    return alert


def test_only_who_may_tests_how_alerts_are_sent(watched: Watched) -> None:
    with pytest.raises(DomainError) as caught:
        watched.store.run_write(send_test, watched.actor, configured=True)
    assert caught.value.kind is ErrorKind.FORBIDDEN


def test_names_are_taken_once_by_kind(watched: Watched) -> None:
    watched.detector(DRIFT)
    watched.detector(OUTLIER)
    with pytest.raises(DomainError) as caught:
        watched.detector(DRIFT)
    assert caught.value.kind is ErrorKind.CONFLICT
    assert "delete it first" in caught.value.message


@pytest.mark.parametrize("window", [0, 1, 10_001])
def test_windows_have_bounds(watched: Watched, window: int) -> None:
    with pytest.raises(DomainError, match="drift_batch_size"):
        watched.detector(DRIFT, window=window)


def test_a_detector_goes_with_all_it_found(watched: Watched) -> None:
    firing(watched)
    watched.store.run_write(delete_detector, watched.actor, "w", "p", DRIFT, "d")
    assert watched.store.run_read(list_detectors, watched.actor, "w", "p", DRIFT) == []
    assert left(watched) == 0
    watched.run()


def test_detectors_go_with_their_pipeline(watched: Watched) -> None:
    firing(watched)
    watched.store.run_write(delete_pipeline, watched.actor, watched.pipeline.workspace_id, "p")
    assert left(watched) == 0


def left(watched: Watched) -> int:
    """How much there is of detectors."""

    def count(tx: Tx) -> int:
        progress = tx.find(DetectorProgress, order_by="detector_id")
        return len(tx.find(Detector)) + len(progress) + len(tx.find(DetectorResult))

    return watched.store.run_read(count)
