"""Uploads and deletions at the same time, on every engine: each does what it would have done alone."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from catalogue_people import SIGNATURE, People, gather
from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.catalogue.entities import Model, ModelVersion
from modelyard.core.catalogue.models import NewVersion
from modelyard.core.catalogue.uploading import drop_unreferenced, take_in
from modelyard.core.catalogue.workspaces import default_workspace
from modelyard.core.serving.removal import delete_model_versions
from modelyard.storage.store import SqlStore
from stores import migrated

T = TypeVar("T")


class Found:
    """A check's finding."""

    def to_json(self) -> dict[str, Any]:
        return SIGNATURE


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    sqlite = request.param == "sqlite"
    made = SqlStore(migrated(tmp_path / "store.db") if sqlite else request.getfixturevalue("migrated_postgres_url"))
    yield made
    made.close()


@pytest.fixture
def people(store: SqlStore) -> People:
    return gather(store)


def together(count: int, action: Callable[[], T]) -> list[T]:
    """Run the action on many threads that begin at once."""
    ready = threading.Barrier(count)

    def run(_: int) -> T:
        ready.wait()
        return action()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def upload(store: SqlStore, artifacts: LocalArtifacts, people: People) -> ModelVersion:
    with artifacts.upload(1000) as incoming:
        incoming.write(b"one and the same")
        new = NewVersion(people.space, "shared", "shared.onnx")
        return take_in(store, artifacts, lambda _: Found(), people.owner, new, incoming)


def test_first_uploads_of_one_name_make_one_model(store: SqlStore, people: People, tmp_path: Path) -> None:
    artifacts = LocalArtifacts(tmp_path / "blobs")
    versions = together(4, lambda: upload(store, artifacts, people))
    assert len({version.id for version in versions}) == 4
    assert len(store.run_read(lambda tx: tx.find(Model))) == 1


def test_a_first_default_workspace_is_made_once(store: SqlStore, people: People) -> None:
    made = together(4, lambda: store.run_write(default_workspace, people.owner))
    assert len({workspace.id for workspace in made}) == 1


def test_no_deletion_takes_the_file_of_an_equal_upload(store: SqlStore, people: People, tmp_path: Path) -> None:
    artifacts = LocalArtifacts(tmp_path / "blobs")

    def come_and_go() -> None:
        for _ in range(12):
            version = upload(store, artifacts, people)
            artifacts.verify(version.sha)
            store.run_write(delete_model_versions, people.owner, [version.version])
            drop_unreferenced(store, artifacts, [version.sha])

    together(4, come_and_go)
    assert artifacts.kept(timedelta(minutes=-1)) == []
