"""Settling: from what live workers report to the state of a deployment. Nothing else ends STARTING or STOPPING."""

from dataclasses import replace

from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Replica, Worker
from modelyard.core.serving.events import note_event
from modelyard.core.serving.states import DeploymentState, move


def settle(tx: Tx, deployment: Deployment) -> Deployment:
    """The deployment, moved to the state that its replicas say."""
    replicas = tx.find(Replica, deployment_id=deployment.id)
    workers = {worker_id for (worker_id,) in tx.values(Worker, ("id",))}
    state, error = _verdict(deployment, replicas, workers)
    if state == deployment.state and error == deployment.error:
        return deployment
    return enter(tx, deployment, state, error, error)


def enter(tx: Tx, deployment: Deployment, state: DeploymentState, error: str | None, why: str | None) -> Deployment:
    """The deployment in this state; an event says so, and why."""
    said = f"revision {deployment.revision} is {state}" + (f": {why}" if why else "")
    note_event(tx, deployment.workspace_id, deployment.pipeline_id, said)
    return tx.update(
        Deployment,
        deployment.id,
        lambda old: replace(
            old, state=old.state if state == old.state else move(old.state, state), error=error, updated_at=tx.now
        ),
    )


def _verdict(deployment: Deployment, replicas: list[Replica], workers: set[str]) -> tuple[DeploymentState, str | None]:
    current = DeploymentState(deployment.state)
    if current in (DeploymentState.STOPPING, DeploymentState.STOPPED):
        return (DeploymentState.STOPPING, None) if replicas else (DeploymentState.STOPPED, None)
    reported = [replica for replica in replicas if replica.revision == deployment.revision]
    failed = next((replica for replica in reported if replica.error), None)
    if failed is not None:
        return DeploymentState.ERROR, failed.error
    if workers and workers <= {replica.worker_id for replica in reported}:
        return DeploymentState.RUNNING, None
    return current, deployment.error
