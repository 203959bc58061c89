"""The folder of an MLflow model as one file."""

import zipfile
from pathlib import Path

import pytest

from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.catalogue.entities import ArtifactFile
from modelyard.core.kernel.errors import DomainError
from modelyard.dialects.mlflow.model_archive import archived

CONTENTS = {"MLmodel": b"flavors: {}", "data/model.pkl": b"\x80\x04.", "requirements.txt": b"pandas\n"}


@pytest.fixture
def artifacts(tmp_path: Path) -> LocalArtifacts:
    return LocalArtifacts(tmp_path / "blobs")


def logged(artifacts: LocalArtifacts) -> dict[str, ArtifactFile]:
    files = {}
    for number, (path, content) in enumerate(CONTENTS.items(), 1):
        with artifacts.upload(1000) as incoming:
            incoming.write(content)
            files[path] = ArtifactFile(number, "1", f"1/run/{path}", incoming.finish(), len(content))
            incoming.keep()
    return files


def test_the_archive_holds_every_file_under_its_own_path(artifacts: LocalArtifacts) -> None:
    made = archived(artifacts, logged(artifacts), 10_000)
    with zipfile.ZipFile(artifacts.path(made.sha)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
    assert made.size == artifacts.path(made.sha).stat().st_size
    assert made.status == "pending"


def test_equal_folders_make_equal_archives(artifacts: LocalArtifacts) -> None:
    files = logged(artifacts)
    backwards = dict(reversed(files.items()))
    assert archived(artifacts, files, 10_000) == archived(artifacts, backwards, 10_000)


def test_a_folder_that_is_too_large_is_refused(artifacts: LocalArtifacts) -> None:
    with pytest.raises(DomainError, match="its folder holds 3 files"):
        archived(artifacts, logged(artifacts), 10)
