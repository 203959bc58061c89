"""Asking a model registry, and registries that answer what no MLflow server would."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modelyard.core.catalogue.registries import OpenRegistry
from modelyard.core.catalogue.registry_models import RemoteFiles
from modelyard.core.catalogue.registry_paths import registered_path
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.outgoing.addresses import Addresses
from modelyard.outgoing.calling import Outgoing
from modelyard.registries.mlflow import MlflowRegistries
from web_stand import Query, Reply, WebStand, web_stand

API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
TOKEN = "very-secret-token"
REGISTRIES = MlflowRegistries(Outgoing(Addresses(("127.0.0.0/8",))))
IRIS = {"name": "iris", "version": "3", "creation_timestamp": 7, "last_updated_timestamp": 9, "run_id": "r1"}
FILES = {"": [("MLmodel", 5), ("data", None)], "data": [("model.pkl", 4)]}


@pytest.fixture
def stand() -> Iterator[WebStand]:
    with web_stand() as made:
        holding(made, "mlflow-artifacts:/1/models/m/artifacts")
        yield made


def holding(stand: WebStand, location: str, **version: Any) -> None:
    """The version iris/3, whose files lie behind the proxy at ``1/models/m/artifacts``."""
    stand.say(f"{API}/model-versions/get", {"model_version": IRIS | version})
    stand.say(f"{API}/registered-models/alias", {"model_version": IRIS | version})
    stand.say(f"{API}/model-versions/get-download-uri", {"artifact_uri": location})
    stand.answers[PROXY] = listing("1/models/m/artifacts", FILES)
    stand.answers[f"{PROXY}/1/models/m/artifacts/MLmodel"] = Reply(b"12345")
    stand.answers[f"{PROXY}/1/models/m/artifacts/data/model.pkl"] = Reply(b"pkl!")


def listing(root: str, files: dict[str, list[tuple[str, int | None]]], full: bool = False) -> Callable[[Query], Reply]:
    def answer(query: Query) -> Reply:
        asked = query.get("path", query.get("artifact_directory_path", ""))
        folder = asked.removeprefix(root).strip("/")
        before = f"{asked}/" if full and asked else ""
        shown = [
            {"path": before + name, "is_dir": size is None} | ({} if size is None else {"file_size": str(size)})
            for name, size in files[folder]
        ]
        return Reply(json.dumps({"files": shown}).encode())

    return answer


def opened(stand: WebStand, token: str = TOKEN) -> OpenRegistry:
    return OpenRegistry("theirs", stand.url, token)


def fails(call: Callable[[], Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        call()
    assert TOKEN not in caught.value.message
    return caught.value


def files(stand: WebStand) -> RemoteFiles:
    return REGISTRIES.files(opened(stand), "iris", "3")


def copied(stand: WebStand, uri: str) -> dict[str, bytes]:
    folder = REGISTRIES.folder(opened(stand), registered_path(uri), lambda: None)
    found = {}
    for path in folder.files():
        content = bytearray()
        folder.copy(path, content.extend)
        found[path] = bytes(content)
    return found


def test_models_of_all_pages_are_listed_for_a_bearer(stand: WebStand) -> None:
    def page(query: Query) -> Reply:
        first = "page_token" not in query
        model = {"name": "a" if first else "b", "creation_timestamp": "5", "latest_versions": [IRIS], "tags": []}
        return Reply(json.dumps({"registered_models": [model]} | ({"next_page_token": "2"} if first else {})).encode())

    stand.answers[f"{API}/registered-models/search"] = page
    found = REGISTRIES.models(opened(stand))
    assert [(each.name, each.creation_timestamp) for each in found] == [("a", 5), ("b", 5)]
    assert found[0].latest_versions[0].version == "3"
    assert {headers["Authorization"] for _, headers in stand.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("token", "header"),
    [("", None), ("me:pass:word", "Basic " + base64.b64encode(b"me:pass:word").decode()), ("t", "Bearer t")],
)
def test_the_token_says_how_one_signs_in(stand: WebStand, token: str, header: str | None) -> None:
    stand.say(f"{API}/registered-models/search", {})
    assert REGISTRIES.models(opened(stand, token)) == []
    assert stand.asked[0][1].get("Authorization") == header


def test_versions_are_asked_for_by_name_and_come_newest_first(stand: WebStand) -> None:
    stand.say(f"{API}/model-versions/search", {"model_versions": [IRIS | {"version": v} for v in ("9", "10", "2")]})
    assert [each.version for each in REGISTRIES.versions(opened(stand), "iris")] == ["10", "9", "2"]
    assert "filter=name%3D%27iris%27" in stand.asked[0][0]
    assert fails(lambda: REGISTRIES.versions(opened(stand), "x' or name='y")).kind is ErrorKind.INVALID


def test_the_files_of_a_version_are_listed_with_those_in_its_folders(stand: WebStand) -> None:
    found = files(stand)
    assert (dict(found.sizes), found.folders) == ({"MLmodel": 5, "data/model.pkl": 4}, ("data",))
    assert found.version.last_updated_timestamp == 9


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("models:/iris/3", {"MLmodel": b"12345", "data/model.pkl": b"pkl!"}),
        ("models:/iris@champion", {"MLmodel": b"12345", "data/model.pkl": b"pkl!"}),
        ("models:/iris/3/data", {"model.pkl": b"pkl!"}),
        ("models:/iris/3/data/model.pkl", {"model.pkl": b"pkl!"}),
        ("models:/iris/3/MLmodel", {"MLmodel": b"12345"}),
    ],
)
def test_a_path_names_a_folder_or_one_file(stand: WebStand, uri: str, expected: dict[str, bytes]) -> None:
    assert copied(stand, uri) == expected


def test_a_path_that_is_not_there_is_not_found(stand: WebStand) -> None:
    assert fails(lambda: copied(stand, "models:/iris/3/data/other.pkl")).kind is ErrorKind.NOT_FOUND


def test_files_of_a_run_are_taken_where_there_is_no_proxy(stand: WebStand) -> None:
    holding(stand, "s3://bucket/1/r1/artifacts/model")
    stand.say(f"{API}/runs/get", {"run": {"info": {"artifact_uri": "s3://bucket/1/r1/artifacts"}, "data": {}}})
    stand.answers[f"{API}/artifacts/list"] = listing("model", FILES, full=True)
    stand.answers["/get-artifact"] = lambda query: Reply({"model/MLmodel": b"12345"}.get(query["path"], b"pkl!"))
    assert copied(stand, "models:/iris/3") == {"MLmodel": b"12345", "data/model.pkl": b"pkl!"}


def test_files_of_a_logged_model_are_taken_where_there_is_no_proxy(stand: WebStand) -> None:
    logged = "m-" + "0a" * 16
    holding(stand, f"/srv/mlruns/1/models/{logged}/artifacts", source=f"models:/{logged}")
    stand.answers[f"{API}/logged-models/{logged}/artifacts/directories"] = listing("", FILES, full=True)
    stand.answers[f"/ajax-api/2.0/mlflow/logged-models/{logged}/artifacts/files"] = lambda query: Reply(
        {"MLmodel": b"12345"}.get(query["artifact_file_path"], b"pkl!")
    )
    assert copied(stand, "models:/iris/3") == {"MLmodel": b"12345", "data/model.pkl": b"pkl!"}


@pytest.mark.parametrize(
    "location",
    [
        *("dbfs:/databricks/mlflow-registry/1/models/iris", "s3://key:hidden@bucket/elsewhere", "file:///etc"),
        *("mlflow-artifacts://other.example.com/1/models/m/artifacts", "http://127.0.0.1:1/x", "", "::::"),
    ],
)
def test_files_in_a_store_that_is_not_handed_out_are_refused_with_the_remedy(stand: WebStand, location: str) -> None:
    holding(stand, location)
    stand.say(f"{API}/runs/get", {"run": {"info": {"artifact_uri": "mlflow-artifacts:/1/r1/artifacts"}}})
    error = fails(lambda: files(stand))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "--serve-artifacts" in error.message
    assert "hidden" not in error.message


def test_files_that_are_listed_but_not_handed_out_are_refused_with_the_remedy(stand: WebStand) -> None:
    del stand.answers[f"{PROXY}/1/models/m/artifacts/MLmodel"]
    error = fails(lambda: copied(stand, "models:/iris/3"))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "--serve-artifacts" in error.message


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "..", ".", "/etc/passwd", "a/../../b", "a/b", "", "C:\\x", "C:", "..\\x", "a\nb", "a\0b"),
        *("a//b", "\u202eexe", "x" * 2000, " .. "),
    ],
)
def test_names_that_lead_elsewhere_are_refused(stand: WebStand, name: str) -> None:
    stand.answers[PROXY] = listing("1/models/m/artifacts", {"": [(name, 5)]})
    assert fails(lambda: files(stand)).kind is ErrorKind.INVALID
    assert fails(lambda: copied(stand, "models:/iris/3")).kind is ErrorKind.INVALID


def test_a_name_that_is_there_twice_is_refused(stand: WebStand) -> None:
    stand.answers[PROXY] = listing("1/models/m/artifacts", {"": [("a", 1), ("a", None)]})
    assert fails(lambda: files(stand)).kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "root", ["mlflow-artifacts:/../../../etc", "mlflow-artifacts:/1/%2e%2e/x", "mlflow-artifacts:/"]
)
def test_a_place_that_leads_out_of_the_proxy_is_refused(stand: WebStand, root: str) -> None:
    holding(stand, root)
    assert fails(lambda: files(stand)).kind is ErrorKind.INVALID


def test_folders_without_end_and_files_without_number_are_refused(stand: WebStand) -> None:
    endless = json.dumps({"files": [{"path": "deeper", "is_dir": True}]}).encode()
    stand.answers[PROXY] = Reply(endless)
    assert fails(lambda: files(stand)).kind is ErrorKind.INVALID
    many = json.dumps({"files": [{"path": f"f{number}"} for number in range(1001)]}).encode()
    stand.answers[PROXY] = Reply(many)
    assert "more than 1000 files" in fails(lambda: files(stand)).message
    stand.answers[PROXY] = lambda _: Reply(b'{"files": [], "next_page_token": "again"}')
    assert fails(lambda: files(stand)).kind is ErrorKind.INVALID


def test_a_file_of_another_size_than_listed_is_refused(stand: WebStand) -> None:
    for content in (b"123456", b"1234"):
        stand.answers[f"{PROXY}/1/models/m/artifacts/MLmodel"] = Reply(content)
        assert "not as large" in fails(lambda: copied(stand, "models:/iris/3")).message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((401, ErrorKind.FAILED_PRECONDITION), (403, ErrorKind.FAILED_PRECONDITION), (404, ErrorKind.NOT_FOUND)),
        *((429, ErrorKind.UNAVAILABLE), (500, ErrorKind.UNAVAILABLE), (204, ErrorKind.UNAVAILABLE)),
    ],
)
def test_refusals_are_told_in_words(stand: WebStand, status: int, kind: ErrorKind) -> None:
    stand.answers[f"{API}/registered-models/search"] = Reply(f"you sent {TOKEN}".encode(), status)
    error = fails(lambda: REGISTRIES.models(opened(stand)))
    assert error.kind is kind
    assert "theirs" in error.message


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>sign in</html>", b"[]", b"null", b'{"registered_models": 5}', b'{"registered_models": [{}]}'),
        *(b'{"registered_models": [{"name": 5}]}', b"[" * 100_000, b'{"registered_models": [null]}', b"\xff\xfe"),
        b'{"registered_models": [{"name": "a", "creation_timestamp": 1e400}]}',
        b"[" + b" " * 5 * 2**20 + b"]",
    ],
    ids=range(12),
)
def test_answers_that_are_none_of_mlflow_are_refused(stand: WebStand, content: bytes) -> None:
    stand.answers[f"{API}/registered-models/search"] = Reply(content)
    assert fails(lambda: REGISTRIES.models(opened(stand))).kind is ErrorKind.UNAVAILABLE


def test_copying_stops_when_the_preparation_is_lost(stand: WebStand) -> None:
    class GoneError(Exception):
        pass

    def lost() -> None:
        raise GoneError

    folder = REGISTRIES.folder(opened(stand), registered_path("models:/iris/3"), lost)
    with pytest.raises(GoneError):
        folder.copy("MLmodel", lambda _: None)
