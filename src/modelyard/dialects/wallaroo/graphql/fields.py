"""How each field of each type comes out of a row: columns, and relations to other rows.

A field that is not named here is the row's attribute of the same name. The odd names are the schema's: ``models`` is
a model, ``model`` a version of it, and ``model_id`` and ``pipeline_id`` are names.
"""

import re
from collections.abc import Callable
from typing import Any

from modelyard.core.catalogue.reading import (
    members,
    model_configs,
    model_tags,
    model_versions,
    models,
    pipeline_tags,
    tags,
    workspaces,
)
from modelyard.core.serving.reading import deployed_models, deployments, pipeline_versions, pipelines
from modelyard.core.serving.states import SERVED
from modelyard.dialects.wallaroo.graphql.reader import Info, Node, Relation
from modelyard.dialects.wallaroo.model_shown import conversion, status
from modelyard.dialects.wallaroo.steps import shown

Resolver = Callable[..., Any]

COLUMNS: dict[tuple[str, str], str] = {
    ("model", "model_id"): "name",
    ("model", "model_version"): "version",
    ("model", "models_pk_id"): "model_id",
    ("model_config", "dynamic_batching_config"): "dynamic_batching",
    ("model_config", "continuous_batching_config"): "continuous_batching",
    ("pipeline", "pipeline_id"): "name",
    ("pipeline_version", "pipeline_pk_id"): "pipeline_id",
    ("pipeline_version", "updated_at"): "created_at",  # a version never changes
    ("deployment", "deploy_id"): "name",
    ("model_tag", "model_id"): "model_version_id",
    ("pipeline_tag", "pipeline_pk_id"): "pipeline_id",
    ("pipeline_tag", "tag_pk_id"): "tag_id",
}

CONSTANTS: dict[tuple[str, str], Any] = {
    ("pipeline", "visibility"): "private",
    ("deployment", "limit_status"): None,  # there are no licence limits to run into
    ("pipeline_version", "pipeline_publishes"): [],  # nothing is published to edges yet
}

# Versions come newest first where the caller gives no order: clients take the first one as the current.
RELATIONS: dict[tuple[str, str], Relation] = {
    ("workspace", "users"): Relation(members, "id", "workspace_id", many=True),
    ("workspace", "models"): Relation(models, "id", "workspace_id", many=True),
    ("workspace", "pipelines"): Relation(pipelines, "id", "workspace_id", many=True),
    ("models", "workspace"): Relation(workspaces, "workspace_id", "id"),
    ("models", "models"): Relation(model_versions, "id", "model_id", many=True, order_by="-id"),
    ("model", "model"): Relation(models, "model_id", "id"),
    ("model", "model_tags"): Relation(model_tags, "id", "model_version_id", many=True),
    ("model_config", "model"): Relation(model_versions, "model_version_id", "id"),
    ("pipeline", "workspace"): Relation(workspaces, "workspace_id", "id"),
    ("pipeline", "deployment"): Relation(deployments, "id", "pipeline_id"),
    ("pipeline", "pipeline_tags"): Relation(pipeline_tags, "id", "pipeline_id", many=True),
    ("pipeline", "pipeline_versions"): Relation(pipeline_versions, "id", "pipeline_id", many=True, order_by="-id"),
    ("pipeline_version", "pipeline"): Relation(pipelines, "pipeline_id", "id"),
    ("pipeline_version", "deployment_pipeline_versions"): Relation(deployments, "id", "pipeline_version_id", many=True),
    ("pipeline_version", "deployment_model_configs"): Relation(deployed_models, "id", "pipeline_version_id", many=True),
    ("deployment", "pipeline"): Relation(pipelines, "pipeline_id", "id"),
    ("deployment", "deployment_model_configs"): Relation(deployed_models, "id", "deployment_id", many=True),
    ("deployment_pipeline_version", "pipeline_version"): Relation(pipeline_versions, "pipeline_version_id", "id"),
    ("deployment_model_configs", "model_config"): Relation(model_configs, "model_config_id", "id"),
    ("tag", "model_tags"): Relation(model_tags, "id", "tag_id", many=True),
    ("tag", "pipeline_tags"): Relation(pipeline_tags, "id", "tag_id", many=True),
    ("model_tag", "model"): Relation(model_versions, "model_version_id", "id"),
    ("model_tag", "tag"): Relation(tags, "tag_id", "id"),
    ("pipeline_tag", "pipeline"): Relation(pipelines, "pipeline_id", "id"),
    ("pipeline_tag", "tag"): Relation(tags, "tag_id", "id"),
}

SAME_ROW = {("user_default_workspace", "workspace"), ("deployment_pipeline_version", "deployment")}
_PATH = re.compile(r"[^.\[\]\s$]+")


def resolver(type_name: str, field_name: str) -> Resolver:
    """What answers a field of a type that stands for rows."""
    field = (type_name, field_name)
    if field in SPECIAL:
        return SPECIAL[field]
    if field in RELATIONS:
        return _related(RELATIONS[field])
    if field in CONSTANTS:
        return lambda *_: CONSTANTS[field]
    if field in SAME_ROW:
        return lambda node, _: node
    return _column(COLUMNS.get(field, field_name))


def order(order_by: list[dict[str, str]] | None) -> str | None:
    """``[{field: "asc" | "desc"}]`` as the core's ``order_by``; the schema's orders know one field each."""
    for field, direction in (order_by or [{}])[0].items():
        return f"-{field}" if direction == "desc" else field
    return None


def json_at(value: Any, path: str | None) -> Any:
    """The part of a jsonb value that Hasura's ``path`` names (``a.b``, ``$.steps[0].name``), or None."""
    for step in _PATH.findall(path or ""):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _column(attribute: str) -> Resolver:
    def resolve(node: Node, _: Info, path: str | None = None) -> Any:
        value = getattr(node.row, attribute)
        return value if path is None else json_at(value, path)

    return resolve


def _related(relation: Relation) -> Resolver:
    def resolve(node: Node, _: Info, order_by: list[dict[str, str]] | None = None) -> Any:
        found = node.together.related(node, relation, order(order_by))
        return found if relation.many else next(iter(found), None)

    return resolve


def _definition(node: Node, _: Info, path: str | None = None) -> Any:
    definition = node.row.definition
    if "models" in definition:  # another form than steps, which does not say the pipeline's name
        pipeline = node.together.related(node, RELATIONS["pipeline_version", "pipeline"])[0]
        definition = shown(pipeline.row.name, definition)
    return definition if path is None else json_at(definition, path)


def _deployed_models_aggregate(node: Node, _: Info, distinct_on: list[str] | None = None) -> Any:
    nodes = node.together.related(node, RELATIONS["deployment", "deployment_model_configs"])
    return {"nodes": nodes[:1] if distinct_on else nodes}  # all of them have the one deployment_id


SPECIAL: dict[tuple[str, str], Resolver] = {
    ("model", "status"): lambda node, _: status(node.row),
    ("model", "conversion"): lambda node, _, path=None: json_at(conversion(node.row), path),
    ("pipeline_version", "definition"): _definition,
    ("deployment", "deployed"): lambda node, _: node.row.state in SERVED,
    ("deployment", "engine_config"): lambda node, _: {"engine": {}, **node.row.engine_config},
    ("deployment", "deployment_pipeline_versions"): lambda node, _, **__: [node],
    ("deployment", "deployment_model_configs_aggregate"): _deployed_models_aggregate,
}
