"""What is deployed, by its place in URLs: the slug of a workspace and the name of a pipeline in it."""

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Pipeline
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.states import DeploymentState


def served(tx: Tx, actor: Actor, namespace: str, name: str, permission: Permission) -> tuple[Pipeline, Deployment]:
    """What is deployed under this name in the workspace of this slug, for someone who holds the permission on it."""
    pipeline = pipeline_at(tx, actor, namespace, name, permission)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    if deployment is None or deployment.state == DeploymentState.STOPPED:
        raise not_found("deployment", f"{namespace}/{name}"[:200])
    return pipeline, deployment
