"""Model registries outside: who sees, uses and shares them, and how their tokens are kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalogue_people import People, kind_of
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.catalogue.entities import ExternalRegistry, ModelStatus, ModelVersion, RegistryAttachment
from modelyard.core.catalogue.models import NewVersion
from modelyard.core.catalogue.preparing import Received, Undertaking, give_up_preparations, receive, take_preparation
from modelyard.core.catalogue.registries import (
    NewRegistry,
    attach_registry,
    create_registry,
    detach_registry,
    get_registry,
    list_registries,
    open_registry,
    reseal_registries,
)
from modelyard.core.catalogue.registry_uploads import origin, upload_from_registry
from modelyard.core.catalogue.runtimes import PreparationStage
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.storage.sealing import KeyFolder
from modelyard.storage.store import SqlStore

NEW = NewRegistry("theirs", "https://mlflow.example.com/", "very-secret-token")


@pytest.fixture
def sealer(tmp_path: Path) -> KeyFolder:
    return KeyFolder.open(tmp_path / "keys")


@pytest.fixture
def made(store: SqlStore, people: People, sealer: KeyFolder) -> ExternalRegistry:
    return store.run_write(create_registry, people.owner, sealer, replace(NEW, workspace_id=people.space))


def new_version(people: People, **said: Any) -> NewVersion:
    return NewVersion(people.space, "churn", conversion={"framework": "sklearn"} | said)


def test_members_see_a_registry_and_editors_use_it(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    for name in ("owner", "collaborator", "reader", "admin"):
        assert store.run_read(get_registry, people[name], made.id).registry == made
        assert store.run_read(list_registries, people[name], people.space) == [made]
        assert store.run_read(list_registries, people[name]) == [made]
    for name in ("owner", "collaborator", "admin"):
        found = store.run_read(open_registry, people[name], sealer, made.id)
        assert (found.url, found.token) == ("https://mlflow.example.com", "very-secret-token")
    assert kind_of(store.run_read, open_registry, people.reader, sealer, made.id) is ErrorKind.FORBIDDEN


def test_to_strangers_a_registry_is_like_none(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    def message(*call: Any) -> str:
        with pytest.raises(DomainError) as caught:
            store.run_write(*call)
        assert caught.value.kind is ErrorKind.NOT_FOUND
        return caught.value.message.replace(made.id, "ID").replace("nothing", "ID")

    own = store.run_write(create_workspace, people.stranger, "own").id
    for registry_id in (made.id, "nothing"):
        told = {
            message(get_registry, people.stranger, registry_id),
            message(open_registry, people.stranger, sealer, registry_id),
            message(attach_registry, people.stranger, registry_id, own),
            message(detach_registry, people.stranger, registry_id, own),
            message(detach_registry, people.stranger, registry_id, people.space),
        }
        assert told == {"model registry ID not found"}
    assert store.run_read(list_registries, people.stranger) == []
    assert kind_of(store.run_read, list_registries, people.stranger, people.space) is ErrorKind.NOT_FOUND


def test_a_registry_without_a_workspace_belongs_to_its_maker(
    store: SqlStore, people: People, sealer: KeyFolder
) -> None:
    mine = store.run_write(create_registry, people.stranger, sealer, NEW)
    assert store.run_read(list_registries, people.stranger) == [mine]
    assert store.run_read(list_registries, people.owner) == []
    assert kind_of(store.run_read, get_registry, people.owner, mine.id) is ErrorKind.NOT_FOUND
    own = store.run_write(create_workspace, people.stranger, "own").id
    store.run_write(attach_registry, people.stranger, mine.id, own)
    store.run_write(attach_registry, people.stranger, mine.id, own)
    assert len(store.run_read(lambda tx: tx.find(RegistryAttachment))) == 1
    view = store.run_read(get_registry, people.stranger, mine.id)
    assert [each.id for each in view.workspaces] == [own]


def test_who_made_a_registry_does_not_keep_it_once_it_belongs_to_workspaces(
    store: SqlStore, people: People, sealer: KeyFolder
) -> None:
    theirs = store.run_write(create_registry, people.collaborator, sealer, replace(NEW, workspace_id=people.space))
    other = store.run_write(create_workspace, people.owner, "other").id
    store.run_write(attach_registry, people.owner, theirs.id, other)
    store.run_write(detach_registry, people.owner, theirs.id, people.space)
    assert kind_of(store.run_read, get_registry, people.collaborator, theirs.id) is ErrorKind.NOT_FOUND
    store.run_write(detach_registry, people.owner, theirs.id, other)
    assert store.run_read(get_registry, people.collaborator, theirs.id).workspaces == []
    assert kind_of(store.run_read, get_registry, people.owner, theirs.id) is ErrorKind.NOT_FOUND


def test_readers_cannot_change_who_uses_a_registry(store: SqlStore, people: People, made: ExternalRegistry) -> None:
    own = store.run_write(create_workspace, people.reader, "own").id
    for call in ((attach_registry, made.id, own), (detach_registry, made.id, people.space)):
        use_case, *args = call
        assert kind_of(store.run_write, use_case, people.reader, *args) is ErrorKind.FORBIDDEN


def test_workspaces_that_one_may_not_see_are_left_out(store: SqlStore, people: People, made: ExternalRegistry) -> None:
    other = store.run_write(create_workspace, people.owner, "other").id
    store.run_write(attach_registry, people.owner, made.id, other)
    seen = store.run_read(get_registry, people.reader, made.id).workspaces
    assert [each.id for each in seen] == [people.space]


def test_the_token_is_neither_in_the_database_nor_in_the_audit_log(
    store: SqlStore, people: People, made: ExternalRegistry
) -> None:
    store.run_write(detach_registry, people.owner, made.id, people.space)
    entries = store.run_read(lambda tx: tx.find(AuditEntry))
    actions = [entry.action for entry in entries if entry.object_type == "model_registry"]
    assert actions == ["registry.create", "registry.detach"]
    assert "very-secret" not in str(entries) + str(store.run_read(lambda tx: tx.find(ExternalRegistry))) + repr(NEW)


def test_a_token_does_not_open_for_another_address_or_registry(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    store.run_write(lambda tx: tx.change(ExternalRegistry, {"url": "https://thief.example.com"}, id=made.id))
    assert kind_of(store.run_read, open_registry, people.owner, sealer, made.id) is ErrorKind.INTERNAL


def test_tokens_are_sealed_anew_with_a_new_key(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    newest = sealer.rotate()
    assert store.run_write(reseal_registries, sealer) == 1
    assert store.run_read(get_registry, people.owner, made.id).registry.key_id == newest != made.key_id
    assert store.run_read(open_registry, people.owner, sealer, made.id).token == "very-secret-token"


@pytest.mark.parametrize(
    "url",
    [
        *("", "mlflow.example.com", "ftp://example.com", "file:///etc", "https://", "https://me:pass@example.com"),
        *(
            "https://example.com?x=1",
            "https://example.com#x",
            "https://example.com:99999",
            "http://[::1",
            "https://a\nb",
        ),
        *("https://example.com/api/2.0/mlflow", "https://example.com/" + "x" * 2000),
    ],
)
def test_urls_that_are_no_root_of_a_server_are_refused(
    store: SqlStore, people: People, sealer: KeyFolder, url: str
) -> None:
    with pytest.raises(DomainError) as caught:
        store.run_write(create_registry, people.owner, sealer, replace(NEW, url=url))
    assert caught.value.kind is ErrorKind.INVALID
    assert "pass@" not in caught.value.message


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "ä", "me:pass\nword", "x" * 20_000])
def test_tokens_that_fit_in_no_header_are_refused(
    store: SqlStore, people: People, sealer: KeyFolder, token: str
) -> None:
    assert (
        kind_of(store.run_write, create_registry, people.owner, sealer, replace(NEW, token=token)) is ErrorKind.INVALID
    )


def test_a_version_begins_without_its_file_and_gets_it(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    version = store.run_write(upload_from_registry, people.owner, new_version(people), made.id, "models:/iris/3/")
    assert (version.status, version.sha, version.conversion["uri"]) == (ModelStatus.PENDING, "", "models:/iris/3")
    assert store.run_read(lambda tx: tx.find(PreparationStage)) == []
    found = store.run_read(origin, sealer, version)
    assert (found.registry.token, str(found.path)) == ("very-secret-token", "models:/iris/3")
    work = taken(store)
    received = store.run_write(receive, work.preparation.id, "one", Received("c" * 64, 7, "model.pkl"))
    assert received is not None
    assert (received.sha, received.size, received.file_name) == ("c" * 64, 7, "model.pkl")
    assert store.run_write(receive, work.preparation.id, "another", Received("d" * 64, 7, "model.pkl")) is None


def test_a_download_over_which_processes_die_fails_in_its_stage(
    store: SqlStore, people: People, made: ExternalRegistry
) -> None:
    version = store.run_write(upload_from_registry, people.owner, new_version(people), made.id, "models:/iris/3")
    for _ in range(3):
        taken(store)
        store.run_write(give_up_preparations, ["one"])
    failed = store.run_read(lambda tx: tx.get(ModelVersion, version.id))
    assert failed is not None
    assert failed.status == ModelStatus.ERROR
    assert str(failed.error_summary).startswith("stage uploaded: the process that prepared the model ended")


def taken(store: SqlStore) -> Undertaking:
    found = store.run_write(take_preparation, "one")
    assert found is not None
    return found


def test_only_registries_of_the_workspace_are_uploaded_from(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    other = store.run_write(create_workspace, people.owner, "other").id

    def uploading(actor: str, space: int, registry_id: str = made.id) -> ErrorKind:
        new = replace(new_version(people), workspace_id=space)
        return kind_of(store.run_write, upload_from_registry, people[actor], new, registry_id, "models:/iris/3")

    assert uploading("owner", other) is ErrorKind.NOT_FOUND
    assert uploading("admin", other) is ErrorKind.NOT_FOUND
    assert uploading("owner", people.space, "nothing") is ErrorKind.NOT_FOUND
    assert uploading("stranger", people.space) is ErrorKind.NOT_FOUND
    assert uploading("reader", people.space) is ErrorKind.FORBIDDEN


def test_a_registry_that_was_taken_away_is_not_downloaded_from(
    store: SqlStore, people: People, sealer: KeyFolder, made: ExternalRegistry
) -> None:
    version = store.run_write(upload_from_registry, people.owner, new_version(people), made.id, "models:/iris/3")
    store.run_write(detach_registry, people.owner, made.id, people.space)
    assert kind_of(store.run_read, origin, sealer, version) is ErrorKind.FAILED_PRECONDITION


def test_the_upload_is_recorded_with_where_it_came_from(
    store: SqlStore, people: People, made: ExternalRegistry
) -> None:
    store.run_write(upload_from_registry, people.owner, new_version(people), made.id, "models:/iris/3")

    def uploads(tx: Tx) -> list[AuditEntry]:
        return tx.find(AuditEntry, action="model.upload")

    assert [entry.details["source"] for entry in store.run_read(uploads)] == [
        "models:/iris/3 of https://mlflow.example.com"
    ]
