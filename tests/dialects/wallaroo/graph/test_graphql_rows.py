"""What a GraphQL document gives to whom: rows of a real store, seen through the caller's grants at every level."""

import pytest
from sqlalchemy import event
from tenants import NOW, SHA, Tenant, ask, new_version

from modelyard.core.catalogue.entities import Model, ModelTag
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Form, Pipeline, PipelineVersion
from modelyard.dialects.wallaroo.graphql.documents import RejectedError
from modelyard.dialects.wallaroo.graphql.execution import FailedError
from modelyard.dialects.wallaroo.graphql.reader import MAX_FIELDS
from modelyard.dialects.wallaroo.graphql.schema import SCHEMA
from modelyard.storage.store import SqlStore

_EVERY_WAY_OUT = """
query {
  model { id model { workspace { id name users { user_id } } } model_tags { tag { tag
    model_tags { model { model_id } } pipeline_tags { pipeline { pipeline_id workspace { name } } } } } }
  pipeline { pipeline_id workspace { name models { name models { model_id } } pipelines { pipeline_id } }
    pipeline_versions { version definition pipeline { pipeline_id } }
    deployment { deploy_id deployment_model_configs { model_config { model { model_id } } } } }
  deployment { deploy_id deployment_pipeline_versions { deployment { deploy_id } pipeline_version { definition } } }
  tag { tag model_tags { model { model_id } } pipeline_tags { pipeline { pipeline_id } } }
  user_default_workspace { workspace { name } }
  search_models(args: {search: ""}) { model_id }
  search_pipelines(args: {search: ""}) { definition pipeline { pipeline_id } }
}
"""


def test_no_way_through_the_graph_leads_to_another_tenant(store: SqlStore, ann: Tenant, bob: Tenant) -> None:
    seen = str(ask(store, ann.actor, _EVERY_WAY_OUT))
    assert "ann-model" in seen
    assert "bob" not in seen
    assert bob.actor.user_id not in seen


def test_a_shared_tag_leads_nowhere_but_to_what_one_may_see(store: SqlStore, ann: Tenant, bob: Tenant) -> None:
    store.run_write(lambda tx: tx.insert(ModelTag(0, bob.workspace, ann.tag, bob.version)))
    answer = ask(store, ann.actor, "{tag {tag model_tags {model {model_id}}}}")
    assert answer == {"tag": [{"tag": "ann-tag", "model_tags": [{"model": {"model_id": "ann-model"}}]}]}
    assert "ann-tag" in str(ask(store, bob.actor, "{tag {tag model_tags {model {model_id}}}}"))
    assert "ann-model" not in str(ask(store, bob.actor, "{tag {tag model_tags {model {model_id}}}}"))


_BY_PK = {
    "workspace": "workspace",
    "model": "version",
    "model_config": "config",
    "pipeline": "pipeline",
    "pipeline_version": "pipeline_version",
    "deployment": "deployment",
    "tag": "tag",
}


@pytest.mark.parametrize("kind", _BY_PK)
def test_a_foreign_thing_and_one_that_never_was_are_both_null(
    store: SqlStore, ann: Tenant, bob: Tenant, kind: str
) -> None:
    for number in (getattr(bob, _BY_PK[kind]), 999_999):
        assert ask(store, ann.actor, f"{{{kind}_by_pk(id: {number}) {{id}}}}") == {f"{kind}_by_pk": None}
    own = getattr(ann, _BY_PK[kind])
    assert ask(store, ann.actor, f"{{{kind}_by_pk(id: {own}) {{id}}}}") == {f"{kind}_by_pk": {"id": own}}


def test_readers_see_the_workspace_and_administrators_see_all(
    store: SqlStore, ann: Tenant, bob: Tenant, reader_of_ann: Actor, admin: Actor
) -> None:
    assert ask(store, reader_of_ann, "{pipeline {pipeline_id}}") == {"pipeline": [{"pipeline_id": "ann-pipeline"}]}
    assert len(ask(store, admin, "{pipeline {pipeline_id}}")["pipeline"]) == 2
    assert len(ask(store, admin, "{tag {id}}")["tag"]) == 2


def test_filters_do_not_reach_beyond_what_one_may_see(store: SqlStore, ann: Tenant, bob: Tenant) -> None:
    filters = [
        f"model(where: {{model: {{workspace: {{id: {{_eq: {bob.workspace}}}}}}}}})",
        'model(where: {model: {workspace: {name: {_eq: "bob-space"}}}})',
        'pipeline(where: {workspace: {name: {_eq: "bob-space"}}})',
        f"pipeline(where: {{workspace_id: {{_eq: {bob.workspace}}}}})",
        f"pipeline(where: {{deployment: {{id: {{_eq: {bob.deployment}}}}}}})",
        'deployment(where: {deploy_id: {_eq: "bob-pipeline"}})',
        'search_models(args: {search: "bob"})',
        'search_pipelines(args: {search: "bob"})',
        'search_models(args: {search: "bob-tag"})',
    ]
    for chosen in filters:
        field = chosen.partition("(")[0]
        assert ask(store, ann.actor, f"{{{chosen} {{id}}}}") == {field: []}
        assert len(ask(store, bob.actor, f"{{{chosen} {{id}}}}")[field]) >= 1


@pytest.mark.parametrize("text", ["ann-mod", "ANN-MOD", "model.onnx", SHA[:9], "ann-t", ""])
def test_models_are_found_by_name_hash_file_and_tag(store: SqlStore, ann: Tenant, bob: Tenant, text: str) -> None:
    query = "query ($term: String!) {search_models(args: {search: $term}, order_by: {created_at: desc}) {id}}"
    found = ask(store, ann.actor, query, term=text)["search_models"]
    assert {"id": ann.version} in found
    assert all(row["id"] < bob.version - 1 for row in found)


@pytest.mark.parametrize(("text", "hits"), [("ann-pipe", 2), ("ann-tag", 2), ("ann-model", 1), ("nothing", 0), ("", 2)])
def test_pipelines_are_found_by_name_tag_and_model(store: SqlStore, ann: Tenant, text: str, hits: int) -> None:
    query = "query ($term: String!) {search_pipelines(args: {search: $term}, order_by: {id: desc}) {id}}"
    found = ask(store, ann.actor, query, term=text)["search_pipelines"]
    assert len(found) == hits
    assert found == sorted(found, key=lambda row: -row["id"])


def test_times_narrow_a_search(store: SqlStore, ann: Tenant) -> None:
    query = """query ($from: timestamptz!, $to: timestamptz!) {
      search_models(args: {search: ""}, where: {created_at: {_gte: $from, _lte: $to}}) {id}
      search_pipelines(args: {search: ""}, where: {_and: [{created_at: {_gte: $from}}, {updated_at: {_lte: $to}}]}) {id}
    }"""
    inside = ask(store, ann.actor, query, **{"from": "2026-03-01T12:00:00Z", "to": "2026-03-01 13:00:00+01:00"})
    before = ask(store, ann.actor, query, **{"from": "2026-01-01", "to": "2026-02-01T00:00:00+00:00"})
    assert [len(rows) for rows in inside.values()] == [2, 2]
    assert [len(rows) for rows in before.values()] == [0, 0]


def test_versions_come_newest_first(store: SqlStore, ann: Tenant) -> None:
    answer = ask(store, ann.actor, f"{{workspace_by_pk(id: {ann.workspace}) {{models {{models {{id}}}}}}}}")
    ids = [row["id"] for row in answer["workspace_by_pk"]["models"][0]["models"]]
    assert ids == [ann.version, ann.version - 1]


def test_a_version_has_all_the_sdk_asks_for(store: SqlStore, ann: Tenant) -> None:
    query = """query ($id: bigint!) {model_by_pk(id: $id) {
      id created_on_version model_id models_pk_id sha status file_name updated_at
      arch: conversion(path: "arch") accel: conversion(path: "accel") one: conversion(path: "$.steps[0].name")
      model {workspace {id name}} model_tags {tag {id tag}}}}"""
    assert ask(store, ann.actor, query, id=ann.version)["model_by_pk"] == {
        "id": ann.version,
        "created_on_version": "1",
        "model_id": "ann-model",
        "models_pk_id": ann.model,
        "sha": SHA,
        "status": "ready",
        "file_name": "model.onnx",
        "updated_at": "2026-03-01T12:00:00.000000+00:00",
        "arch": "x86",
        "accel": None,
        "one": "one",
        "model": {"workspace": {"id": ann.workspace, "name": "ann-space"}},
        "model_tags": [{"tag": {"id": ann.tag, "tag": "ann-tag"}}],
    }


def test_a_deployment_leads_to_its_pipeline_version_and_models(store: SqlStore, ann: Tenant) -> None:
    query = """query ($id: bigint!) {deployment_by_pk(id: $id) {deploy_id engine_config pipeline {pipeline_id}
      deployment_model_configs {deployment_id model_config {id tensor_fields model {id}}}
      deployment_model_configs_aggregate(distinct_on: deployment_id) {nodes {model_config {model {model {name}}}}}
      deployment_pipeline_versions(order_by: {pipeline_version: {id: desc}}) {pipeline_version {id}}}}"""
    assert ask(store, ann.actor, query, id=ann.deployment)["deployment_by_pk"] == {
        "deploy_id": "ann-pipeline",
        "engine_config": {"engine": {}, "a": 1},
        "pipeline": {"pipeline_id": "ann-pipeline"},
        "deployment_model_configs": [
            {
                "deployment_id": ann.deployment,
                "model_config": {"id": ann.config, "tensor_fields": ["x"], "model": {"id": ann.version}},
            }
        ],
        "deployment_model_configs_aggregate": {
            "nodes": [{"model_config": {"model": {"model": {"name": "ann-model"}}}}]
        },
        "deployment_pipeline_versions": [{"pipeline_version": {"id": ann.pipeline_version}}],
    }


def test_only_the_deployed_version_has_a_deployment(store: SqlStore, ann: Tenant) -> None:
    query = "{pipeline {pipeline_versions(order_by: {id: desc}) {id deployment_pipeline_versions {deployment {id}}}}}"
    versions = ask(store, ann.actor, query)["pipeline"][0]["pipeline_versions"]
    assert [row["deployment_pipeline_versions"] for row in versions] == [[{"deployment": {"id": ann.deployment}}], []]


def test_a_long_list_is_read_with_one_query_a_level(store: SqlStore, ann: Tenant) -> None:
    def fill(tx: Tx) -> None:
        for number in range(60):
            pipeline = tx.insert(Pipeline(0, ann.workspace, f"p{number}", Form.STEPS, ann.actor.user_id, NOW, NOW))
            who = ann.actor.user_id
            tx.insert(PipelineVersion(0, ann.workspace, pipeline.id, new_uuid(), {}, "1", None, None, who, NOW))

    store.run_write(fill)
    statements: list[str] = []
    event.listen(store._reader, "before_cursor_execute", lambda *args: statements.append(args[2]))
    answer = ask(store, ann.actor, "{pipeline {workspace {name} pipeline_versions {id pipeline {pipeline_id}}}}")
    assert len(answer["pipeline"]) == 61
    assert len(statements) < 10


def test_an_answer_that_grows_without_end_is_stopped(store: SqlStore, ann: Tenant) -> None:
    def fill(tx: Tx) -> None:
        for number in range(200):
            version = new_version(tx, tx.insert(Model(0, ann.workspace, f"m{number}", ann.actor.user_id, NOW, NOW)))
            tx.insert(ModelTag(0, ann.workspace, ann.tag, version.id))

    store.run_write(fill)
    with pytest.raises(FailedError) as caught:
        ask(store, ann.actor, "{tag {" + "model_tags {model {model_tags {tag {" * 2 + "id" + "}}}}" * 2 + "}}")
    assert str(MAX_FIELDS) in str(caught.value.errors[0])


@pytest.mark.parametrize("number", ["9223372036854775808", '"12x"', "true", "1.5"])
def test_a_number_that_is_no_id_is_refused(store: SqlStore, ann: Tenant, number: str) -> None:
    with pytest.raises(RejectedError, match="bigint"):
        ask(store, ann.actor, f"{{model_by_pk(id: {number}) {{id}}}}")


@pytest.mark.parametrize("term", ["%", "_", "\\", "'; drop table tags; --", "é" * 1_000])
def test_no_text_breaks_a_search(store: SqlStore, ann: Tenant, term: str) -> None:
    query = """query ($term: String!) {search_models(args: {search: $term}) {id}
      search_pipelines(args: {search: $term}) {id} model(where: {model_id: {_eq: $term}}) {id}}"""
    answer = ask(store, ann.actor, query, term=term)
    assert answer["model"] == answer["search_pipelines"] == answer["search_models"] == []


def test_the_character_nul_is_refused_rather_than_misread(store: SqlStore, ann: Tenant) -> None:
    for document in ("{search_models(args: {search: $term}) {id}}", "{model(where: {model_id: {_eq: $term}}) {id}}"):
        with pytest.raises(FailedError, match="NUL"):
            ask(store, ann.actor, f"query ($term: String!) {document}", term="a\0b")


def test_wrong_variables_fail_the_whole_document(store: SqlStore, ann: Tenant) -> None:
    for wrong in ({"id": "x"}, {"id": None}, {"id": [1]}, {}):
        with pytest.raises(FailedError):
            ask(store, ann.actor, "query ($id: bigint!) {model_by_pk(id: $id) {id}}", **wrong)


def test_a_comparison_with_null_is_refused_rather_than_ignored(store: SqlStore, ann: Tenant) -> None:
    with pytest.raises(FailedError, match="null"):
        ask(store, ann.actor, "{model(where: {model_id: {_eq: null}}) {id}}")


def test_every_field_of_the_schema_has_a_resolver_of_ours() -> None:
    fields = [
        (name, field_name, field.resolve)
        for name, kind in SCHEMA.type_map.items()
        if hasattr(kind, "fields")
        and not name.startswith("__")
        and not name.endswith(("_exp", "_input", "_by", "_args"))
        for field_name, field in kind.fields.items()
        if hasattr(field, "resolve")
    ]
    assert len(fields) > 100
    assert [name for name, field, resolve in fields if resolve is None] == []


def test_a_pipeline_that_is_not_made_of_steps_shows_a_step_for_each_of_its_models(store: SqlStore, ann: Tenant) -> None:
    def insert(tx: Tx) -> None:
        space, owner = ann.workspace, ann.actor.user_id
        served = tx.insert(Pipeline(0, space, "canary", Form.PREDICTORS, owner, NOW, NOW))
        models = [{"name": "a", "version": "v1", "sha": SHA}, {"name": "b", "version": "v2", "sha": SHA}]
        definition = {"document": {"kind": "SeldonDeployment"}, "models": models, "plan": {}}
        tx.insert(
            PipelineVersion(
                0, ann.workspace, served.id, new_uuid(), definition, "1", None, None, ann.actor.user_id, NOW
            )
        )

    store.run_write(insert)
    question = 'query { pipeline(where: {pipeline_id: {_eq: "canary"}}) { pipeline_versions { definition } } }'
    definition = ask(store, ann.actor, question)["pipeline"][0]["pipeline_versions"][0]["definition"]
    assert definition["id"] == "canary"
    assert [step["ModelInference"]["models"][0]["name"] for step in definition["steps"]] == ["a", "b"]
