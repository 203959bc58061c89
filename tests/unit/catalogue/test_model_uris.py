"""What a model's URI may name, what becomes of it, and what it must never reach."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue_people import People, kind_of, upload
from model_places import EXAMPLES, Yard, open_yard
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.model_uris import model_name
from modelyard.core.catalogue.models import list_versions
from modelyard.core.catalogue.workspaces import create_workspace, get_workspace
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.tracking.first_start import ensure_tracking
from modelyard.storage.store import SqlStore

CANARY = b"canary-5521"


@pytest.fixture
def yard(store: SqlStore, tmp_path: Path) -> Yard:
    store.run_write(ensure_tracking, Role.READ)
    return open_yard(store, tmp_path)


def reason(yard: Yard, people: People, uri: str, number: int | None = None) -> str:
    version = yard.version(people.owner, people.space, uri, number=number)
    assert (version.status, version.signature, version.sha) == ("error", None, "")
    return version.error_summary or ""


def test_a_file_becomes_a_version_of_the_model_that_its_path_names(yard: Yard, people: People) -> None:
    place = yard.place("fraud/1/model.onnx")
    version = yard.version(people.owner, people.space, f"file://{place}")
    assert (version.name, version.status, version.workspace_id) == ("fraud", "ready", people.space)
    assert version.size == place.stat().st_size
    assert yard.artifacts.path(version.sha).read_bytes() == place.read_bytes()
    assert version.conversion["uri"] == f"file://{place}"


def test_the_same_content_is_the_same_version_and_changed_content_a_new_one(
    yard: Yard, people: People, store: SqlStore
) -> None:
    place = yard.place("fraud/model.onnx")
    first, again = (yard.version(people.collaborator, people.space, f"file://{place}") for _ in range(2))
    assert again.id == first.id
    yard.place("fraud/model.onnx", "ccfraud_v2.onnx")
    second = yard.version(people.owner, people.space, f"file://{place}")
    assert (second.id, second.sha) != (first.id, first.sha)
    assert second.model_id == first.model_id
    yard.place("fraud/model.onnx")
    assert yard.version(people.owner, people.space, f"file://{place}").id == first.id
    assert len(store.run_read(list_versions, people.owner, name="fraud")) == 2


def test_a_folder_with_one_onnx_file_is_that_model(yard: Yard, people: People) -> None:
    yard.place("iris/classifier.onnx")
    yard.place("iris/README.md", content=b"words")
    version = yard.version(people.owner, people.space, f"file://{yard.root}/iris/")
    assert (version.name, version.file_name, version.status) == ("iris", "classifier.onnx", "ready")


def test_an_mlflow_folder_is_read_by_its_onnx_flavor(yard: Yard, people: People) -> None:
    yard.place("logged/MLmodel", content=b"flavors:\n  onnx:\n    data: data/net.onnx\n  python_function: {}\n")
    yard.place("logged/data/net.onnx")
    assert yard.version(people.owner, people.space, f"file://{yard.root}/logged").file_name == "net.onnx"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"flavors:\n  sklearn: {}\n", "flavors sklearn cannot be served here yet"),
        (b"flavors: &a [*a, *a]\n", "aliases are not allowed"),
        (b"flavors:\n  onnx:\n    data: ../../secret.onnx\n", "is missing"),
        (b"flavors: !!python/object/apply:os.system ['true']\n", "flavors none"),
        (b"x" * 300_000, "300000 bytes"),
    ],
)
def test_an_mlflow_folder_that_cannot_be_served_says_why(
    yard: Yard, people: People, content: bytes, words: str
) -> None:
    yard.place("logged/MLmodel", content=content)
    assert words in reason(yard, people, f"file://{yard.root}/logged")


def test_the_highest_version_of_a_triton_model_is_taken_unless_one_is_chosen(yard: Yard, people: People) -> None:
    yard.place("repository/net/config.pbtxt", content=b'platform: "onnxruntime_onnx"')
    for number, example in (("2", "ccfraud.onnx"), ("10", "ccfraud_v2.onnx")):
        yard.place(f"repository/net/{number}/model.onnx", example)
    newest = yard.version(people.owner, people.space, f"file://{yard.root}/repository/net")
    whole = yard.version(people.owner, people.space, f"file://{yard.root}/repository")
    second = yard.version(people.owner, people.space, f"file://{yard.root}/repository/net", number=2)
    assert newest.sha == whole.sha != second.sha
    assert yard.artifacts.path(second.sha).read_bytes() == (EXAMPLES / "ccfraud.onnx").read_bytes()
    assert "there are 2, 10" in reason(yard, people, f"file://{yard.root}/repository/net", number=7)


def test_a_repository_of_several_models_wants_one_named(yard: Yard, people: People) -> None:
    for name in ("a", "b"):
        yard.place(f"repository/{name}/config.pbtxt", content=b"x")
        yard.place(f"repository/{name}/1/model.onnx")
    assert "several models (a, b)" in reason(yard, people, f"file://{yard.root}/repository")


@pytest.mark.parametrize(
    ("file", "runtime"),
    [
        ("model.joblib", "scikit-learn"),
        ("model.pkl", "scikit-learn"),
        ("model.bst", "XGBoost"),
        ("1/saved_model.pb", "TensorFlow"),
        ("model.pt", "PyTorch"),
        ("model.safetensors", "Hugging Face"),
        ("README.md", "a file that ends in .onnx"),
    ],
)
def test_what_needs_another_runtime_names_it(yard: Yard, people: People, file: str, runtime: str) -> None:
    yard.place(f"other/{file}", content=b"x")
    assert runtime in reason(yard, people, f"file://{yard.root}/other")


def test_a_failure_is_one_version_until_its_reason_changes(yard: Yard, people: People) -> None:
    uri = f"file://{yard.root}/other"
    first, second = (yard.version(people.owner, people.space, uri) for _ in range(2))
    assert first.id == second.id
    yard.place("other/model.joblib", content=b"x")
    assert yard.version(people.owner, people.space, uri).id != first.id
    yard.place("other/model.onnx")
    assert yard.version(people.owner, people.space, uri).status == "ready"


def test_a_file_that_is_no_model_or_too_large_says_so(store: SqlStore, people: People, tmp_path: Path) -> None:
    yard = open_yard(store, tmp_path, limit=1000)
    yard.place("large.onnx")
    yard.place("text.onnx", content=b"hello")
    assert "the limit is 1000" in reason(yard, people, f"file://{yard.root}/large.onnx")
    assert reason(yard, people, f"file://{yard.root}/text.onnx")
    assert yard.artifacts.kept(older_than=timedelta(minutes=-1)) == []


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "file:///nowhere/at/all",
        "file://{root}/../outside.onnx",
        "file://{root}/a/../../outside.onnx",
        "file://{root}/%2e%2e/outside.onnx",
        "file://{root}/x.onnx#/../../outside.onnx",
        "file://{root}-twin/model.onnx",
        "file://example.com/model.onnx",
        "file:{parent}/outside.onnx",
        "{root}/model.onnx",
        "file://{root}/\\..\\outside.onnx",
        "file://{root}/m\x00.onnx",
        "FILE://{parent}/outside.onnx",
    ],
)
def test_no_path_leads_out_of_the_open_folders(yard: Yard, people: People, uri: str) -> None:
    (yard.root.parent / "outside.onnx").write_bytes((EXAMPLES / "ccfraud.onnx").read_bytes())
    (yard.root.parent / "models-twin").mkdir()
    (yard.root.parent / "models-twin" / "model.onnx").write_bytes((EXAMPLES / "ccfraud.onnx").read_bytes())
    asked = uri.format(root=yard.root, parent=yard.root.parent)
    assert kind_of(yard.version, people.owner, people.space, asked) is ErrorKind.INVALID


def test_what_is_closed_reads_the_same_whether_it_is_there_or_not(yard: Yard, people: People) -> None:
    there = yard.root.parent / "there.onnx"
    there.write_bytes(CANARY)
    texts = []
    for name in ("there", "gone_"):
        with pytest.raises(DomainError) as refused:
            yard.version(people.owner, people.space, f"file://{yard.root.parent}/{name}.onnx")
        texts.append(refused.value.message.replace(name, "X"))
    assert texts[0] == texts[1]


def test_links_are_followed_inside_the_open_folders_only(yard: Yard, people: People) -> None:
    real = yard.place("store/blob")
    outside = yard.root.parent / "outside.onnx"
    outside.write_bytes(CANARY)
    (yard.root / "good").mkdir()
    (yard.root / "good" / "model.onnx").symlink_to(real)
    (yard.root / "bad").mkdir()
    (yard.root / "bad" / "model.onnx").symlink_to(outside)
    (yard.root / "direct.onnx").symlink_to(outside)
    (yard.root / "loop").symlink_to(yard.root / "loop")
    os.mkfifo(yard.root / "bad" / "pipe.onnx")
    assert yard.version(people.owner, people.space, f"file://{yard.root}/good").status == "ready"
    assert "there is no model" in reason(yard, people, f"file://{yard.root}/bad")
    assert kind_of(yard.version, people.owner, people.space, f"file://{yard.root}/direct.onnx") is ErrorKind.INVALID
    assert kind_of(yard.version, people.owner, people.space, f"file://{yard.root}/loop") is ErrorKind.INVALID


def test_a_link_put_in_place_after_the_look_leads_nowhere(yard: Yard, people: People) -> None:
    yard.place("late/MLmodel", content=b"flavors: {}")
    opened = yard.uris._openers["file"](f"{yard.root}/late", None)
    assert list(opened.files()) == ["MLmodel"]
    (yard.root / "late" / "MLmodel").unlink()
    (yard.root / "late" / "MLmodel").symlink_to("/etc/passwd")
    pieces: list[bytes] = []
    assert kind_of(opened.copy, "MLmodel", pieces.append) is ErrorKind.NOT_FOUND
    assert pieces == []


def test_a_folder_of_very_many_files_is_not_looked_through(yard: Yard, people: People) -> None:
    for number in range(1001):
        yard.place(f"many/{number}.txt", content=b"x")
    assert "more than 1000 files" in reason(yard, people, f"file://{yard.root}/many")


@pytest.mark.parametrize("scheme", ["gs", "https", "http", "pvc", "azure", "ftp", "gopher", "javascript"])
def test_other_schemes_are_refused_by_name(yard: Yard, people: People, scheme: str) -> None:
    with pytest.raises(DomainError, match=f"{scheme}://") as refused:
        yard.version(people.owner, people.space, f"{scheme}://169.254.169.254/latest")
    assert refused.value.kind is ErrorKind.INVALID
    assert "file://" in refused.value.message


def test_models_of_the_catalogue_are_named_plainly_or_with_their_workspace(
    yard: Yard, people: People, store: SqlStore
) -> None:
    old, new = (upload(store, people.owner, people.space, sha=letter * 64) for letter in "ab")
    slug = store.run_read(get_workspace, people.owner, people.space).slug
    uris = ["ccfraud", f"modelyard://{slug}/ccfraud", f"modelyard://{slug}/ccfraud/{old.version}"]
    found = [yard.version(people.owner, people.space, uri).id for uri in uris]
    assert found == [new.id, new.id, old.id]


def test_models_of_other_workspaces_are_there_for_those_who_may_use_them(
    yard: Yard, people: People, store: SqlStore
) -> None:
    version = upload(store, people.owner, people.space)
    slug = store.run_read(get_workspace, people.owner, people.space).slug
    uri = f"modelyard://{slug}/ccfraud"
    kinds = {}
    for name in ("collaborator", "reader", "stranger"):
        own = store.run_write(create_workspace, people[name], f"of {name}").id
        if name == "collaborator":
            assert yard.version(people[name], own, uri).id == version.id
        else:
            kinds[name] = kind_of(yard.version, people[name], own, uri)
    assert kinds == {"reader": ErrorKind.FORBIDDEN, "stranger": ErrorKind.NOT_FOUND}
    assert kind_of(yard.version, people.owner, people.space, "nothing") is ErrorKind.NOT_FOUND


def test_who_may_not_edit_the_workspace_imports_nothing(yard: Yard, people: People, store: SqlStore) -> None:
    place = yard.place("fraud/model.onnx")
    assert kind_of(yard.version, people.reader, people.space, f"file://{place}") is ErrorKind.FORBIDDEN
    assert kind_of(yard.version, people.stranger, people.space, f"file://{place}") is ErrorKind.NOT_FOUND
    assert store.run_read(list_versions, people.admin, name="fraud") == []


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/models/Iris Classifier/3/model.onnx", "iris-classifier"),
        ("s3://bucket/2024/model.onnx", "bucket"),
        ("runs:/0123/artifacts/model", "model"),
        ("file:///models/net.onnx", "net"),
        ("s3://b/…/1", "model"),
    ],
)
def test_a_model_is_named_by_the_last_telling_part_of_its_uri(uri: str, name: str) -> None:
    assert model_name(uri) == name


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.builds("{}{}".format, st.sampled_from(["file://", "s3://", "models:/", "runs:/"]), st.text(max_size=40))
)
def test_any_text_as_uri_is_a_refusal_that_is_told(yard: Yard, people: People, uri: str) -> None:
    try:
        version = yard.version(people.owner, people.space, uri)
    except DomainError as error:
        assert error.kind in (ErrorKind.INVALID, ErrorKind.NOT_FOUND)
    else:
        assert version.status == "error"
