"""Applying a description of what is to be served: the pipeline, its version and its deployment in one step.

Wallaroo's clients do these one by one; Seldon's say how it should be in the end.
"""

from dataclasses import dataclass, replace

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, not_found
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.serving.deployments import Deploy, deploy
from modelyard.core.serving.entities import Deployment, Form, Pipeline, PipelineVersion, Replica
from modelyard.core.serving.pipelines import (
    NewVersion,
    create_version,
    delete_pipeline,
    get_pipeline,
    list_pipelines,
    own_pipeline,
    pipeline_at,
)
from modelyard.core.serving.renewing import renew_users
from modelyard.core.serving.using import resolved


@dataclass(frozen=True, slots=True)
class Applied:
    """What is served under a name: ``first`` and ``newest`` are versions, ``replicas`` what workers hold of it."""

    workspace: str
    pipeline: Pipeline
    first: PipelineVersion
    newest: PipelineVersion
    versions: int
    deployment: Deployment | None
    replicas: list[Replica]


def may_create(tx: Tx, actor: Actor, slug: str, name: str) -> Workspace:
    """The workspace, for someone who may serve something under this name in it; ``CONFLICT`` when the name is taken."""
    workspace = tx.first(Workspace, slug=slug)
    if workspace is None:
        ask(actor, Permission.PIPELINE_DEPLOY)
        raise not_found("namespace", slug)
    own = own_pipeline(workspace.id, name)
    require(tx, actor, Permission.PIPELINE_DEPLOY, workspace.id, "namespace", slug, own)
    if tx.first(Pipeline, workspace_id=workspace.id, name=name) is not None:
        raise conflict(f"{name!r} already exists in this namespace; update it, or choose another name", name=name)
    return workspace


def create(tx: Tx, actor: Actor, slug: str, name: str, new: NewVersion) -> Applied:
    """Serve this under a new name, see ``may_create``."""
    return _apply(tx, actor, may_create(tx, actor, slug, name).id, name, new)


def update(  # what, where, and what the caller thinks is there
    tx: Tx, actor: Actor, slug: str, name: str, new: NewVersion, expected: int | None = None
) -> Applied:
    """Serve this in place of what is served; what was, is served until the new is loaded.

    ``expected`` is the id of the version that the caller knows as the newest: ``CONFLICT`` when there is a newer one.
    """
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    if pipeline.form != new.form:
        raise not_found("deployment", f"{slug}/{name}")
    newest = tx.first(PipelineVersion, order_by="-id", pipeline_id=pipeline.id)
    if expected is not None and newest is not None and newest.id != expected:
        raise conflict(
            f"{name!r} was changed meanwhile: its resourceVersion is {newest.id}, not {expected}; read it again",
            expected=str(expected),
            current=str(newest.id),
        )
    return _apply(tx, actor, pipeline.workspace_id, name, new)


def remove(tx: Tx, actor: Actor, slug: str, name: str, form: Form) -> Pipeline:
    """Serve it no longer, and forget it; its log stays."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    if pipeline.form != form:
        raise not_found("deployment", f"{slug}/{name}")
    for (key,) in tx.values(Deployment, ("id",), pipeline_id=pipeline.id):
        tx.delete(Replica, deployment_id=key)
        tx.delete(Deployment, id=key)
    tx.touch(Topic.ROUTES)
    delete_pipeline(tx, actor, pipeline.workspace_id, name)
    return pipeline


def get_applied(tx: Tx, actor: Actor, slug: str, name: str, *forms: Form) -> Applied:
    """What is served under the name, in one of these forms or in whatever form."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_READ)
    if forms and pipeline.form not in forms:
        raise not_found("deployment", f"{slug}/{name}")
    return _applied(tx, slug, pipeline)


def list_applied(tx: Tx, actor: Actor, slug: str, form: Form) -> list[Applied]:
    """Everything of the form that the actor may see in the workspace."""
    from_workspace = list_pipelines(tx, actor, workspace_slug=slug)
    return [_applied(tx, slug, view.pipeline) for view in from_workspace if view.pipeline.form == form]


def _apply(tx: Tx, actor: Actor, workspace_id: int, name: str, new: NewVersion) -> Applied:
    whole = replace(new, definition=resolved(tx, actor, workspace_id, name, new.definition))
    version = create_version(tx, actor, workspace_id, name, whole)
    deploy(tx, actor, Deploy(name, version_id=version.id))
    view = get_pipeline(tx, actor, workspace_id, name, Permission.PIPELINE_EDIT)
    renew_users(tx, actor, view.pipeline)
    return _applied(tx, view.workspace.slug, view.pipeline)


def _applied(tx: Tx, slug: str, pipeline: Pipeline) -> Applied:
    versions = tx.find(PipelineVersion, order_by="id", pipeline_id=pipeline.id)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    replicas = tx.find(Replica, deployment_id=deployment.id) if deployment else []
    return Applied(slug, pipeline, versions[0], versions[-1], len(versions), deployment, replicas)
