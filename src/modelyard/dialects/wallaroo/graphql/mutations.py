"""The fields of ``mutation_root``: ten, each a use-case of the core. There are no generic writes."""

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.core.access.permissions import Permission, Role
from modelyard.core.catalogue.tagging import create_tag, tag_model_version, untag_model_version
from modelyard.core.catalogue.workspaces import create_workspace, default_workspace, remove_member
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, not_found
from modelyard.core.serving.deployments import undeploy
from modelyard.core.serving.reading import DeployedModel
from modelyard.core.serving.replacing import deploy_again, replace_model
from modelyard.core.serving.tagging import tag_pipeline, untag_pipeline
from modelyard.dialects.wallaroo.graphql import filters
from modelyard.dialects.wallaroo.graphql.filters import Translate, Where, conditions
from modelyard.dialects.wallaroo.graphql.reader import Node, Reader, RootField

Objects = list[dict[str, Any]]
Answer = dict[str, Any]


def _insert(make: Callable[..., Any], *columns: str) -> Callable[..., Answer]:
    """Calls ``make(tx, actor, *columns)`` for each object; every column must be given."""

    def resolve(reader: Reader, objects: Objects) -> Answer:
        rows = [make(reader.tx, reader.actor, *(_given(given, column) for column in columns)) for given in objects]
        return {"returning": reader.nodes(rows)}

    return resolve


def _delete(remove: Callable[..., list[Any]], fields: Mapping[str, Translate], *columns: str) -> Callable[..., Answer]:
    """Calls ``remove(tx, actor, *columns)`` for the one thing that the filter must name by all its columns."""

    def resolve(reader: Reader, where: Where) -> Answer:
        gone = remove(reader.tx, reader.actor, *_exactly(reader, where, fields, columns))
        return {"returning": reader.nodes(gone)}

    return resolve


def _given(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    if value is None:
        raise invalid(f"{name} is missing")
    return value


def _exactly(reader: Reader, where: Where, fields: Mapping[str, Translate], columns: tuple[str, ...]) -> list[Any]:
    """The values of the columns where the filter gives just one for each: nothing is deleted by half a filter."""
    found = conditions(reader, fields, where)
    values = [found.get(column, set()) for column in columns]
    if any(len(value) != 1 for value in values):
        raise invalid(f"the filter must say exactly which row is meant: one value for each of {', '.join(columns)}")
    return [next(iter(value)) for value in values]


def _insert_workspace(
    reader: Reader,
    object: Mapping[str, Any],  # noqa: A002  # the schema's name
    on_conflict: Mapping[str, Any] | None = None,
) -> Node | None:
    """Make a workspace of the caller's own; null where the name is taken and ``on_conflict`` says to do nothing then.

    With ``user_default_workspaces`` it is the caller's default workspace, which has the name that the core gives it.
    """
    _require_own(reader, object)
    if _data(object, "user_default_workspaces"):
        return _node(reader, default_workspace(reader.tx, reader.actor))
    try:
        return _node(reader, create_workspace(reader.tx, reader.actor, _given(object, "name")))
    except DomainError as error:
        if error.kind is ErrorKind.CONFLICT and on_conflict is not None:
            return None
        raise


def _require_own(reader: Reader, workspace: Mapping[str, Any]) -> None:
    """Whoever makes a workspace owns it, alone, and it is in use: the nested rows may say that and nothing else."""
    rows = [*_data(workspace, "users"), *_data(workspace, "user_default_workspaces")]
    users = {workspace.get("owner_id"), *(row.get("user_id") for row in rows)}
    roles = {row.get("user_type") for row in rows}
    if not users <= {None, reader.actor.user_id} or not roles <= {None, Role.OWNER} or workspace.get("archived"):
        raise invalid("a workspace is made for oneself, as its owner and not archived; add others to it afterwards")


def _data(values: Mapping[str, Any], name: str) -> Objects:
    rows: Objects = (values.get(name) or {"data": []})["data"]
    return rows


def _delete_members(reader: Reader, where: Where) -> Answer:
    workspace_id, user_id = _exactly(reader, where, filters.WORKSPACE_USERS, ("workspace_id", "user_id"))
    return {"affected_rows": remove_member(reader.tx, reader.actor, workspace_id, user_id)}


def _node(reader: Reader, row: Any) -> Node:
    return reader.nodes([row])[0]


def _replace_models(reader: Reader, objects: Objects) -> Answer:
    rows = []
    for given in objects:
        deployment_id, config_id = _given(given, "deployment_id"), _given(given, "model_config_id")
        deployment = replace_model(reader.tx, reader.actor, deployment_id, config_id)
        rows.append(DeployedModel(config_id, deployment_id, deployment.pipeline_version_id, config_id))
    return {"returning": reader.nodes(rows)}


def _update_deployment(reader: Reader, pk_columns: Mapping[str, Any], _set: Mapping[str, Any] | None = None) -> Node:
    deployed = _given(_set or {}, "deployed")
    if deployed:
        return _node(reader, deploy_again(reader.tx, reader.actor, pk_columns["id"]))
    return _node(reader, undeploy(reader.tx, reader.actor, deployment_id=pk_columns["id"]))


def _no_assay(_: Reader, pk_columns: Mapping[str, Any], **__: Any) -> None:
    """There are no assays yet, so none can be found."""
    raise not_found("assay", pk_columns["id"])


MUTATIONS: dict[str, RootField] = {
    "insert_workspace_one": RootField(Permission.WORKSPACE_CREATE, _insert_workspace),
    "delete_workspace_users": RootField(Permission.WORKSPACE_MANAGE, _delete_members),
    "insert_tag": RootField(Permission.TAG_CREATE, _insert(create_tag, "tag")),
    "insert_model_tag": RootField(Permission.MODEL_EDIT, _insert(tag_model_version, "tag_id", "model_id")),
    "delete_model_tag": RootField(
        Permission.MODEL_EDIT, _delete(untag_model_version, filters.MODEL_TAG, "tag_id", "model_id")
    ),
    "insert_pipeline_tag": RootField(Permission.PIPELINE_EDIT, _insert(tag_pipeline, "tag_pk_id", "pipeline_pk_id")),
    "delete_pipeline_tag": RootField(
        Permission.PIPELINE_EDIT, _delete(untag_pipeline, filters.PIPELINE_TAG, "tag_pk_id", "pipeline_pk_id")
    ),
    "insert_deployment_model_configs": RootField(Permission.PIPELINE_DEPLOY, _replace_models),
    "update_deployment_by_pk": RootField(Permission.PIPELINE_DEPLOY, _update_deployment),
    "update_assay_by_pk": RootField(Permission.SIGNED_IN, _no_assay),
}
