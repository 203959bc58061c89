"""What is deployed, by its place in URLs: the slug of a workspace and the name of a pipeline in it."""

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Pipeline
from modelyard.core.serving.pipelines import require_pipeline
from modelyard.core.serving.states import DeploymentState


def served(tx: Tx, actor: Actor, namespace: str, name: str, permission: Permission) -> tuple[Pipeline, Deployment]:
    """What is deployed under this name in the workspace of this slug, for someone who holds the permission on it."""
    which = f"{namespace}/{name}"[:200]
    workspace = tx.first(Workspace, slug=namespace)
    pipeline = tx.first(Pipeline, workspace_id=workspace.id, name=name) if workspace else None
    if pipeline is None:
        ask(actor, permission)
        raise not_found("deployment", which)
    require_pipeline(tx, actor, permission, pipeline, "deployment", which)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    if deployment is None or deployment.state == DeploymentState.STOPPED:
        raise not_found("deployment", which)
    return pipeline, deployment
