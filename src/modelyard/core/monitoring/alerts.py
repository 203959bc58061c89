"""Alerts: what fires now, and telling others of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from modelyard.core.access.check import require_platform, visible
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Between, Tx
from modelyard.core.monitoring.entities import AlertNotice, Detector, DetectorProgress
from modelyard.core.serving.entities import Deployment, Pipeline
from modelyard.core.serving.pipelines import OF_PIPELINE, OWN
from modelyard.core.serving.states import DeploymentState

MOST_ATTEMPTS = 12
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is not as it should be, since when."""

    name: str
    severity: str
    title: str
    description: str
    active_at: datetime


def firing_alerts(tx: Tx, actor: Actor) -> list[Alert]:
    """Detectors that found something in their newest window and deployments in error, as far as the actor sees them."""
    seen = visible(actor, Permission.PIPELINE_READ, OWN, OF_PIPELINE)
    detectors = {detector.id: detector for detector in tx.find(Detector, **seen)}
    firing = tx.find(DetectorProgress, order_by="detector_id", detector_id=list(detectors), firing=True)
    failed = tx.find(Deployment, state=DeploymentState.ERROR, **seen)
    return [
        *(detector_alert(tx, detectors[progress.detector_id], progress) for progress in firing),
        *(_deployment_alert(tx, deployment) for deployment in failed),
    ]


def detector_alert(tx: Tx, detector: Detector, progress: DetectorProgress) -> Alert:
    """A detector that fires."""
    place = _place(tx, detector.workspace_id, detector.pipeline_id)
    what = "drifted from" if detector.kind == "drift" else "hold rows unlike"
    return Alert(
        f"{detector.kind}-{detector.name}",
        "warning",
        f"{detector.kind} on {place}",
        f"requests to {place} {what} the reference of the detector {detector.name!r}",
        progress.since or progress.updated_at,
    )


def _deployment_alert(tx: Tx, deployment: Deployment) -> Alert:
    place = _place(tx, deployment.workspace_id, deployment.pipeline_id)
    why = deployment.error or "its workers do not say why"
    return Alert("deployment-failed", "critical", f"{place} failed", f"{place}: {why}", deployment.updated_at)


def _place(tx: Tx, workspace_id: int, pipeline_id: int) -> str:
    workspace, pipeline = tx.get(Workspace, workspace_id), tx.get(Pipeline, pipeline_id)
    return f"{workspace.slug if workspace else workspace_id}/{pipeline.name if pipeline else pipeline_id}"


def send_test(tx: Tx, actor: Actor, *, configured: bool) -> None:
    """Have a test alert delivered; ``FAILED_PRECONDITION`` where alerts go nowhere."""
    require_platform(actor, Permission.ALERTS_TEST)
    if not configured:
        raise failed_precondition("alerts are sent nowhere; set alert_webhook_url to the address that is to get them")
    title = f"test by {actor.username}"
    notify(tx, Alert("test", "info", title, "a test of the way that alerts take; nothing is wrong", tx.now))
    record(tx, actor, Action.ALERT_TEST, "alert", "test")


def notify(tx: Tx, alert: Alert) -> None:
    """Have an alert delivered, once this transaction is committed."""
    body: dict[str, Any] = {
        "name": alert.name,
        "severity": alert.severity,
        "title": alert.title,
        "description": alert.description,
        "activeAt": alert.active_at.isoformat(),
    }
    tx.insert(AlertNotice(0, body, 0, None, tx.now, tx.now))


def due_notices(tx: Tx, most: int) -> list[AlertNotice]:
    """What is to be delivered now."""
    return tx.find(AlertNotice, limit=most, next_at=Between(at_most=tx.now))


def delivered(tx: Tx, notice: AlertNotice) -> None:
    """The notice was taken."""
    tx.delete(AlertNotice, id=notice.id)


def undelivered(tx: Tx, notice: AlertNotice, error: str) -> bool:
    """The notice was not taken: try again later, each time after twice the wait; False when it is given up."""
    if notice.attempts + 1 >= MOST_ATTEMPTS:
        tx.delete(AlertNotice, id=notice.id)
        return False
    wait = min(timedelta(seconds=2**notice.attempts), _LONGEST_WAIT)
    if tx.get(AlertNotice, notice.id) is not None:
        later = replace(notice, attempts=notice.attempts + 1, error=error[:500], next_at=tx.now + wait)
        tx.update(AlertNotice, notice.id, lambda _: later)
    return True
