"""What may be changed through GraphQL, by whom, and that nothing is left of what failed."""

from dataclasses import replace

import pytest
from tenants import Tenant, ask, change

from modelyard.core.access.grants import Grant
from modelyard.core.catalogue.entities import ModelConfig, ModelTag, Tag, Workspace
from modelyard.core.catalogue.models import NewConfig, configure_version
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import ErrorKind
from modelyard.core.serving.entities import Deployment
from modelyard.dialects.wallaroo.graphql.execution import FailedError
from modelyard.storage.store import SqlStore

_ADD = """mutation ($model: bigint!, $tag: bigint!) {
  insert_model_tag(objects: {model_id: $model, tag_id: $tag}) {returning {model_id tag_id}}}"""
_REMOVE = """mutation ($model: bigint!, $tag: bigint!) {
  delete_model_tag(where: {_and: [{model_id: {_eq: $model}}, {tag_id: {_eq: $tag}}]}) {returning {model_id tag_id}}}"""
_DEFAULT = """mutation ($me: String!, $name: String!, $role: String) {
  insert_workspace_one(
    object: {name: $name, owner_id: $me, archived: false, users: {data: {user_id: $me, user_type: $role}},
             user_default_workspaces: {data: {user_id: $me}}},
    on_conflict: {constraint: workspace_name_key, update_columns: []}
  ) {id name users {user_id}}}"""


def _kind(error: FailedError) -> ErrorKind:
    kind: ErrorKind = error.errors[0].original_error.kind  # type: ignore[union-attr]
    return kind


def test_a_tag_is_put_on_a_model_once_and_taken_off(store: SqlStore, ann: Tenant) -> None:
    made = change(store, ann.actor, 'mutation {insert_tag(objects: {tag: "new"}) {returning {id tag}}}')
    tag = made["insert_tag"]["returning"][0]
    row = {"model_id": ann.version, "tag_id": tag["id"]}
    for _ in range(2):
        assert change(store, ann.actor, _ADD, model=ann.version, tag=tag["id"])["insert_model_tag"]["returning"] == [
            row
        ]
    assert change(store, ann.actor, _REMOVE, model=ann.version, tag=tag["id"])["delete_model_tag"]["returning"] == [row]
    assert change(store, ann.actor, _REMOVE, model=ann.version, tag=tag["id"])["delete_model_tag"]["returning"] == []


def test_a_tag_is_put_on_a_pipeline_and_taken_off(store: SqlStore, ann: Tenant) -> None:
    remove = """mutation ($pipeline: bigint!, $tag: bigint!) {delete_pipeline_tag(
      where: {_and: [{pipeline_pk_id: {_eq: $pipeline}}, {tag_pk_id: {_eq: $tag}}]}) {returning {tag_pk_id}}}"""
    add = """mutation ($pipeline: bigint!, $tag: bigint!) {insert_pipeline_tag(
      objects: {pipeline_pk_id: $pipeline, tag_pk_id: $tag}) {returning {pipeline_pk_id tag_pk_id}}}"""
    gone = change(store, ann.actor, remove, pipeline=ann.pipeline, tag=ann.tag)
    assert gone["delete_pipeline_tag"]["returning"] == [{"tag_pk_id": ann.tag}]
    back = change(store, ann.actor, add, pipeline=ann.pipeline, tag=ann.tag)
    assert back["insert_pipeline_tag"]["returning"] == [{"pipeline_pk_id": ann.pipeline, "tag_pk_id": ann.tag}]


def test_foreign_things_cannot_be_tagged_and_look_as_if_they_were_not_there(
    store: SqlStore, ann: Tenant, bob: Tenant
) -> None:
    texts = set()
    for number in (bob.version, 999_999):
        with pytest.raises(FailedError) as caught:
            change(store, ann.actor, _ADD, model=number, tag=ann.tag)
        texts.add(str(caught.value.errors[0].message).replace(str(number), "N"))
        assert _kind(caught.value) is ErrorKind.NOT_FOUND
    assert texts == {"model version N not found"}
    with pytest.raises(FailedError, match="tag"):
        change(store, ann.actor, _ADD, model=ann.version, tag=bob.tag)


def test_readers_change_nothing(store: SqlStore, ann: Tenant, reader_of_ann: Actor) -> None:
    with pytest.raises(FailedError) as caught:
        change(store, reader_of_ann, _REMOVE, model=ann.version, tag=ann.tag)
    assert _kind(caught.value) is ErrorKind.FORBIDDEN
    assert len(ask(store, ann.actor, "{tag {model_tags {model_id}}}")["tag"][0]["model_tags"]) == 1


@pytest.mark.parametrize("where", ["{}", "{tag_id: {_eq: 1}}", "{_and: [{tag_id: {_eq: 1}}, {tag_id: {_eq: 2}}]}"])
def test_half_a_filter_deletes_nothing(store: SqlStore, ann: Tenant, where: str) -> None:
    with pytest.raises(FailedError, match="exactly which row"):
        change(store, ann.actor, f"mutation {{delete_model_tag(where: {where}) {{returning {{model_id}}}}}}")
    assert store.run_read(lambda tx: len(tx.find(ModelTag))) == 1


def test_of_a_document_that_fails_nothing_remains(store: SqlStore, ann: Tenant) -> None:
    before = store.run_read(lambda tx: len(tx.find(Tag)))
    with pytest.raises(FailedError):
        change(
            store,
            ann.actor,
            """mutation {first: insert_tag(objects: [{tag: "a"}, {tag: "b"}]) {returning {id}}
               second: insert_model_tag(objects: {model_id: 999999, tag_id: 1}) {returning {tag_id}}}""",
        )
    assert store.run_read(lambda tx: len(tx.find(Tag))) == before


@pytest.mark.parametrize("text", ["", " ", "x" * 256, "a\\nb"])
def test_a_tag_needs_a_readable_name(store: SqlStore, ann: Tenant, text: str) -> None:
    with pytest.raises(FailedError, match="tag name"):
        change(store, ann.actor, f'mutation {{insert_tag(objects: {{tag: "{text}"}}) {{returning {{id}}}}}}')


def test_an_inference_only_account_makes_no_tags(store: SqlStore, ann: Tenant) -> None:
    service = Actor(ann.actor.user_id, "service", platform_roles=frozenset({"INFERENCE"}))
    with pytest.raises(FailedError) as caught:
        change(store, service, 'mutation {insert_tag(objects: {tag: "t"}) {returning {id}}}')
    assert _kind(caught.value) is ErrorKind.FORBIDDEN


def test_the_default_workspace_is_made_once(store: SqlStore, newcomer: Actor) -> None:
    given = {"me": newcomer.user_id, "name": f"{newcomer.email} - Default Workspace", "role": "OWNER"}
    first = change(store, newcomer, _DEFAULT, **given)["insert_workspace_one"]
    assert first["name"] == given["name"]
    assert first["users"] == [{"user_id": newcomer.user_id}]
    assert change(store, newcomer, _DEFAULT, **given)["insert_workspace_one"]["id"] == first["id"]
    found = ask(store, newcomer, "query ($me: String = \"\") {user_default_workspace(where: {user_id: {_eq: $me}}) "
                "{workspace {id}}}", me=newcomer.user_id)  # fmt: skip
    assert found == {"user_default_workspace": [{"workspace": {"id": first["id"]}}]}


def test_a_workspace_is_made_for_oneself_only(store: SqlStore, ann: Tenant, newcomer: Actor) -> None:
    before = store.run_read(lambda tx: (len(tx.find(Workspace)), len(tx.find(Grant))))
    for wrong in ({"me": ann.actor.user_id}, {"role": "COLLABORATOR"}):
        with pytest.raises(FailedError, match="for oneself"):
            change(store, newcomer, _DEFAULT, **{"me": newcomer.user_id, "name": "n", "role": "OWNER"} | wrong)
    assert store.run_read(lambda tx: (len(tx.find(Workspace)), len(tx.find(Grant)))) == before


def test_a_taken_name_gives_null_or_an_error_as_the_caller_says(store: SqlStore, ann: Tenant, newcomer: Actor) -> None:
    quiet = "on_conflict: {constraint: workspace_name_key}"
    document = f'mutation {{insert_workspace_one(object: {{name: "ann-space"}}, {quiet}) {{id}}}}'
    assert change(store, newcomer, document) == {"insert_workspace_one": None}
    with pytest.raises(FailedError) as caught:
        change(store, newcomer, 'mutation {insert_workspace_one(object: {name: "ann-space"}) {id}}')
    assert _kind(caught.value) is ErrorKind.CONFLICT


def test_an_owner_takes_members_out_and_others_do_not(
    store: SqlStore, ann: Tenant, bob: Tenant, reader_of_ann: Actor
) -> None:
    remove = """mutation ($user: String!, $space: bigint!) {
      delete_workspace_users(where: {user_id: {_eq: $user}, _and: {workspace_id: {_eq: $space}}}) {affected_rows}}"""
    given = {"user": reader_of_ann.user_id, "space": ann.workspace}
    with pytest.raises(FailedError) as caught:
        change(store, bob.actor, remove, **given)
    assert _kind(caught.value) is ErrorKind.NOT_FOUND
    with pytest.raises(FailedError, match="last owner"):
        change(store, ann.actor, remove, user=ann.actor.user_id, space=ann.workspace)
    assert change(store, ann.actor, remove, **given) == {"delete_workspace_users": {"affected_rows": 1}}
    assert ask(store, reader_of_ann, "{pipeline {id}}") == {"pipeline": []}


_DEPLOY = (
    "mutation ($id: bigint!) {update_deployment_by_pk(pk_columns: {id: $id} _set: {deployed: true}) {id deployed}}"
)
_UNDEPLOY = _DEPLOY.replace("true", "false")
_REPLACE = """mutation ($id: bigint!, $config: bigint!) {
  insert_deployment_model_configs(objects: {deployment_id: $id, model_config_id: $config}) {
    returning {id deployment_id model_config_id model_config {model {id}}}}}"""


def _deployment(store: SqlStore, tenant: Tenant) -> Deployment:
    found = store.run_read(lambda tx: tx.get(Deployment, tenant.deployment))
    assert found is not None
    return found


def test_a_deployment_is_stopped_and_deployed_again(store: SqlStore, ann: Tenant) -> None:
    running = _deployment(store, ann)
    assert change(store, ann.actor, _DEPLOY, id=ann.deployment)["update_deployment_by_pk"]["deployed"]
    assert _deployment(store, ann) == running
    assert not change(store, ann.actor, _UNDEPLOY, id=ann.deployment)["update_deployment_by_pk"]["deployed"]
    assert ask(store, ann.actor, "{pipeline(where: {deployment: {deployed: {_eq: false}}}) {id}}")["pipeline"] != []
    assert change(store, ann.actor, _DEPLOY, id=ann.deployment)["update_deployment_by_pk"]["deployed"]
    assert _deployment(store, ann).revision == running.revision + 1


def test_a_new_configuration_of_the_deployed_version_is_served_next(store: SqlStore, ann: Tenant) -> None:
    config = store.run_write(configure_version, ann.actor, ann.version, NewConfig(tensor_fields=["features"]))
    row = {"id": config.id, "deployment_id": ann.deployment, "model_config_id": config.id}
    answer = change(store, ann.actor, _REPLACE, id=ann.deployment, config=config.id)
    returned = answer["insert_deployment_model_configs"]["returning"]
    assert returned == [row | {"model_config": {"model": {"id": ann.version}}}]
    deployment = _deployment(store, ann)
    assert deployment.models == [{"version_id": ann.version, "config_id": config.id}]
    assert (deployment.revision, deployment.pipeline_version_id) == (2, ann.pipeline_version)


def test_another_version_of_the_model_makes_a_new_version_of_the_pipeline(store: SqlStore, ann: Tenant) -> None:
    older = ann.version - 1
    config = store.run_write(lambda tx: tx.insert(replace(tx.find(ModelConfig)[0], id=0, model_version_id=older)))
    change(store, ann.actor, _REPLACE, id=ann.deployment, config=config.id)
    deployment = _deployment(store, ann)
    assert deployment.models == [{"version_id": older, "config_id": config.id}]
    assert deployment.pipeline_version_id > ann.pipeline_version
    assert deployment.engine_config == {"a": 1}


def test_a_deployment_is_changed_by_those_who_may_deploy_it(
    store: SqlStore, ann: Tenant, bob: Tenant, reader_of_ann: Actor
) -> None:
    before = _deployment(store, ann)
    for document in (_DEPLOY, _UNDEPLOY, _REPLACE):
        given = {"id": ann.deployment} | ({"config": ann.config} if document is _REPLACE else {})
        for actor, kind in ((reader_of_ann, ErrorKind.FORBIDDEN), (bob.actor, ErrorKind.NOT_FOUND)):
            with pytest.raises(FailedError) as caught:
                change(store, actor, document, **given)
            assert _kind(caught.value) is kind
    assert _deployment(store, ann) == before


def test_a_foreign_configuration_cannot_be_served(store: SqlStore, ann: Tenant, bob: Tenant) -> None:
    for number in (bob.config, 999_999):
        with pytest.raises(FailedError, match=f"model configuration {number} not found"):
            change(store, ann.actor, _REPLACE, id=ann.deployment, config=number)


def test_what_is_stopped_gets_no_new_model(store: SqlStore, ann: Tenant) -> None:
    change(store, ann.actor, _UNDEPLOY, id=ann.deployment)
    with pytest.raises(FailedError, match="not deployed"):
        change(store, ann.actor, _REPLACE, id=ann.deployment, config=ann.config)


def test_what_does_not_exist_yet_is_not_found(store: SqlStore, ann: Tenant) -> None:
    query = '{orchestration_by_pk(id: "99cace15-e0d4-4bb6-bf14-35efee181b90") {id}}'
    assert ask(store, ann.actor, query) == {"orchestration_by_pk": None}
    with pytest.raises(FailedError, match="assay 1 not found"):
        change(store, ann.actor, "mutation {update_assay_by_pk(pk_columns: {id: 1}, _set: {alert_threshold: 1}) {id}}")
