"""What a hostile client sends to MLflow's API: it is refused for good, says why, and leaves no failure in the log."""

import base64
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from running import RunningServer, StartServer
from wire import Caller, administrator, invite, sign_in

API, ARTIFACTS = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts"
_UNKNOWN_RUN = "0" * 32


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> Iterator[RunningServer]:
    """One whose log shows at the end that nothing failed inside."""
    running = start_module_server(default_permission="NO_PERMISSIONS")
    yield running
    assert "Traceback" not in running.err, running.err


@pytest.fixture(scope="module")
def admin(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture
def run(admin: Caller) -> tuple[str, str]:
    """A new experiment and a run in it: their ids."""
    return _run(admin)


def _run(caller: Caller, **experiment: str) -> tuple[str, str]:
    made = caller.post(f"{API}/experiments/create", {"name": uuid.uuid4().hex, **experiment})["experiment_id"]
    return made, caller.post(f"{API}/runs/create", {"experiment_id": made})["run"]["info"]["run_id"]


def _token(offset: str) -> str:
    return base64.b64encode(f'{{"offset": {offset}}}'.encode()).decode()


def _refused(answer: requests.Response, *statuses: int) -> str:
    assert answer.status_code in (statuses or (400,)), answer.text
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    "raw",
    [
        b'{"tags":' + b'[{"k":' * 300 + b"null" + b"}]" * 300 + b"}",
        b'{"a":' * 3000,
        b"[" * 100_000,
        b'{"run_id":"\\ud800"}',
        b"\xff\xfe",
        b"[]",
        b"null",
    ],
)
def test_a_body_that_is_no_object_or_nests_too_deep_is_refused(admin: Caller, raw: bytes) -> None:
    for path in ("runs/search", "runs/delete", "model-versions/create", "roles/create"):
        _refused(admin.call("POST", f"{API}/{path}", data=raw))


@pytest.mark.parametrize("offset", ["Infinity", "-Infinity", "NaN", "1e30", "-1", "[]", "9" * 5000, "[" * 50_000])
def test_an_offset_that_is_no_number_of_a_page_is_refused(admin: Caller, offset: str) -> None:
    _refused(admin.call("POST", f"{API}/runs/search", json={"page_token": _token(offset)}))


@pytest.mark.parametrize("status", [[], {}, [[]], {"a": 1}, True, 99, "x" * 10_000])
def test_a_status_of_the_wrong_kind_is_refused(admin: Caller, run: tuple[str, str], status: Any) -> None:
    logged = admin.post(f"{API}/logged-models", {"experiment_id": run[0]})["model"]["info"]["model_id"]
    if status is not True:
        _refused(admin.call("POST", f"{API}/runs/update", json={"run_id": run[1], "status": status}))
    if status != 99 and status is not True:
        _refused(admin.call("PATCH", f"{API}/logged-models/{logged}", json={"status": status}))


def test_a_step_beyond_64_bits_is_refused(admin: Caller, run: tuple[str, str]) -> None:
    logged = admin.post(f"{API}/logged-models", {"experiment_id": run[0]})["model"]["info"]["model_id"]
    body = {"run_id": run[1], "models": [{"model_id": logged, "step": 2**63}]}
    assert "models.step" in _refused(admin.call("POST", f"{API}/runs/outputs", json=body))


@pytest.mark.parametrize("signature", ["é", "\0", "", "0" * 10_000])
def test_a_signature_of_odd_characters_is_none(server: RunningServer, signature: str) -> None:
    query = {"expires": "²", "signature": signature}
    answer = Caller(server.url).call("PUT", f"{ARTIFACTS}/parts/{_UNKNOWN_RUN}/1", params=query, data=b"x")
    _refused(answer, 403)


@pytest.mark.parametrize(
    "description",
    [
        b'flavors: {"\\ud800": {}}',
        b'flavors: {"\\0": {}}',
        b"flavors: {" + b"x" * 5000 + b": {}}",
        b"flavors: {" + b",".join(b"a%d: {}" % number for number in range(60)) + b"}",
        b"\x00",
        b"\xff\xfe\xff",
        b"[" * 5000,
        b"a: &a [1]\nflavors: *a",
        b"flavors: {[a]: b}",
        b'flavors: {onnx: {data: "../../../../etc/passwd"}}',
        b'flavors: {onnx: {data: "\\ud800"}}',
        b"x" * 300_000,
    ],
)
def test_a_description_that_is_none_of_a_model_registers_nothing(
    admin: Caller, run: tuple[str, str], description: bytes
) -> None:
    source = _registered(admin, run, description)
    _refused(admin.call("POST", f"{API}/model-versions/create", json=source))
    assert "model_versions" not in admin.call("GET", f"{API}/model-versions/search", params=_of(source)).json()


@pytest.mark.parametrize(
    "description",
    [
        b'flavors: {x: !!int "", y: !!bool z, w: !!timestamp q, v: !!float ""}',
        b"flavors: !!python/object/apply:os.system [exit]",
        b"flavors: {onnx: {data: 1}}",
        b"flavors: [1]",
        b"",
    ],
)
def test_tags_in_a_description_make_no_value(admin: Caller, run: tuple[str, str], description: bytes) -> None:
    made = admin.post(f"{API}/model-versions/create", _registered(admin, run, description))
    assert made["model_version"]["status"] == "READY"


def _registered(caller: Caller, run: tuple[str, str], description: bytes) -> dict[str, str]:
    """A registered model's name and a source with this file MLmodel."""
    name, folder = uuid.uuid4().hex, f"{run[0]}/{run[1]}/artifacts/model"
    assert caller.call("PUT", f"{ARTIFACTS}/artifacts/{folder}/MLmodel", data=description).status_code == 200
    caller.post(f"{API}/registered-models/create", {"name": name})
    return {"name": name, "source": f"runs:/{run[1]}/model"}


def _of(source: dict[str, str]) -> dict[str, str]:
    return {"filter": f"name = '{source['name']}'"}


def test_an_artifact_location_opens_no_foreign_artifacts(server: RunningServer, admin: Caller) -> None:
    owner, thief = (sign_in(server, who.email, who.password) for who in (invite(server, "o"), invite(server, "t")))
    theirs = _run(owner)
    _registered(owner, theirs, b"flavors: {canary: {}}")
    foreign = f"mlflow-artifacts:/{theirs[0]}/{theirs[1]}/artifacts"
    own = [_run(thief, artifact_location=place)[1] for place in (foreign, f"mlflow-artifacts:/{theirs[0]}")]
    thief.post(f"{API}/registered-models/create", {"name": theirs[0]})
    for run_id in own:
        _refused(thief.call("GET", f"{API}/artifacts/list", params={"run_id": run_id}), 404)
        _refused(thief.call("GET", "/get-artifact", params={"run_id": run_id, "path": "model/MLmodel"}), 404)
        for inside in ("", "/model", f"/../{theirs[1]}/artifacts/model", "/../../model"):
            source = {"name": theirs[0], "source": f"runs:/{run_id}{inside}"}
            assert "canary" not in thief.call("POST", f"{API}/model-versions/create", json=source).text
    assert "canary" not in thief.call("GET", f"{API}/model-versions/search").text
    _refused(thief.call("POST", f"{API}/model-versions/create", json={"name": theirs[0], "source": foreign}), 404)
