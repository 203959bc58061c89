"""Detectors: what watches over the rows of a pipeline. ``detection`` runs them."""

from dataclasses import dataclass
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.names import label
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.entities import (
    Detector,
    DetectorKind,
    DetectorProgress,
    DetectorResult,
    DetectorState,
)
from modelyard.core.monitoring.inference_log import Cursor
from modelyard.core.monitoring.reference import MOST_ROWS, Reference
from modelyard.core.serving.entities import Feedback, Pipeline
from modelyard.core.serving.pipelines import pipeline_at

WINDOW = 100
"""So many rows are judged at once where nothing else was asked for."""
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class NewDetector:
    """What to make: ``reference`` to compare with, else it is made of the first rows from ``cursor`` on."""

    kind: DetectorKind
    name: str
    config: dict[str, Any]
    window: int = WINDOW
    by_feature: bool = False
    reference: Reference | None = None
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class DetectorView:
    """A detector with its pipeline, how far it is, and its newest result."""

    detector: Detector
    pipeline: Pipeline
    progress: DetectorProgress
    newest: DetectorResult | None


def may_watch(tx: Tx, actor: Actor, namespace: str, name: str) -> Pipeline:
    """The pipeline, for someone who may have detectors on it."""
    return pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_EDIT)


def create_detector(tx: Tx, actor: Actor, namespace: str, name: str, new: NewDetector) -> DetectorView:
    """Watch over a pipeline; ``CONFLICT`` when it has a detector of this kind and name."""
    pipeline = may_watch(tx, actor, namespace, name)
    label("detector", new.name)
    if not 2 <= new.window <= MOST_ROWS:
        raise invalid(f"drift_batch_size must be from 2 to {MOST_ROWS}, not {new.window}")
    detector = Detector(
        0,
        pipeline.workspace_id,
        pipeline.id,
        new.kind,
        new.name,
        new.config,
        new.window,
        new.by_feature,
        actor.user_id,
        tx.now,
    )
    detector = _insert(tx, detector)
    state, reason = _first_state(new)
    reference = new.reference.to_json() if new.reference else None
    cursor = _first_feedback(tx, pipeline) if new.kind is DetectorKind.METRICS else dict(new.cursor or {})
    tx.insert(DetectorProgress(detector.id, cursor, reference, state, reason, False, None, tx.now))
    _record(tx, actor, Action.DETECTOR_CREATE, detector)
    return _views(tx, pipeline, [detector])[0]


def list_detectors(tx: Tx, actor: Actor, namespace: str, name: str, kind: DetectorKind) -> list[DetectorView]:
    """The detectors of one kind on a pipeline."""
    pipeline = pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_READ)
    return _views(tx, pipeline, tx.find(Detector, pipeline_id=pipeline.id, kind=kind))


def get_detector(  # where, which
    tx: Tx, actor: Actor, namespace: str, name: str, kind: DetectorKind, detector: str
) -> DetectorView:
    """One detector."""
    pipeline = pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_READ)
    return _views(tx, pipeline, [_named(tx, pipeline, kind, detector)])[0]


def delete_detector(  # where, which
    tx: Tx, actor: Actor, namespace: str, name: str, kind: DetectorKind, detector: str
) -> None:
    """Remove a detector with all that it found."""
    pipeline = may_watch(tx, actor, namespace, name)
    found = _named(tx, pipeline, kind, detector)
    for part in (DetectorResult, DetectorProgress):
        tx.delete(part, detector_id=found.id)
    tx.delete(Detector, id=found.id)
    _record(tx, actor, Action.DETECTOR_DELETE, found)


def outlier_rows(tx: Tx, pipeline_id: int) -> set[tuple[str, int]] | None:
    """The places of the rows that outlier detectors of the pipeline found lately; None when it has none."""
    ids = [key for (key,) in tx.values(Detector, ("id",), pipeline_id=pipeline_id, kind=DetectorKind.OUTLIER)]
    if not ids:
        return None
    found = tx.find(DetectorResult, order_by="-id", limit=_KEPT, detector_id=ids, firing=True)
    return {(partition, row) for result in found for partition, row in result.details["rows"]}


def reference_data(tx: Tx, pipeline_id: int) -> Reference:
    """What the newest detector of the pipeline compares with; ``INVALID`` when none has anything yet."""
    ids = [key for (key,) in tx.values(Detector, ("id",), pipeline_id=pipeline_id)]
    for progress in tx.find(DetectorProgress, order_by="-detector_id", detector_id=ids):
        if progress.reference is not None:
            return Reference.from_json(progress.reference)
    raise invalid("there is no reference data: no detector of this deployment has any yet; create one, or leave it out")


def refuse_artifact(uri: str) -> DomainError:
    """Why a detector that was trained elsewhere cannot run here."""
    return failed_precondition(
        f"storage_uri {uri[:200]!r} names neither a CSV nor a Parquet file and is taken for a detector of "
        "alibi-detect, which is not installed here; leave storage_uri out for a detector of this server's own, or "
        "name a .csv or .parquet file with reference data",
        package="alibi-detect",
    )


def _insert(tx: Tx, detector: Detector) -> Detector:
    try:
        return tx.insert(detector)
    except DomainError as error:
        if error.kind is not ErrorKind.CONFLICT:
            raise
        taken = f"the deployment has a {detector.kind} detector named {detector.name!r} already; delete it first"
        raise conflict(taken) from error


def _first_state(new: NewDetector) -> tuple[DetectorState, str]:
    if new.kind is DetectorKind.METRICS:
        return DetectorState.WAITING, "waiting for feedback"
    if new.reference is None:
        return DetectorState.WAITING, f"waiting for the first {new.window} rows, which become the reference"
    return DetectorState.RUNNING, ""


def _first_feedback(tx: Tx, pipeline: Pipeline) -> Cursor:
    """Feedback counts from now on."""
    newest = tx.first(Feedback, order_by="-id", pipeline_id=pipeline.id)
    return {"feedback": newest.id if newest else 0}


def _named(tx: Tx, pipeline: Pipeline, kind: DetectorKind, name: str) -> Detector:
    found = tx.first(Detector, pipeline_id=pipeline.id, kind=kind, name=name)
    if found is None:
        raise not_found(f"{kind} detector", name)
    return found


def _views(tx: Tx, pipeline: Pipeline, detectors: list[Detector]) -> list[DetectorView]:
    views = []
    for detector in detectors:
        progress = tx.get(DetectorProgress, detector.id)
        assert progress is not None  # noqa: S101  # made with it
        newest = tx.first(DetectorResult, order_by="-id", detector_id=detector.id)
        views.append(DetectorView(detector, pipeline, progress, newest))
    return views


def _record(tx: Tx, actor: Actor, action: Action, detector: Detector) -> None:
    place: dict[str, Any] = {"workspace_id": detector.workspace_id, "pipeline_id": detector.pipeline_id}
    record(tx, actor, action, "detector", detector.id, **place, kind=detector.kind, name=detector.name)
