"""What is made of other pipelines is made anew when one of these changes."""

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, conflict
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import Deploy, serve
from modelyard.core.serving.entities import Deployment, Pipeline
from modelyard.core.serving.pipelines import NewVersion, add_version
from modelyard.core.serving.states import SERVED
from modelyard.core.serving.using import resolved, users

RENEW = "renew"
"""The action of a version whose document is that of the one before, and whose plan is not."""


def renew_users(tx: Tx, actor: Actor, pipeline: Pipeline) -> None:
    """Renew the pipelines that use this one, and those that use them; ``CONFLICT`` when one would no longer run.

    Part of use-cases that asked for the right to change what is used; who may do that changes those who use it.
    """
    for user, newest in users(tx, pipeline):
        definition = resolved(tx, None, user.workspace_id, user.name, newest.definition)
        if definition != newest.definition:
            try:
                _renew(tx, actor, user, NewVersion(definition, action=RENEW, message=f"{pipeline.name} changed"))
            except DomainError as error:
                raise conflict(
                    f"{user.name!r} uses {pipeline.name!r}, but would not run with this: {error.message}"
                ) from error
            renew_users(tx, actor, user)


def _renew(tx: Tx, actor: Actor, user: Pipeline, new: NewVersion) -> None:
    version = add_version(tx, actor, user, new)
    deployment = tx.first(Deployment, pipeline_id=user.id)
    if deployment is not None and deployment.state in SERVED:
        serve(tx, actor, version, Deploy(deployment.name))
