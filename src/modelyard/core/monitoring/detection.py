"""Runs detectors on what was logged since they last ran.

Each window is judged and the detector moved on in one transaction: stopped anywhere, it goes on where it was, and no
window is judged twice.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from modelyard.core.kernel.store import Between, Store, Tx
from modelyard.core.monitoring.alerts import detector_alert, notify
from modelyard.core.monitoring.drift import drift
from modelyard.core.monitoring.entities import (
    Detector,
    DetectorKind,
    DetectorProgress,
    DetectorResult,
    DetectorState,
)
from modelyard.core.monitoring.inference_log import LogReader, RequestQuery
from modelyard.core.monitoring.outliers import outliers
from modelyard.core.monitoring.reference import Reference, Window, joined, reference_of, window_of
from modelyard.core.serving.entities import Feedback

_LOG = logging.getLogger(__name__)
_REQUESTS = 1000
_BYTES = 16 * 1024 * 1024
_KEPT = 1000
"""So many of the newest results are kept for each detector."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a step of a detector comes to: its progress, and a result where a window was judged."""

    progress: DetectorProgress
    result: DetectorResult | None = None


class Detection:
    """Its ``run_once`` is called about once a second, in one process of the server. ``notified``: alerts are sent."""

    def __init__(self, store: Store, logs: LogReader, *, notified: bool) -> None:
        self._store = store
        self._logs = logs
        self._notified = notified

    def run_once(self) -> None:
        """Let each detector judge one window, if there is one."""
        for detector, progress in self._store.run_read(_detectors):
            try:
                found = self._step(detector, progress)
            except Exception:  # noqa: BLE001  # the other detectors go on, and this one is tried again
                found = _failed(detector, progress)
            if found is not None:
                self._store.run_write(_advance, detector, progress, found, self._notified)

    def _step(self, detector: Detector, progress: DetectorProgress) -> Found | None:
        if detector.kind == DetectorKind.METRICS:
            return self._store.run_read(_feedback, detector, progress)
        waiting = self._waiting(detector, progress)
        least = 1 if detector.kind == DetectorKind.OUTLIER and progress.reference else detector.window
        if waiting < least:
            return None
        return _found(detector, progress, self._rows(detector, progress, least))

    def _waiting(self, detector: Detector, progress: DetectorProgress) -> int:
        """How many rows were logged since."""
        partitions = self._logs.partitions(detector.pipeline_id)
        return sum(max(part.end - progress.cursor.get(name, 0), 0) for name, part in partitions.items())

    def _rows(
        self, detector: Detector, progress: DetectorProgress, least: int
    ) -> tuple[Window, list[datetime], dict[str, int]]:
        """(the numbers of requests of at least so many rows, when they came, where the next begin)."""
        names = Reference.from_json(progress.reference).names if progress.reference else ()
        windows: list[Window] = []
        times: list[datetime] = []
        rows, cursor, more = 0, progress.cursor, True
        while more and rows < least:
            limit = _REQUESTS if least == 1 else min(_REQUESTS, least - rows)
            query = RequestQuery(limit=limit, max_bytes=_BYTES, cursor=cursor or None)
            page = self._logs.requests(detector.pipeline_id, query)
            windows.append(window_of(page.requests, names))
            names = names or windows[-1].names
            times += [request.time for request in page.requests]
            rows += sum(request.rows for request in page.requests)
            cursor, more = page.next, page.more
        return joined(windows), times, cursor


def _failed(detector: Detector, progress: DetectorProgress) -> Found | None:
    """What stopped it is told once; it stays where it is."""
    if progress.state == DetectorState.FAILED:
        return None
    _LOG.exception("the detector %s of pipeline %d failed", detector.name, detector.pipeline_id)
    return Found(replace(progress, state=DetectorState.FAILED, reason="it failed; see the server's log"))


def _found(
    detector: Detector, progress: DetectorProgress, rows: tuple[Window, list[datetime], dict[str, int]]
) -> Found:
    """The first rows become what the later ones are compared with."""
    window, times, cursor = rows
    moved = replace(progress, cursor=cursor, state=DetectorState.RUNNING, reason="")
    if not len(window.values):
        missing = "the requests hold no numbers, or lack features of the reference: there is nothing to compare"
        return Found(replace(moved, state=DetectorState.FAILED, reason=missing))
    if progress.reference is None:
        return Found(replace(moved, reference=reference_of(window.names, window.values).to_json()))
    return Found(moved, _judged(detector, Reference.from_json(progress.reference), window, times))


def _judged(detector: Detector, reference: Reference, window: Window, times: list[datetime]) -> DetectorResult:
    if detector.kind == DetectorKind.OUTLIER:
        firing, details = outliers(reference, window)
    else:
        firing, details = drift(reference, window, by_feature=detector.by_feature)
    return _result(detector, firing, len(window.values), details, (min(times), max(times)))


def _feedback(tx: Tx, detector: Detector, progress: DetectorProgress) -> Found | None:
    """The mean reward of what was said since: the share of answers that were right."""
    since = Between(at_least=progress.cursor.get("feedback", 0) + 1)
    said = tx.find(Feedback, limit=_REQUESTS, pipeline_id=detector.pipeline_id, id=since)
    if not said:
        return None
    rewards = [each.reward for each in said]
    details = {"feedback": len(said), "accuracy": sum(rewards) / len(rewards), "lowest": min(rewards)}
    result = _result(detector, False, len(said), details, (said[0].created_at, said[-1].created_at))
    moved = replace(progress, cursor={"feedback": said[-1].id}, state=DetectorState.RUNNING, reason="")
    return Found(moved, result)


def _result(
    detector: Detector, firing: bool, rows: int, details: dict[str, Any], times: tuple[datetime, datetime]
) -> DetectorResult:
    return DetectorResult(0, detector.id, firing, rows, details, *times, times[1])


def _detectors(tx: Tx) -> list[tuple[Detector, DetectorProgress]]:
    progress = {each.detector_id: each for each in tx.find(DetectorProgress, order_by="detector_id")}
    return [(detector, progress[detector.id]) for detector in tx.find(Detector) if detector.id in progress]


def _advance(tx: Tx, detector: Detector, before: DetectorProgress, found: Found, notified: bool) -> None:
    """Move the detector on and keep its result, unless it was moved or removed meanwhile."""
    current = tx.get(DetectorProgress, detector.id)
    if current is None or current.cursor != before.cursor:
        return
    firing = found.result.firing if found.result else current.firing
    began = firing and not current.firing
    since = tx.now if began else current.since if firing else None
    moved = replace(found.progress, firing=firing, since=since, updated_at=tx.now)
    tx.update(DetectorProgress, detector.id, lambda _: moved)
    if found.result is None:
        return
    tx.insert(replace(found.result, created_at=tx.now))
    ids = [key for (key,) in tx.values(DetectorResult, ("id",), detector_id=detector.id)]
    if len(ids) > _KEPT:
        tx.delete(DetectorResult, detector_id=detector.id, id=Between(at_most=ids[-_KEPT - 1]))
    if began and notified:
        notify(tx, detector_alert(tx, detector, moved))
