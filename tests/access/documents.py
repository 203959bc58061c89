"""A GraphQL document for every field of the two roots, and what it needs. What is missing here fails the test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from things import Things
from world import World

Variables = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """``about``: "thing" is null for strangers, "list" filtered, "change" refused as not found, "platform" refused.

    "nothing" is a field behind which there is nothing yet. ``places`` is where the things are.
    """

    needs: str
    about: Literal["thing", "list", "change", "platform", "nothing"]
    document: str
    variables: Callable[[Things, World], Variables] = lambda *_: {}
    spare: str | None = None
    places: tuple[str, ...] = ("thing",)


def _by_pk(field: str, needs: str, number: str, place: str = "thing") -> Field:
    document = f"query ($id: bigint!) {{{field}(id: $id) {{id}}}}"
    return Field(needs, "thing", document, lambda things, _: {"id": getattr(things, number)}, places=(place,))


def _deployment(things: Things, _: World) -> Variables:
    return {"id": things.deployment_id}


def _model_tag(things: Things, _: World) -> Variables:
    return {"tag": things.tag_id, "model": things.version_id}


def _pipeline_tag(things: Things, _: World) -> Variables:
    return {"tag": things.tag_id, "pipeline": things.pipeline_id}


_EVERYTHING = "id workspace {name models {name} pipelines {pipeline_id}}"

FIELDS: dict[str, Field] = {
    "workspace_by_pk": _by_pk("workspace_by_pk", "workspace.read", "workspace_id", "workspace"),
    "user_default_workspace": Field(
        "workspace.read", "list", "{user_default_workspace {workspace {name}}}", places=("workspace",)
    ),
    "model": Field("model.read", "list", f"{{model {{model_id model {{{_EVERYTHING}}}}}}}"),
    "model_by_pk": _by_pk("model_by_pk", "model.read", "version_id"),
    "model_config_by_pk": _by_pk("model_config_by_pk", "model.read", "config_id"),
    "pipeline": Field("pipeline.read", "list", f"{{pipeline {{pipeline_id {_EVERYTHING}}}}}"),
    "pipeline_by_pk": _by_pk("pipeline_by_pk", "pipeline.read", "pipeline_id"),
    "pipeline_version_by_pk": _by_pk("pipeline_version_by_pk", "pipeline.read", "pipeline_version_id"),
    "deployment": Field("pipeline.read", "list", "{deployment {deploy_id pipeline {pipeline_id}}}"),
    "deployment_by_pk": _by_pk("deployment_by_pk", "pipeline.read", "deployment_id"),
    "tag": Field("model.read", "list", "{tag {tag model_tags {model {model_id}} pipeline_tags {pipeline {id}}}}"),
    "tag_by_pk": _by_pk("tag_by_pk", "model.read", "tag_id"),
    "orchestration_by_pk": Field(
        "platform.signed_in", "nothing", '{orchestration_by_pk(id: "00000000-0000-4000-8000-000000000001") {id}}'
    ),
    "search_models": Field(
        "model.read",
        "list",
        "query ($term: String!) {search_models(args: {search: $term}) {model_id file_name}}",
        lambda things, _: {"term": things.canary},
    ),
    "search_pipelines": Field(
        "pipeline.read",
        "list",
        "query ($term: String!) {search_pipelines(args: {search: $term}) {pipeline {pipeline_id}}}",
        lambda things, _: {"term": things.canary},
    ),
    "insert_workspace_one": Field(
        "workspace.create",
        "platform",
        "mutation ($name: String!) {insert_workspace_one(object: {name: $name}, on_conflict: "
        "{constraint: workspace_name_key}) {id}}",
        lambda *_: {"name": "made through GraphQL"},
    ),
    "delete_workspace_users": Field(
        "workspace.manage",
        "change",
        """mutation ($user: String!, $space: bigint!) {delete_workspace_users(
          where: {user_id: {_eq: $user}, workspace_id: {_eq: $space}}) {affected_rows}}""",
        lambda things, world: {"user": world.victim.id, "space": things.workspace_id},
        places=("workspace",),
    ),
    "insert_tag": Field("tag.create", "platform", 'mutation {insert_tag(objects: {tag: "t"}) {returning {id}}}'),
    "insert_model_tag": Field(
        "model.edit",
        "change",
        """mutation ($tag: bigint!, $model: bigint!) {
          insert_model_tag(objects: {tag_id: $tag, model_id: $model}) {returning {tag_id}}}""",
        _model_tag,
    ),
    "delete_model_tag": Field(
        "model.edit",
        "change",
        """mutation ($tag: bigint!, $model: bigint!) {
          delete_model_tag(where: {tag_id: {_eq: $tag}, model_id: {_eq: $model}}) {returning {tag_id}}}""",
        _model_tag,
    ),
    "insert_pipeline_tag": Field(
        "pipeline.edit",
        "change",
        """mutation ($tag: bigint!, $pipeline: bigint!) {
          insert_pipeline_tag(objects: {tag_pk_id: $tag, pipeline_pk_id: $pipeline}) {returning {id}}}""",
        _pipeline_tag,
    ),
    "delete_pipeline_tag": Field(
        "pipeline.edit",
        "change",
        """mutation ($tag: bigint!, $pipeline: bigint!) {
          delete_pipeline_tag(where: {tag_pk_id: {_eq: $tag}, pipeline_pk_id: {_eq: $pipeline}}) {returning {id}}}""",
        _pipeline_tag,
    ),
    "insert_deployment_model_configs": Field(
        "pipeline.deploy",
        "change",
        """mutation ($id: bigint!, $config: bigint!) {insert_deployment_model_configs(
          objects: {deployment_id: $id, model_config_id: $config}) {returning {id}}}""",
        lambda things, _: {"id": things.deployment_id, "config": things.config_id},
    ),
    "update_deployment_by_pk": Field(
        "pipeline.deploy",
        "change",
        "mutation ($id: bigint!) {update_deployment_by_pk(pk_columns: {id: $id}, _set: {deployed: false}) {id}}",
        _deployment,
        spare="deployment",
    ),
    "update_assay_by_pk": Field(
        "platform.signed_in",
        "nothing",
        "mutation {update_assay_by_pk(pk_columns: {id: 1}, _set: {alert_threshold: 1}) {id}}",
    ),
}
