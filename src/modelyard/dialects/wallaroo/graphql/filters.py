"""``where`` arguments as conditions of the core.

A condition is a set of allowed values, or a ``Between``; conditions on the same field narrow each other. A relation
in a filter (``workspace: {name: …}``) is read first, under the caller's access, and becomes a set of ids.
"""

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.core.catalogue.reading import workspaces
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Between
from modelyard.core.serving.reading import deployments, pipelines
from modelyard.core.serving.states import SERVED, DeploymentState
from modelyard.dialects.wallaroo.graphql.reader import Reader

Where = Mapping[str, Any]
Conditions = dict[str, Any]
Translate = Callable[[Reader, Any], Conditions]


def conditions(reader: Reader, fields: Mapping[str, Translate], where: Where | None) -> Conditions:
    """The conditions of a filter whose fields are translated by ``fields``."""
    result: Conditions = {}
    for name, value in (where or {}).items():
        parts = (
            [conditions(reader, fields, part) for part in value] if name == "_and" else [fields[name](reader, value)]
        )
        for part in parts:
            for field, condition in part.items():
                result[field] = _both(result[field], condition) if field in result else condition
    return result


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, Between):
        lows = [bound for bound in (one.at_least, other.at_least) if bound is not None]
        highs = [bound for bound in (one.at_most, other.at_most) if bound is not None]
        return Between(max(lows, default=None), min(highs, default=None))
    return one & other


def _column(field: str) -> Translate:
    """A comparison of one column."""

    def translate(_: Reader, comparison: Where) -> Conditions:
        if None in comparison.values():
            raise invalid(f"null is not a value to compare {field} with; leave the comparison out instead")
        if not comparison:
            return {}
        if "_eq" in comparison:
            return {field: {comparison["_eq"]}}
        return {field: Between(comparison.get("_gte"), comparison.get("_lte"))}

    return translate


def _workspace(reader: Reader, where: Where) -> Conditions:
    found = workspaces(reader.tx, reader.actor, **conditions(reader, WORKSPACE, where))
    return {"workspace_id": {workspace.id for workspace in found}}


def _model(reader: Reader, where: Where) -> Conditions:
    return conditions(reader, {"workspace": _workspace}, where)


def _deployment_of_pipeline(reader: Reader, where: Where) -> Conditions:
    """Pipelines by their deployment; one that has none, never having been deployed, counts as not deployed."""
    if where == {"deployed": {"_eq": False}}:
        running = _pipelines_deployed(reader, {"deployed": {"_eq": True}})
        return {"id": {pipeline.id for pipeline in pipelines(reader.tx, reader.actor)} - running}
    return {"id": _pipelines_deployed(reader, where)}


def _pipelines_deployed(reader: Reader, where: Where) -> set[int]:
    found = deployments(reader.tx, reader.actor, **conditions(reader, DEPLOYMENT, where))
    return {deployment.pipeline_id for deployment in found}


def _deployed(_: Reader, comparison: Where) -> Conditions:
    wanted = comparison.get("_eq")
    return {} if wanted is None else {"state": {state for state in DeploymentState if (state in SERVED) is wanted}}


def _pipeline_of_version(reader: Reader, where: Where) -> Conditions:
    found = pipelines(reader.tx, reader.actor, **conditions(reader, PIPELINE, where))
    return {"pipeline_id": {pipeline.id for pipeline in found}}


WORKSPACE: Mapping[str, Translate] = {"id": _column("id"), "name": _column("name")}
USER_DEFAULT_WORKSPACE: Mapping[str, Translate] = {"user_id": _column("user_id")}
DEPLOYMENT: Mapping[str, Translate] = {
    "id": _column("id"),
    "deploy_id": _column("name"),
    "deployed": _deployed,
}
MODEL_VERSION: Mapping[str, Translate] = {
    "model_id": _column("name"),
    "model_version": _column("version"),
    "owner_id": _column("created_by"),
    "created_at": _column("created_at"),
    "model": _model,
}
PIPELINE: Mapping[str, Translate] = {
    "pipeline_id": _column("name"),
    "workspace_id": _column("workspace_id"),
    "workspace": _workspace,
    "deployment": _deployment_of_pipeline,
}
PIPELINE_VERSION: Mapping[str, Translate] = {
    "owner_id": _column("created_by"),
    "created_at": _column("created_at"),
    "updated_at": _column("created_at"),  # a version never changes
    "pipeline": _pipeline_of_version,
}
WORKSPACE_USERS: Mapping[str, Translate] = {"user_id": _column("user_id"), "workspace_id": _column("workspace_id")}
MODEL_TAG: Mapping[str, Translate] = {"model_id": _column("model_id"), "tag_id": _column("tag_id")}
PIPELINE_TAG: Mapping[str, Translate] = {
    "pipeline_pk_id": _column("pipeline_pk_id"),
    "tag_pk_id": _column("tag_pk_id"),
}
