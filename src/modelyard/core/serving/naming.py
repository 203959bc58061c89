"""Pipelines by the name that clients of a model server give: ``{pipeline}``, or ``{namespace}.{pipeline}``."""

from modelyard.core.access.check import Own, allowed, ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import own_pipeline, require_pipeline


def pipeline_named(tx: Tx, actor: Actor, name: str, permission: Permission) -> Pipeline:
    """The one pipeline of this name for which the actor holds the permission; ``INVALID`` names them if there are more.

    A namespace is a workspace by its slug.
    """
    ask(actor, permission)
    found = _named(tx, name)
    mine = [each for each in found if allowed(tx, actor, permission, each.workspace_id, _own(each))]
    if len(mine) > 1:
        names = ", ".join(sorted(qualified(tx, mine).values()))
        raise invalid(f"several models are named {name}: say which one of {names}")
    if mine:
        return mine[0]
    for pipeline in found:  # one that the actor sees, though it is not theirs, is forbidden rather than unknown
        if allowed(tx, actor, Permission.PIPELINE_READ, pipeline.workspace_id, _own(pipeline)):
            require_pipeline(tx, actor, permission, pipeline, "model", name)
    raise not_found("model", name)


def qualified(tx: Tx, pipelines: list[Pipeline]) -> dict[int, str]:
    """The name of each pipeline, by its id, that no other pipeline has."""
    slugs = {w.id: w.slug for w in tx.find(Workspace, id={pipeline.workspace_id for pipeline in pipelines})}
    return {pipeline.id: f"{slugs[pipeline.workspace_id]}.{pipeline.name}" for pipeline in pipelines}


def _named(tx: Tx, name: str) -> list[Pipeline]:
    namespace, dot, rest = name.partition(".")
    if not dot:
        return tx.find(Pipeline, name=name)
    workspace = tx.first(Workspace, slug=namespace)
    return tx.find(Pipeline, workspace_id=workspace.id, name=rest) if workspace else []


def _own(pipeline: Pipeline) -> Own:
    return own_pipeline(pipeline.workspace_id, pipeline.name)
