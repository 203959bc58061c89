"""Pipelines and their versions."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import Own, OwnFields, allowed, ask, require, visible
from modelyard.core.access.granting import sweep_grants
from modelyard.core.access.grants import OF_WORKSPACE, ResourceType, in_workspace
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import ModelVersion, PipelineTag, Workspace
from modelyard.core.catalogue.models import RELEASE, newest_config, own_model
from modelyard.core.catalogue.workspaces import existing
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import label
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.definitions import check_definition, models_named
from modelyard.core.serving.entities import (
    Deployment,
    Feedback,
    Form,
    Pipeline,
    PipelineVersion,
    Replica,
    RouterReward,
)
from modelyard.core.serving.graph.compiling import check_plan
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.states import DeploymentState
from modelyard.core.serving.steps import steps_planned
from modelyard.core.serving.using import refuse_used

OWN: OwnFields = (ResourceType.PIPELINE, OF_WORKSPACE)
"""How grants on single pipelines are found for a list of them."""
OF_PIPELINE = ("Pipeline", "pipeline_id")
"""What belongs to a pipeline is seen with it."""


@dataclass(frozen=True, slots=True)
class PipelineView:
    """A pipeline with its workspace, its newest version, and its deployment if it has one."""

    pipeline: Pipeline
    workspace: Workspace
    newest: PipelineVersion
    deployment: Deployment | None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A definition, the form it is written in, and what its maker says of it."""

    definition: dict[str, Any]
    form: Form = Form.STEPS
    action: str | None = None
    message: str | None = None


def create_pipeline(tx: Tx, actor: Actor, workspace_id: int, name: str, definition: dict[str, Any]) -> PipelineVersion:
    """Add a version made of steps to the pipeline of this name; the first one makes the pipeline."""
    return create_version(tx, actor, workspace_id, name, NewVersion(definition))


def create_version(tx: Tx, actor: Actor, workspace_id: int, name: str, new: NewVersion) -> PipelineVersion:
    """Add a version to the pipeline of this name; the first one makes the pipeline, in the form of the version."""
    own = own_pipeline(workspace_id, name)
    require(tx, actor, Permission.PIPELINE_EDIT, workspace_id, "workspace", workspace_id, own)
    existing(tx, workspace_id)
    label("pipeline", name)
    if new.form is Form.STEPS:
        check_definition(new.definition)
    _check_models(tx, actor, workspace_id, new.definition)
    if new.form is Form.STEPS and new.definition.get("steps"):
        _check_fit(tx, new.definition)
    found = tx.first(Pipeline, workspace_id=workspace_id, name=name)
    if found is None:
        found = tx.insert(Pipeline(0, workspace_id, name, new.form, actor.user_id, tx.now, tx.now))
    elif found.form != new.form:
        raise conflict(f"{name!r} is the name of a pipeline of another kind ({found.form}) in this workspace")
    else:
        tx.update(Pipeline, found.id, lambda pipeline: replace(pipeline, updated_at=tx.now))
    return add_version(tx, actor, found, new)


def add_version(tx: Tx, actor: Actor, pipeline: Pipeline, new: NewVersion) -> PipelineVersion:
    """Add a version without asking who wants it: behind ``create_version``, and where what it uses changed."""
    version = tx.insert(
        PipelineVersion(
            0,
            pipeline.workspace_id,
            pipeline.id,
            new_uuid(),
            new.definition,
            RELEASE,
            new.action,
            new.message,
            actor.user_id,
            tx.now,
        )
    )
    _record(tx, actor, Action.PIPELINE_CHANGE, pipeline, version=version.version)
    return version


def copy_pipeline(
    tx: Tx, actor: Actor, source_id: int, workspace_id: int, name: str, version: str | None
) -> PipelineVersion:
    """Add a version to the pipeline ``name`` with the definition of another pipeline's version, or its newest."""
    ask(actor, Permission.PIPELINE_EDIT)
    source = pipeline_by_id(tx, actor, source_id, Permission.PIPELINE_READ)
    if source.form != Form.STEPS:
        raise failed_precondition(f"pipeline {source.name} is not made of steps ({source.form}) and cannot be copied")
    where = {"version": version} if version else {}
    chosen = tx.first(PipelineVersion, order_by="-id", pipeline_id=source.id, **where)
    if chosen is None:
        raise not_found(f"version of pipeline {source.name}", version)
    definition = {**chosen.definition, "id": name} if chosen.definition else {}
    return create_pipeline(tx, actor, workspace_id, name, definition)


def pipeline_by_id(tx: Tx, actor: Actor, pipeline_id: int, permission: Permission) -> Pipeline:
    """One pipeline by its number."""
    pipeline = tx.get(Pipeline, pipeline_id)
    if pipeline is None:
        ask(actor, permission)
        raise not_found("pipeline", pipeline_id)
    require_pipeline(tx, actor, permission, pipeline, "pipeline", pipeline_id)
    return pipeline


def pipeline_at(tx: Tx, actor: Actor, slug: str, name: str, permission: Permission) -> Pipeline:
    """One pipeline by the slug of its workspace and its name, whatever its form."""
    workspace = tx.first(Workspace, slug=slug)
    found = tx.first(Pipeline, workspace_id=workspace.id, name=name) if workspace else None
    which = f"{slug}/{name}"[:200]
    if found is None:
        ask(actor, permission)
        raise not_found("deployment", which)
    require_pipeline(tx, actor, permission, found, "deployment", which)
    return found


def require_pipeline(  # as ``require``
    tx: Tx, actor: Actor, permission: Permission, pipeline: Pipeline, what: str, which: object
) -> None:
    """The actor holds the permission on the pipeline; ``what`` and ``which`` name what was asked for."""
    own = own_pipeline(pipeline.workspace_id, pipeline.name)
    require(tx, actor, permission, pipeline.workspace_id, what, which, own)


def pipeline_of_version(tx: Tx, actor: Actor, version: PipelineVersion, permission: Permission) -> Pipeline:
    """The pipeline of a version that was asked for by its uuid."""
    pipeline = tx.get(Pipeline, version.pipeline_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    require_pipeline(tx, actor, permission, pipeline, "pipeline version", version.version)
    return pipeline


def get_pipeline(
    tx: Tx, actor: Actor, workspace_id: int, name: str, permission: Permission = Permission.PIPELINE_READ
) -> PipelineView:
    """One pipeline by its name."""
    require(tx, actor, permission, workspace_id, "pipeline", name, own_pipeline(workspace_id, name))
    pipeline = tx.first(Pipeline, workspace_id=workspace_id, name=name)
    if pipeline is None:
        raise not_found("pipeline", name)
    return _views(tx, [pipeline])[0]


def get_pipeline_version(tx: Tx, actor: Actor, uuid: str) -> tuple[Pipeline, PipelineVersion]:
    """One version by its uuid."""
    version = tx.first(PipelineVersion, version=uuid)
    if version is None:
        ask(actor, Permission.PIPELINE_READ)
        raise not_found("pipeline version", uuid)
    return pipeline_of_version(tx, actor, version, Permission.PIPELINE_READ), version


def list_pipelines(
    tx: Tx,
    actor: Actor,
    *,
    workspace_id: int | None = None,
    workspace_name: str | None = None,
    workspace_slug: str | None = None,
) -> list[PipelineView]:
    """Pipelines that the actor may see, in one workspace or in all.

    A workspace of which the actor may see neither itself nor any pipeline is ``NOT_FOUND``.
    """
    may_read = visible(actor, Permission.PIPELINE_READ, OWN)
    where: dict[str, Any] = {"id": workspace_id, "name": workspace_name, "slug": workspace_slug}
    given = {key: value for key, value in where.items() if value is not None}
    if not given:
        return _views(tx, tx.find(Pipeline, **may_read))
    asked = next(iter(given.values()))
    named = tx.first(Workspace, **given)
    if named is None:
        raise not_found("workspace", asked)
    found = tx.find(Pipeline, workspace_id=named.id, **may_read)
    if not found:
        require(tx, actor, Permission.PIPELINE_READ, named.id, "workspace", asked)
    return _views(tx, found)


def list_pipeline_versions(
    tx: Tx, actor: Actor, workspace_id: int, name: str
) -> list[tuple[PipelineView, PipelineVersion]]:
    """The versions of one pipeline, newest first."""
    view = get_pipeline(tx, actor, workspace_id, name)
    versions = tx.find(PipelineVersion, order_by="-id", pipeline_id=view.pipeline.id)
    return [(view, version) for version in versions]


def pipeline_ids(tx: Tx, actor: Actor) -> dict[int, list[int]]:
    """The numbers of the pipelines that the actor may see, by workspace."""
    ids: dict[int, list[int]] = defaultdict(list)
    rows = tx.values(Pipeline, ("id", "workspace_id"), **visible(actor, Permission.PIPELINE_READ, OWN))
    for pipeline_id, workspace_id in rows:
        ids[workspace_id].append(pipeline_id)
    return ids


def delete_pipeline(tx: Tx, actor: Actor, workspace_id: int, name: str) -> None:
    """Remove a pipeline with all its versions and its log. ``CONFLICT`` while it is deployed or used by others."""
    pipeline = get_pipeline(tx, actor, workspace_id, name, Permission.PIPELINE_EDIT).pipeline
    refuse_used(tx, actor, pipeline)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    if deployment is not None:
        _refuse_deployed(deployment, pipeline.name)
        tx.delete(Replica, deployment_id=deployment.id)
        tx.delete(Deployment, id=deployment.id)
    for kind in (PipelineTag, PipelineVersion, Feedback, RouterReward):
        tx.delete(kind, pipeline_id=pipeline.id)
    tx.delete(Pipeline, id=pipeline.id)
    sweep_grants(tx, *own_pipeline(pipeline.workspace_id, pipeline.name))
    _record(tx, actor, Action.PIPELINE_DELETE, pipeline)


def delete_pipeline_versions(tx: Tx, actor: Actor, uuids: list[str]) -> None:
    """Remove versions; ``CONFLICT`` for the one that is deployed."""
    ask(actor, Permission.PIPELINE_EDIT)
    for uuid in uuids:
        version = tx.first(PipelineVersion, version=uuid)
        if version is None:
            raise not_found("pipeline version", uuid)
        pipeline_of_version(tx, actor, version, Permission.PIPELINE_EDIT)
        deployment = tx.first(Deployment, pipeline_version_id=version.id)
        if deployment is not None:
            _refuse_deployed(deployment, uuid)
            tx.delete(Replica, deployment_id=deployment.id)
            tx.delete(Deployment, id=deployment.id)
        if tx.first(Rollout, from_version_id=version.id, state=RolloutState.BAKING) is not None:
            raise conflict(f"{uuid} comes back if what took its place fails; wait until that is kept, or roll back")
        tx.delete(PipelineVersion, id=version.id)
        _record(tx, actor, Action.PIPELINE_DELETE, tx.get(Pipeline, version.pipeline_id), version=uuid)


def _record(tx: Tx, actor: Actor, action: Action, pipeline: Pipeline | None, **details: Any) -> None:
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    place: dict[str, Any] = {"workspace_id": pipeline.workspace_id, "name": pipeline.name}
    record(tx, actor, action, "pipeline", pipeline.id, **place, **details)


def may_serve(tx: Tx, actor: Actor, workspace_id: int, version: ModelVersion) -> bool:
    """Whether the actor may put the model version into a pipeline of the workspace."""
    if version.workspace_id == workspace_id:
        return True
    return allowed(tx, actor, Permission.MODEL_USE, version.workspace_id, own_model(version))


def own_pipeline(workspace_id: int, name: str) -> Own:
    """Where grants on one pipeline, and on its deployment, are kept."""
    return ResourceType.PIPELINE, in_workspace(workspace_id, name)


def _check_models(tx: Tx, actor: Actor, workspace_id: int, definition: dict[str, Any]) -> None:
    """A pipeline names models of its own workspace, or others that its maker may use: who runs it runs all of it."""
    for ref in models_named(definition.get("models", definition.get("steps", []))):
        version = tx.first(ModelVersion, version=ref.version)
        known = version is not None and may_serve(tx, actor, workspace_id, version)
        if not known or version is None or version.name != ref.name or (ref.sha and ref.sha != version.sha):
            raise invalid(f"the workspace has no model {ref.name} with version {ref.version}", model=ref.name)


def _check_fit(tx: Tx, definition: dict[str, Any]) -> None:
    """Whether the steps make sense and, where all models are ready, fit together: not every client tells at deploying.

    ``FAILED_PRECONDITION`` if not. Deploying asks again, as configurations may change until then.
    """
    refs, plan = steps_planned(definition)
    models = [tx.first(ModelVersion, version=ref.version) for ref in refs]
    ready = [model for model in models if model is not None and model.signature is not None]
    if len(ready) == len(refs):
        given = [(Signature.from_json(m.signature or {}), newest_config(tx, m.id).tensor_fields) for m in ready]
        check_plan(plan, given)


def _refuse_deployed(deployment: Deployment, what: str) -> None:
    if deployment.state != DeploymentState.STOPPED:
        raise conflict(f"{what} is deployed; undeploy it first")


def _views(tx: Tx, pipelines: list[Pipeline]) -> list[PipelineView]:
    ids = [pipeline.id for pipeline in pipelines]
    workspaces = {w.id: w for w in tx.find(Workspace, id={pipeline.workspace_id for pipeline in pipelines})}
    newest = {version.pipeline_id: version for version in tx.find(PipelineVersion, pipeline_id=ids)}
    deployments = {deployment.pipeline_id: deployment for deployment in tx.find(Deployment, pipeline_id=ids)}
    return [
        PipelineView(p, workspaces[p.workspace_id], newest[p.id], deployments.get(p.id))
        for p in pipelines
        if p.id in newest
    ]
