"""Sealed secrets open for what they were made for, with the key they were made with, and for nothing else."""

import json
from pathlib import Path

import pytest

from catalogue_people import People
from modelyard.core.catalogue.entities import Secret
from modelyard.core.catalogue.secrets import (
    NewSecret,
    Sealed,
    SecretFormat,
    SecretKind,
    bucket_credentials,
    create_secret,
    reseal,
)
from modelyard.core.catalogue.workspaces import create_workspace, get_workspace
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.sealing import KeyFolder
from modelyard.storage.store import SqlStore

VALUES = {"access_key_id": "AKID", "secret_access_key": "canary-1127"}
NAME = "lake-bucket-envvars"


@pytest.fixture
def sealer(tmp_path: Path) -> KeyFolder:
    return KeyFolder.open(tmp_path / "secret-keys")


@pytest.fixture
def secret(store: SqlStore, people: People, sealer: KeyFolder) -> Secret:
    slug = store.run_read(get_workspace, people.owner, people.space).slug
    new = NewSecret(SecretKind.BUCKET, "lake", "s3", VALUES, SecretFormat.ENV_VAR)
    assert "canary" not in repr(new)
    return store.run_write(create_secret, people.collaborator, sealer, slug, new)


def failure(sealer: KeyFolder, sealed: Sealed, bound: bytes) -> ErrorKind:
    with pytest.raises(DomainError) as refused:
        sealer.unseal(sealed, bound)
    assert "canary" not in refused.value.message
    return refused.value.kind


def test_a_secret_opens_for_its_workspace_and_name(
    store: SqlStore, people: People, sealer: KeyFolder, secret: Secret
) -> None:
    found = store.run_read(bucket_credentials, people.collaborator, sealer, people.space, NAME)
    assert found == {**VALUES, "type": "s3", "remote": "lake"}
    assert "canary" not in secret.sealed


def test_a_row_moved_to_another_workspace_or_name_stays_shut(
    store: SqlStore, people: People, sealer: KeyFolder, secret: Secret
) -> None:
    own = store.run_write(create_workspace, people.stranger, "own").id
    for change in ({"workspace_id": own}, {"name": "other-bucket-envvars", "workspace_id": people.space}):
        store.run_write(lambda tx, change=change: tx.change(Secret, change, id=secret.id))
        name, place = str(change.get("name", NAME)), int(str(change["workspace_id"]))
        actor = people.stranger if place == own else people.owner
        with pytest.raises(DomainError, match="does not open") as refused:
            store.run_read(bucket_credentials, actor, sealer, place, name)
        assert refused.value.kind is ErrorKind.INTERNAL


def test_readers_and_strangers_use_no_secret(
    store: SqlStore, people: People, sealer: KeyFolder, secret: Secret
) -> None:
    kinds = []
    for name in ("reader", "stranger"):
        with pytest.raises(DomainError) as refused:
            store.run_read(bucket_credentials, people[name], sealer, people.space, NAME)
        kinds.append(refused.value.kind)
    assert kinds == [ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND]


def test_a_new_key_seals_and_the_old_one_opens_until_all_is_sealed_anew(
    store: SqlStore, people: People, sealer: KeyFolder, secret: Secret, tmp_path: Path
) -> None:
    assert secret.key_id == "first"
    made = sealer.rotate()
    assert sealer.key_ids() == ["first", made]
    assert store.run_read(bucket_credentials, people.owner, sealer, people.space, NAME)["type"] == "s3"
    assert store.run_write(reseal, sealer) == 1
    (tmp_path / "secret-keys" / "first.key").unlink()
    assert store.run_read(bucket_credentials, people.owner, sealer, people.space, NAME)["access_key_id"] == "AKID"


def test_a_lost_or_damaged_key_or_text_is_told_without_it(sealer: KeyFolder, tmp_path: Path) -> None:
    sealed = sealer.seal(json.dumps(VALUES).encode(), b"1/bucket/a")
    assert failure(sealer, Sealed(sealed.key_id, sealed.text[:-8] + "AAAAAAA="), b"1/bucket/a") is ErrorKind.INTERNAL
    assert failure(sealer, Sealed("../../etc/passwd", sealed.text), b"1/bucket/a") is ErrorKind.INTERNAL
    (tmp_path / "secret-keys" / "first.key").write_bytes(b"short")
    assert failure(sealer, sealed, b"1/bucket/a") is ErrorKind.INTERNAL
    (tmp_path / "secret-keys" / "first.key").unlink()
    assert failure(sealer, sealed, b"1/bucket/a") is ErrorKind.INTERNAL


def test_opening_the_folder_again_makes_no_second_key(sealer: KeyFolder, tmp_path: Path) -> None:
    assert KeyFolder.open(tmp_path / "secret-keys").key_ids() == ["first"]
