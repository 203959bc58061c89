"""Models in buckets of a real S3 server, and what an S3 URI must never make this server do."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from catalogue_people import People, kind_of
from model_places import EXAMPLES, Yard, open_yard
from modelyard.artifacts.s3 import Buckets
from modelyard.core.catalogue.secrets import NewSecret, SecretFormat, SecretKind, create_secret
from modelyard.core.catalogue.workspaces import create_workspace, get_workspace
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore
from s3_server import S3Server, s3_server

MODEL = (EXAMPLES / "ccfraud.onnx").read_bytes()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("models")
        server.put("models", "fraud/model.onnx", MODEL)
        server.put("models", "logged/MLmodel", b"flavors:\n  onnx:\n    data: model.onnx\n")
        server.put("models", "logged/model.onnx", MODEL)
        server.put("models", "sklearn/model.joblib", b"x")
        yield server


@pytest.fixture
def yard(store: SqlStore, tmp_path: Path, s3: S3Server) -> Yard:
    return open_yard(store, tmp_path, s3=Buckets(s3.endpoint, ["http://other.example:9000"]))


def keep_secret(store: SqlStore, yard: Yard, people: People, **values: str) -> str:
    """A secret for a store that URIs call ``lake``; returns its name."""
    slug = store.run_read(get_workspace, people.owner, people.space).slug
    keys = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI"}
    new = NewSecret(SecretKind.BUCKET, "lake", "s3", keys | values, SecretFormat.ENV_VAR)
    return store.run_write(create_secret, people.owner, yard.sealer, slug, new).name


@pytest.mark.parametrize("path", ["fraud/model.onnx", "fraud", "fraud/", "logged"])
def test_a_file_or_a_folder_of_a_bucket_becomes_a_version(yard: Yard, people: People, path: str) -> None:
    version = yard.version(people.owner, people.space, f"s3://models/{path}")
    assert (version.status, version.name) == ("ready", path.partition("/")[0])
    assert yard.artifacts.path(version.sha).read_bytes() == MODEL


def test_the_same_object_is_the_same_version_until_it_changes(yard: Yard, people: People, s3: S3Server) -> None:
    s3.put("models", "changing/model.onnx", MODEL)
    first, again = (yard.version(people.owner, people.space, "s3://models/changing") for _ in range(2))
    s3.put("models", "changing/model.onnx", (EXAMPLES / "ccfraud_v2.onnx").read_bytes())
    changed = yard.version(people.owner, people.space, "s3://models/changing")
    assert first.id == again.id != changed.id


def test_what_is_missing_or_needs_another_runtime_is_an_error_version(yard: Yard, people: People) -> None:
    found = [yard.version(people.owner, people.space, f"s3://models/{path}") for path in ("nothing", "sklearn")]
    assert [version.status for version in found] == ["error", "error"]
    assert "not found" in str(found[0].error_summary)
    assert "scikit-learn" in str(found[1].error_summary)


def test_a_secret_signs_and_its_remote_stands_for_its_store(
    yard: Yard, people: People, store: SqlStore, s3: S3Server
) -> None:
    name = keep_secret(store, yard, people, endpoint=s3.endpoint)
    assert yard.version(people.collaborator, people.space, "lake://models/fraud", name).status == "ready"
    assert yard.version(people.collaborator, people.space, "lake:models/fraud", name).status == "ready"
    assert yard.version(people.collaborator, people.space, "s3://models/fraud", name).status == "ready"
    assert kind_of(yard.version, people.owner, people.space, "lake://models/fraud") is ErrorKind.INVALID


def test_a_missing_secret_or_that_of_another_workspace_is_told(yard: Yard, people: People, store: SqlStore) -> None:
    failed = kind_of(yard.version, people.owner, people.space, "s3://models/fraud", "none")
    assert failed is ErrorKind.FAILED_PRECONDITION
    keep_secret(store, yard, people)
    own = store.run_write(create_workspace, people.stranger, "own").id
    failed = kind_of(yard.version, people.stranger, own, "s3://models/fraud", "lake-bucket-envvars")
    assert failed is ErrorKind.FAILED_PRECONDITION


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "http://169.254.169.254"},
        {"endpoint": "http://127.0.0.1:22"},
        {"endpoint": "http://other.example:9000@127.0.0.1"},
        {"endpoint": "http://other.example:9000/../x"},
        {"region": "evil.example/#"},
        {"region": "us-east-1@evil"},
    ],
)
def test_a_secret_leads_nowhere_that_the_operator_did_not_name(
    yard: Yard, people: People, store: SqlStore, values: dict[str, str]
) -> None:
    name = keep_secret(store, yard, people, **values)
    assert kind_of(yard.version, people.owner, people.space, "s3://models/fraud", name) is ErrorKind.INVALID


@pytest.mark.parametrize(
    "rest", ["", "/", "models", "models/", "UPPER/x", "a@b/x", "ex..ample/x", "b:80/x", "[::1]/x", "x" * 64 + "/y"]
)
def test_what_is_no_bucket_and_path_is_refused_before_anybody_is_asked(yard: Yard, people: People, rest: str) -> None:
    assert kind_of(yard.version, people.owner, people.space, f"s3://{rest}") is ErrorKind.INVALID


def test_a_store_that_does_not_answer_is_unavailable_and_nothing_is_kept(
    store: SqlStore, people: People, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yard = open_yard(store, tmp_path, s3=Buckets(f"http://127.0.0.1:{closed.getsockname()[1]}", []))
        with pytest.raises(DomainError) as failed:
            yard.version(people.owner, people.space, "s3://models/fraud")
    assert failed.value.kind is ErrorKind.UNAVAILABLE
    assert "127.0.0.1" not in failed.value.message


class _Refusing(BaseHTTPRequestHandler):
    """A store that opens for nobody."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_store_that_refuses_makes_an_error_version_that_names_no_key(
    store: SqlStore, people: People, tmp_path: Path
) -> None:
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yard = open_yard(store, tmp_path, s3=Buckets(f"http://127.0.0.1:{server.server_port}", []))
        name = keep_secret(store, yard, people)
        version = yard.version(people.owner, people.space, "s3://models/fraud", name)
        server.shutdown()
    assert version.status == "error"
    assert "refuses" in str(version.error_summary)
    assert "AKID" not in str(version.error_summary)


def test_the_server_s_own_credentials_sign_nothing(
    yard: Yard, people: People, monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "server")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    Buckets(s3.endpoint, [])
    assert not [name for name in os.environ if name.startswith("AWS_")]
    assert yard.version(people.owner, people.space, "s3://models/fraud").status == "ready"
