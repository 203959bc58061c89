"""What of a registered version's files becomes the version's file."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import onnx
import pytest

from catalogue_people import People, gather
from model_places import EXAMPLES
from modelyard.artifacts.local import LocalArtifacts
from modelyard.artifacts.roots import Roots
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, add_version
from modelyard.core.catalogue.preparing import take_preparation
from modelyard.core.catalogue.runtimes import FileClass, PreparationStage, Stage
from modelyard.engines.environments import Environments
from modelyard.engines.environments.packages import Packages
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.preparing.commission import Workshop
from modelyard.preparing.fetching import fetched
from modelyard.preparing.looking import look
from modelyard.preparing.preparer import Preparer
from modelyard.preparing.telling import FailedError, Telling
from modelyard.storage.store import SqlStore

SKLEARN = b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n"
ONNX = b"flavors:\n  onnx:\n    data: model.onnx\n"


@pytest.fixture
def people(store: SqlStore) -> People:
    return gather(store)


class Bench:
    """A workshop whose registry is a folder of this machine."""

    def __init__(self, store: SqlStore, people: People, folder: Path, limit: int = 1_000_000) -> None:
        self.remote = folder / "remote"
        self.remote.mkdir()
        self.artifacts = LocalArtifacts(folder / "blobs")
        self._store, self._people = store, people
        self.shop = Workshop(
            store=store,
            artifacts=self.artifacts,
            environments=Environments(folder / "environments", Packages()),
            runtime=lambda: folder,
            refusal=lambda: None,
            folder=folder / "work",
            check=check_model,
            fold=fold,
            fetch=lambda version, _: Roots([str(self.remote)])(str(self.remote / version.conversion["at"]), None),
            limit=limit,
        )

    def place(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = self.remote / "iris" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def begin(self, framework: str, at: str = "iris") -> ModelVersion:
        new = NewVersion(
            self._people.space, "churn", conversion={"framework": framework, "at": at, "uri": "models:/x/1"}
        )
        return self._store.run_write(add_version, self._people.owner, new, CheckedFile("", 0, None))

    def fetched(self, framework: str, at: str = "iris") -> ModelVersion:
        self.begin(framework, at)
        work = self._store.run_write(take_preparation, "one")
        assert work is not None
        with Telling(self._store, work, "one") as telling, telling.stage(Stage.UPLOADED, "downloading") as self.log:
            return fetched(self.shop, work, "one", telling, self.log)

    def content(self, version: ModelVersion) -> bytes:
        self.artifacts.verify(version.sha)
        return self.artifacts.path(version.sha).read_bytes()


@pytest.fixture
def bench(store: SqlStore, people: People, tmp_path: Path) -> Bench:
    return Bench(store, people, tmp_path)


def test_of_a_folder_the_file_is_taken_that_mlmodel_names(bench: Bench) -> None:
    bench.place({"MLmodel": SKLEARN, "model.pkl": b"\x80pickle", "other.pkl": b"no", "requirements.txt": b""})
    version = bench.fetched("sklearn")
    assert (version.file_name, version.size, bench.content(version)) == ("model.pkl", 7, b"\x80pickle")
    assert "received model.pkl: 7 bytes" in bench.log.message
    assert "downloading model.pkl, 7 bytes" in str(bench.log.text())


def test_without_a_name_the_only_file_of_the_framework_is_taken(bench: Bench) -> None:
    bench.place({"MLmodel": b"flavors: {}", "data/model.keras": b"PK", "readme.md": b""})
    assert bench.fetched("keras").file_name == "model.keras"


def test_a_single_file_is_taken_as_it_is(bench: Bench) -> None:
    bench.place({"a.joblib": b"job", "b.joblib": b"lib"})
    assert bench.content(bench.fetched("sklearn", "iris/b.joblib")) == b"lib"


def test_folders_of_mlflow_become_an_archive_that_is_the_same_each_time(bench: Bench) -> None:
    files = {"MLmodel": SKLEARN, "data/model.pkl": b"\x80p", "requirements.txt": b"pandas\n"}
    bench.place(files)
    first, second = bench.fetched("mlflow"), bench.fetched("mlflow")
    assert (first.file_name, first.sha) == ("model.zip", second.sha)
    with zipfile.ZipFile(bench.artifacts.path(first.sha)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert look(bench.artifacts.path(first.sha), "model.zip").file_class is FileClass.CODE


def test_which_file_is_meant_must_show(bench: Bench) -> None:
    bench.place({"MLmodel": b"flavors: {}", "a.pkl": b"a", "b.pkl": b"b"})
    with pytest.raises(FailedError) as caught:
        bench.fetched("sklearn")
    assert "name it in the path" in caught.value.told.message
    assert "a.pkl" in caught.value.told.message


def test_a_file_that_is_none_of_the_framework_is_refused(bench: Bench) -> None:
    bench.place({"model.onnx": b"x"})
    with pytest.raises(FailedError) as caught:
        bench.fetched("sklearn", "iris/model.onnx")
    assert caught.value.told.message


@pytest.mark.parametrize("framework", ["mlflow", "sklearn"])
def test_more_than_the_limit_of_uploads_is_refused(
    store: SqlStore, people: People, tmp_path: Path, framework: str
) -> None:
    bench = Bench(store, people, tmp_path, limit=1000)
    bench.place({"MLmodel": SKLEARN, "model.pkl": b"x" * 2000})
    with pytest.raises(FailedError) as caught:
        bench.fetched(framework)
    assert "1000 bytes" in caught.value.told.message
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


def test_an_onnx_model_with_its_tensors_beside_it_becomes_one_file_and_ready(
    bench: Bench, store: SqlStore, people: People
) -> None:
    folder = bench.remote / "iris"
    folder.mkdir()
    model = onnx.load(EXAMPLES / "ccfraud.onnx")
    onnx.save_model(model, folder / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    bench.place({"MLmodel": ONNX})
    began = bench.begin("onnx")
    assert Preparer(bench.shop, "one").run_next()
    (ready,) = store.run_read(lambda tx: tx.find(ModelVersion, id=began.id))
    assert (ready.status, ready.file_name, ready.error_summary) == ("ready", "model.onnx", None)
    assert check_model(bench.artifacts.path(ready.sha)).to_json() == ready.signature


def test_an_onnx_model_of_one_file_becomes_ready_as_it_is(bench: Bench, store: SqlStore) -> None:
    content = (EXAMPLES / "ccfraud.onnx").read_bytes()
    bench.place({"ccfraud.onnx": content, "readme.md": b""})
    began = bench.begin("onnx")
    assert Preparer(bench.shop, "one").run_next()
    (ready,) = store.run_read(lambda tx: tx.find(ModelVersion, id=began.id))
    assert (ready.status, bench.content(ready)) == ("ready", content)


def test_what_cannot_be_fetched_fails_with_the_reason(bench: Bench, store: SqlStore) -> None:
    began = bench.begin("onnx")
    assert Preparer(bench.shop, "one").run_next()
    (failed,) = store.run_read(lambda tx: tx.find(ModelVersion, id=began.id))
    (stage,) = store.run_read(lambda tx: tx.find(PreparationStage, model_version_id=began.id))
    assert (failed.status, stage.stage, stage.state) == ("error", "uploaded", "failed")
    assert str(failed.error_summary).startswith("stage uploaded: ")
