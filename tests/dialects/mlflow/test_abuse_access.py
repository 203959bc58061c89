"""What somebody no longer may, or never might: with old passwords, old names, tokens of few scopes and odd paths."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from running import RunningServer, StartServer, eventually
from wire import Caller, administrator, sign_in

API, ARTIFACTS = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts"
_GET = f"{API}/experiments/get?experiment_id=0"
_FIRST, _SECOND = "correct horse 17", "battery staple 18"
_ENOUGH = 12
"""Requests over connections of their own, so many that both workers are asked."""


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> Iterator[RunningServer]:
    """Two workers, whose log shows at the end that nothing failed inside."""
    running = start_module_server(workers=2)
    yield running
    assert "Traceback" not in running.err, running.err


@pytest.fixture(scope="module")
def admin(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture
def name(admin: Caller) -> str:
    """The name of a new user whose password is the first."""
    made = uuid.uuid4().hex
    admin.post(f"{API}/users/create", {"username": made, "password": _FIRST})
    return made


def _basic(server: RunningServer, name: str, password: str, times: int = 1) -> set[int]:
    asked = [requests.get(server.url + _GET, auth=(name, password), timeout=30) for _ in range(times)]
    return {answer.status_code for answer in asked}


def _token(server: RunningServer, name: str, scope: str) -> str:
    made = sign_in(server, name, _FIRST).post("/api/v1/tokens", {"name": "t", "scopes": [scope]}, 201)
    return str(made["token"])


def test_an_old_password_is_refused_by_every_worker_within_a_second(
    server: RunningServer, admin: Caller, name: str
) -> None:
    assert _basic(server, name, _FIRST, _ENOUGH) == {200}
    changed = admin.call("PATCH", f"{API}/users/update-password", json={"username": name, "password": _SECOND})
    assert changed.status_code == 200
    time.sleep(1)
    assert _basic(server, name, _SECOND, _ENOUGH) == {200}
    assert _basic(server, name, _FIRST, _ENOUGH) <= {401, 429}


def test_a_token_by_basic_has_its_own_scopes_and_ends_with_its_user(
    server: RunningServer, admin: Caller, name: str
) -> None:
    token = _token(server, name, "read")
    assert _basic(server, name, token) == {200}
    for path, body in (("experiments/create", {"name": "x"}), ("runs/create", {"experiment_id": "0"})):
        answer = requests.post(f"{server.url}{API}/{path}", json=body, auth=(name, token), timeout=30)
        assert answer.status_code == 403, answer.text
    assert admin.call("DELETE", f"{API}/users/delete", json={"username": name}).status_code == 200
    assert eventually(lambda: _basic(server, name, token, _ENOUGH) == {401}, seconds=1)


def test_a_user_of_a_removed_users_name_inherits_nothing(server: RunningServer, admin: Caller, name: str) -> None:
    own = sign_in(server, name, _FIRST)
    experiment = own.post(f"{API}/experiments/create", {"name": name})["experiment_id"]
    own.post(f"{API}/registered-models/create", {"name": name})
    role = admin.post(f"{API}/roles/create", {"name": name})["role"]["id"]
    admin.post(f"{API}/roles/assign", {"role_id": role, "username": name})
    token = _token(server, name, "mlflow")
    assert admin.call("DELETE", f"{API}/users/delete", json={"username": name}).status_code == 200
    admin.post(f"{API}/users/create", {"username": name, "password": _SECOND})
    new = sign_in(server, name, _SECOND)
    for path, body in (
        ("experiments/update", {"experiment_id": experiment, "new_name": "mine"}),
        ("registered-models/rename", {"name": name, "new_name": "mine"}),
    ):
        assert new.call("POST", f"{API}/{path}", json=body).status_code == 403
    held = admin.call("GET", f"{API}/users/permissions/list", params={"username": name}).json()
    assert held == {"is_admin": False, "permissions": []}
    assert _basic(server, name, token) == {401}
    assert own.call("GET", _GET).status_code == 401


_PATHS = [
    "{run}/../../../../canary",
    "{run}/%2e%2e/%2e%2e/canary",
    "{run}/%252e%252e/canary",
    "{run}/%25252e%25252e/canary",
    "{run}/..%2f..%2fcanary",
    "{run}/..%5c..%5ccanary",
    "{run}/..\\..\\canary",
    "{run}/..;/canary",
    "{run}/a%00b",
    "{run}//canary",
    "{run}/./canary",
    "{run}/a%23/../../canary",
    "{run}/...",
    "{run}/..%20",
    "{run}/%0d%0aset-cookie:a=b",
    "{run}/%e2%80%ae",
    "/{folder}/canary",
    "C:/canary",
    "file:///{folder}/canary",
    "%2e%2e",
    "{run}/" + "a/" * 600 + "b",
]


@pytest.mark.parametrize("path", _PATHS)
def test_no_path_leads_out_of_the_artifacts(server: RunningServer, admin: Caller, path: str) -> None:
    canary = server.data.parent / "canary"
    canary.write_text("CANARY")
    run = admin.post(f"{API}/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    where = path.format(run=f"0/{run}/artifacts", folder=server.data.parent)
    before = _files(server.data)
    begin = json.dumps({"path": "canary", "num_parts": 1}).encode()
    for method, asked, content in (
        ("PUT", f"{ARTIFACTS}/artifacts/{where}", b"evil"),
        ("GET", f"{ARTIFACTS}/artifacts/{where}", None),
        ("GET", f"{ARTIFACTS}/artifacts?path={where}", None),
        ("GET", f"{API}/artifacts/list?run_id={run}&path={where}", None),
        ("GET", f"/get-artifact?run_id={run}&path={where}", None),
        ("POST", f"{ARTIFACTS}/mpu/create/{where}", begin),
        ("DELETE", f"{ARTIFACTS}/artifacts/{where}", None),
    ):
        status, text = _raw(admin, method, asked, content)
        assert status in (400, 404), f"{method} {asked}: {status}"
        assert b"CANARY" not in text
    assert _files(server.data) == before
    assert canary.read_text() == "CANARY"


def _raw(caller: Caller, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
    """A request whose path is sent byte for byte as it is given."""
    connection = http.client.HTTPConnection(urlsplit(caller.url).netloc, timeout=30)
    try:
        connection.request(method, path, content, {"Authorization": f"Bearer {caller.token}"})
        answer = connection.getresponse()
        assert "set-cookie" not in answer.headers
        return answer.status, answer.read()
    finally:
        connection.close()


def _files(data: Path) -> set[Path]:
    """All files beside the data folder, and the artifacts in it; the rest of it the server writes as it likes."""
    beside = {file for file in data.parent.rglob("*") if file.is_file() and data not in file.parents}
    return beside | {file for file in (data / "blobs").rglob("*") if file.is_file()}


def test_names_that_look_the_same_are_one_file(admin: Caller) -> None:
    run = admin.post(f"{API}/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    folder = f"{ARTIFACTS}/artifacts/0/{run}/artifacts"
    for spelled in ("caf%C3%A9", "cafe%CC%81"):
        assert _raw(admin, "PUT", f"{folder}/{spelled}", spelled.encode())[0] == 200
    assert _raw(admin, "GET", f"{folder}/caf%C3%A9", None) == (200, b"cafe%CC%81")
    listed = admin.call("GET", f"{API}/artifacts/list", params={"run_id": run}).json()["files"]
    assert [each["path"] for each in listed] == ["caf\u00e9"]
