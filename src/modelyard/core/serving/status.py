"""How the deployment of a pipeline is, with all that runs for it."""

from dataclasses import dataclass

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import DeploymentStatus, status_of
from modelyard.core.serving.entities import Deployment, ModelProcess
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.states import DeploymentState


@dataclass(frozen=True, slots=True)
class Running:
    """``standby`` are processes of the revision that comes back if the one on trial fails."""

    status: DeploymentStatus
    standby: list[ModelProcess]


def status_at(tx: Tx, actor: Actor, slug: str, name: str) -> Running:
    """By the slug of its workspace and the pipeline's name; ``NOT_FOUND`` where nothing is deployed."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_READ)
    found = tx.first(Deployment, pipeline_id=pipeline.id)
    if found is None or found.state == DeploymentState.STOPPED:
        raise not_found("deployment", f"{slug}/{name}")
    status = status_of(tx, found)
    return Running(status, _standby(tx, status))


def _standby(tx: Tx, status: DeploymentStatus) -> list[ModelProcess]:
    trial = status.rollout
    if trial is None or trial.state != RolloutState.BAKING:
        return []
    return tx.find(ModelProcess, deployment_id=status.deployment.id, revision=trial.from_revision)
