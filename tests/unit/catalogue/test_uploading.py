"""From file to version and back: what fails leaves nothing, what is shared stays."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalogue_people import SIGNATURE, People, kind_of
from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import NewVersion, list_versions
from modelyard.core.catalogue.uploading import collect_files, drop_unreferenced, take_in
from modelyard.core.catalogue.workspaces import remove_member
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import ErrorKind, invalid
from modelyard.core.serving.removal import delete_model_versions
from modelyard.storage.store import SqlStore

ANY_AGE = timedelta(minutes=-1)


class Found:
    """A check's finding."""

    def to_json(self) -> dict[str, Any]:
        return SIGNATURE


def passes(path: Path) -> Found:
    assert path.read_bytes()
    return Found()


def refuses(path: Path) -> Found:
    raise invalid(f"{path.read_bytes()!r} is no model")


@pytest.fixture
def artifacts(tmp_path: Path) -> LocalArtifacts:
    return LocalArtifacts(tmp_path / "blobs")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "blobs").rglob("*") if path.is_file())


def take(
    store: SqlStore, artifacts: LocalArtifacts, actor: Actor, space: int, content: bytes = b"x", check: Any = passes
) -> ModelVersion:
    with artifacts.upload(1000) as incoming:
        incoming.write(content)
        return take_in(store, artifacts, check, actor, NewVersion(space, "ccfraud", "m.onnx"), incoming)


def test_a_file_that_passes_becomes_a_version(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    version = take(store, artifacts, people.owner, people.space)
    assert (version.size, version.signature) == (1, SIGNATURE)
    assert files(tmp_path) == [version.sha]


def test_a_file_that_is_refused_leaves_neither_row_nor_file(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    assert kind_of(take, store, artifacts, people.owner, people.space, b"text", refuses) is ErrorKind.INVALID
    assert store.run_read(list_versions, people.admin, name="ccfraud") == []
    assert files(tmp_path) == []


def test_one_who_loses_the_right_during_the_check_leaves_neither_row_nor_file(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    def loses(_: Path) -> Found:
        store.run_write(remove_member, people.owner, people.space, "collaborator")
        return Found()

    assert kind_of(take, store, artifacts, people.collaborator, people.space, b"x", loses) is ErrorKind.NOT_FOUND
    assert store.run_read(list_versions, people.admin, name="ccfraud") == []
    assert files(tmp_path) == []


def test_a_refused_upload_does_not_take_away_the_file_that_another_version_has(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    version = take(store, artifacts, people.owner, people.space)
    assert kind_of(take, store, artifacts, people.reader, people.space) is ErrorKind.FORBIDDEN
    assert files(tmp_path) == [version.sha]


def test_equal_files_are_versions_of_their_own_over_one_file(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    first, second = (take(store, artifacts, people.owner, people.space) for _ in range(2))
    assert first.id != second.id
    assert files(tmp_path) == [first.sha]
    store.run_write(delete_model_versions, people.owner, [first.version])
    assert drop_unreferenced(store, artifacts, [first.sha]) == []
    store.run_write(delete_model_versions, people.owner, [second.version])
    assert drop_unreferenced(store, artifacts, [first.sha]) == [first.sha]
    assert files(tmp_path) == []


def test_a_file_deleted_before_its_next_version_is_recorded_is_there_again(
    store: SqlStore, people: People, artifacts: LocalArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with artifacts.upload(1000) as incoming:
        incoming.write(b"x")
        keep, dropped = incoming.keep, []

        def keep_and_be_overtaken() -> None:
            keep()
            dropped.append(drop_unreferenced(store, artifacts, artifacts.kept(ANY_AGE)) if not dropped else [])

        monkeypatch.setattr(incoming, "keep", keep_and_be_overtaken)
        new = NewVersion(people.space, "ccfraud", "m.onnx")
        version = take_in(store, artifacts, passes, people.owner, new, incoming)
    assert dropped == [[version.sha], []]
    artifacts.verify(version.sha)


def test_files_that_were_never_recorded_are_collected_and_no_others(
    store: SqlStore, people: People, artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    version = take(store, artifacts, people.owner, people.space)
    with artifacts.upload(1000) as killed:
        killed.write(b"kept, then the process died")
        killed.finish()
        killed.keep()
    assert collect_files(store, artifacts, timedelta(hours=1)) == 0
    assert collect_files(store, artifacts, ANY_AGE) == 1
    assert files(tmp_path) == [version.sha]
