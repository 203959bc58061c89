"""Models: what an upload records, who sees it, and how versions are configured and removed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from catalogue_people import SIGNATURE, People, kind_of, upload
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.catalogue.models import (
    CheckedFile,
    NewConfig,
    NewVersion,
    configure_version,
    get_config,
    get_model,
    get_version,
    list_models,
    list_versions,
    may_upload,
    record_upload,
    unreferenced,
)
from modelyard.core.catalogue.tagging import create_tag, tag_model_version
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.kernel.errors import ErrorKind
from modelyard.core.serving.removal import delete_model, delete_model_versions
from modelyard.storage.store import SqlStore

READERS = ["owner", "collaborator", "reader", "admin"]
EDITORS = ["owner", "collaborator", "admin"]


def new(people: People, **changes: Any) -> NewVersion:
    return replace(NewVersion(people.space, "ccfraud", "ccfraud.onnx"), **changes)


def test_the_first_upload_makes_the_model_and_later_ones_add_versions(store: SqlStore, people: People) -> None:
    first, second = (upload(store, people.owner, people.space) for _ in range(2))
    assert first.model_id == second.model_id
    assert first.version != second.version
    view = store.run_read(get_model, people.reader, first.model_id)
    assert [held.version for held in view.versions] == [first, second]


def test_equal_names_in_two_workspaces_are_two_models(store: SqlStore, people: People) -> None:
    other = store.run_write(create_workspace, people.owner, "other").id
    one, two = upload(store, people.owner, people.space), upload(store, people.owner, other)
    assert one.model_id != two.model_id


def test_an_upload_is_ready_configured_and_dated(store: SqlStore, people: People) -> None:
    said = new(people, input_schema="c2NoZW1h", conversion={"framework": "onnx"})
    version = store.run_write(record_upload, people.owner, said, CheckedFile("b" * 64, 7, SIGNATURE))
    config = store.run_read(get_config, people.owner, version.id)
    assert (version.status, version.sha, version.size) == ("ready", "b" * 64, 7)
    assert (config.runtime, config.input_schema, config.tensor_fields) == ("onnx", "c2NoZW1h", None)


@pytest.mark.parametrize("who", EDITORS)
def test_editors_may_upload(store: SqlStore, people: People, who: str) -> None:
    store.run_read(may_upload, people[who], new(people))
    assert upload(store, people[who], people.space).created_by == people[who].user_id


@pytest.mark.parametrize(("who", "kind"), [("reader", ErrorKind.FORBIDDEN), ("stranger", ErrorKind.NOT_FOUND)])
def test_others_may_not_upload(store: SqlStore, people: People, who: str, kind: ErrorKind) -> None:
    assert kind_of(store.run_read, may_upload, people[who], new(people)) is kind
    assert kind_of(upload, store, people[who], people.space) is kind
    assert store.run_read(list_models, people.admin) == []


def test_nobody_uploads_to_a_workspace_that_does_not_exist(store: SqlStore, people: People) -> None:
    for who in (people.admin, people.owner):
        assert kind_of(store.run_read, may_upload, who, new(people, workspace_id=4711)) is ErrorKind.NOT_FOUND


@pytest.mark.parametrize(
    "wrong",
    [
        *({"name": name} for name in ("", "CCFraud", "cc_fraud", "-cc", "cc-", "cc fraud", "é", "a" * 64, "a\n")),
        *({"visibility": word} for word in ("group", "", "PUBLIC")),
        *({"file_name": name} for name in ("model.pkl", "model.onnx.txt", "onnx", "a\x00.onnx", "a" * 251 + ".onnx")),
        *({"conversion": {"framework": word}} for word in ("sklearn", "mlflow")),
    ],
)
def test_what_can_be_refused_without_the_file_is(store: SqlStore, people: People, wrong: dict[str, Any]) -> None:
    assert kind_of(store.run_read, may_upload, people.owner, new(people, **wrong)) is ErrorKind.INVALID


@pytest.mark.parametrize("name", ["a", "0", "a-b", "x" * 63])
def test_names_that_can_stand_in_a_url_are_fine(store: SqlStore, people: People, name: str) -> None:
    assert upload(store, people.owner, people.space, name).name == name


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize(
    "read",
    [
        lambda tx, actor, version: get_version(tx, actor, version.id).version,
        lambda tx, actor, version: get_model(tx, actor, version.model_id).versions[0].version,
        lambda tx, actor, _: list_models(tx, actor)[0].versions[0].version,
        lambda tx, actor, version: list_models(tx, actor, workspace_id=version.workspace_id)[0].versions[0].version,
        lambda tx, actor, _: list_models(tx, actor, workspace_name="fraud")[0].versions[0].version,
        lambda tx, actor, version: list_versions(tx, actor, name=version.name)[0],
        lambda tx, actor, version: list_versions(tx, actor, model_id=version.model_id)[0],
    ],
)
def test_members_see_models(store: SqlStore, people: People, who: str, read: Callable[..., ModelVersion]) -> None:
    version = upload(store, people.owner, people.space)
    assert store.run_read(read, people[who], version) == version


@pytest.mark.parametrize(
    "read",
    [
        lambda tx, actor, version: get_version(tx, actor, version.id),
        lambda tx, actor, version: get_config(tx, actor, version.id),
        lambda tx, actor, version: get_model(tx, actor, version.model_id),
        lambda tx, actor, version: list_models(tx, actor, workspace_id=version.workspace_id),
        lambda tx, actor, _: list_models(tx, actor, workspace_name="fraud"),
        lambda tx, actor, version: configure_version(tx, actor, version.id, NewConfig()),
        lambda tx, actor, version: delete_model(tx, actor, version.workspace_id, version.name),
        lambda tx, actor, version: delete_model_versions(tx, actor, [version.version]),
    ],
)
def test_strangers_find_nothing(store: SqlStore, people: People, read: Callable[..., object]) -> None:
    version = upload(store, people.owner, people.space)
    assert kind_of(store.run_write, read, people.stranger, version) is ErrorKind.NOT_FOUND
    assert store.run_read(list_models, people.stranger) == []
    assert store.run_read(list_versions, people.stranger, name=version.name) == []


def test_the_versions_of_a_name_end_with_the_newest(store: SqlStore, people: People) -> None:
    uploaded = [upload(store, people.owner, people.space).id for _ in range(3)]
    upload(store, people.owner, people.space, "another")
    found = store.run_read(list_versions, people.owner, name="ccfraud")
    assert [version.id for version in found] == uploaded


def test_a_number_chooses_among_models_of_one_name(store: SqlStore, people: People) -> None:
    other = store.run_write(create_workspace, people.owner, "other").id
    here, there = upload(store, people.owner, people.space), upload(store, people.owner, other)

    def found(model_id: int) -> list[ModelVersion]:
        return store.run_read(list_versions, people.owner, name="ccfraud", model_id=model_id)

    assert found(here.model_id) == [here]
    assert found(there.model_id) == [there]
    assert found(4711) == [here, there]  # published examples pass the number of a version


def test_a_list_of_versions_never_means_all(store: SqlStore, people: People) -> None:
    upload(store, people.owner, people.space)
    assert store.run_read(list_versions, people.owner, model_id=0) == []
    assert store.run_read(list_versions, people.owner, name="") == []
    assert kind_of(store.run_read, list_versions, people.owner) is ErrorKind.INVALID


def test_each_configuration_is_a_row_and_the_newest_counts(store: SqlStore, people: People) -> None:
    version = upload(store, people.owner, people.space)
    first = store.run_read(get_config, people.owner, version.id)
    second = store.run_write(configure_version, people.collaborator, version.id, NewConfig(["tensor"]))
    assert second.id > first.id
    assert store.run_read(get_config, people.reader, version.id) == second
    assert store.run_read(list_models, people.reader)[0].versions[0].config == second
    assert len(store.run_read(lambda tx: tx.find(ModelConfig))) == 2


@pytest.mark.parametrize("fields", [["a"], [f"f{n}" for n in range(29)], [], None])
def test_fields_that_fit_the_inputs_or_their_columns_are_taken(
    store: SqlStore, people: People, fields: list[str] | None
) -> None:
    version = upload(store, people.owner, people.space)
    assert store.run_write(configure_version, people.owner, version.id, NewConfig(fields)).tensor_fields == fields


@pytest.mark.parametrize("count", [2, 28, 30])
def test_fields_that_fit_neither_are_refused(store: SqlStore, people: People, count: int) -> None:
    version = upload(store, people.owner, people.space)
    wrong = NewConfig([f"f{n}" for n in range(count)])
    assert kind_of(store.run_write, configure_version, people.owner, version.id, wrong) is ErrorKind.INVALID


def test_readers_may_not_change_models(store: SqlStore, people: People) -> None:
    version = upload(store, people.owner, people.space)
    config = NewConfig(["tensor"])
    for attempt in (
        lambda: store.run_write(configure_version, people.reader, version.id, config),
        lambda: store.run_write(delete_model, people.reader, people.space, "ccfraud"),
        lambda: store.run_write(delete_model_versions, people.reader, [version.version]),
    ):
        assert kind_of(attempt) is ErrorKind.FORBIDDEN
    assert store.run_read(list_versions, people.reader, name="ccfraud") == [version]


def test_deleting_versions_takes_their_configurations_and_tags_along(store: SqlStore, people: People) -> None:
    gone, stays = upload(store, people.owner, people.space), upload(store, people.owner, people.space)
    tag = store.run_write(create_tag, people.owner, "best")
    store.run_write(tag_model_version, people.owner, tag.id, gone.id)
    assert store.run_write(delete_model_versions, people.owner, [gone.version]) == [gone]
    assert store.run_read(list_versions, people.owner, name="ccfraud") == [stays]
    assert store.run_read(lambda tx: [c.model_version_id for c in tx.find(ModelConfig)]) == [stays.id]


def test_deleting_some_that_are_not_there_deletes_none(store: SqlStore, people: People) -> None:
    version = upload(store, people.owner, people.space)
    both = [version.version, "00000000-0000-4000-8000-000000000000"]
    assert kind_of(store.run_write, delete_model_versions, people.owner, both) is ErrorKind.NOT_FOUND
    assert store.run_read(list_versions, people.owner, name="ccfraud") == [version]


def test_a_model_without_versions_can_be_read_uploaded_to_and_deleted(store: SqlStore, people: People) -> None:
    version = upload(store, people.owner, people.space)
    store.run_write(delete_model_versions, people.owner, [version.version])
    assert store.run_read(get_model, people.owner, version.model_id).versions == []
    again = upload(store, people.owner, people.space)
    assert again.model_id == version.model_id
    assert store.run_write(delete_model, people.owner, people.space, "ccfraud") == [again]
    assert store.run_read(list_models, people.owner) == []


def test_a_file_is_unreferenced_once_no_version_anywhere_has_it(store: SqlStore, people: People) -> None:
    other = store.run_write(create_workspace, people.stranger, "other").id
    here, there = upload(store, people.owner, people.space), upload(store, people.stranger, other)
    shas = {here.sha, "b" * 64}
    store.run_write(delete_model_versions, people.owner, [here.version])
    assert store.run_read(unreferenced, shas) == ["b" * 64]
    store.run_write(delete_model_versions, people.stranger, [there.version])
    assert store.run_read(unreferenced, shas) == ["a" * 64, "b" * 64]
