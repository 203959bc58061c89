"""Users, workspaces and models over plain HTTP: what is taken, what is refused, and what is left of it."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from running import RunningServer, StartServer, eventually
from wire import Caller, administrator, invite, sign_in

MODEL = (Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx").read_bytes()
UPLOAD = "/v1/api/models/upload"

Send = Callable[..., requests.Response]


@pytest.fixture
def space(live_server: RunningServer) -> int:
    return new_space(administrator(live_server))


@pytest.fixture
def send(live_server: RunningServer, space: int) -> Send:
    """Uploads as the administrator; keywords change what is sent."""
    caller = administrator(live_server)

    def send(path: str = UPLOAD, by: Caller = caller, **changes: Any) -> requests.Response:
        return by.call("POST", path, files=form(space, **changes))

    return send


def new_space(caller: Caller) -> int:
    name = f"space-{uuid.uuid4().hex[:8]}"
    return int(caller.post("/v1/api/workspaces/create", {"workspace_name": name})["workspace_id"])


def form(space: int, content: bytes = MODEL, file: str = "m.onnx", **changes: Any) -> list[tuple[str, Any]]:
    metadata = {"name": "ccfraud", "workspace_id": space, "visibility": "private"} | changes
    metadata["conversion"] = {"framework": "onnx", "requirements": []} | changes.get("conversion", {})
    return [("metadata", (None, json.dumps(metadata), "application/json")), ("file", (file, content))]


def number(response: requests.Response) -> int:
    assert response.ok, response.text
    return int(response.json()["insert_models"]["returning"][0]["models"][0]["id"])


def blobs(server: RunningServer) -> set[str]:
    return {path.name for path in (server.data / "blobs").rglob("*") if path.is_file()}


def unlike(seed: str) -> bytes:
    """The model with a trailing field that ONNX does not know: another file, as good as the first."""
    text = seed.encode()
    return MODEL + bytes([0b11111_010, 0b111, len(text)]) + text  # protobuf field 127, length-delimited


def test_an_upload_is_described_as_it_was_sent(live_server: RunningServer, send: Send, space: int) -> None:
    version_id = number(send())
    shown = administrator(live_server).post("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
    version, config = shown["model_version"]["model_version"], shown["model_version"]["config"]
    file = version["file_info"]
    assert (file["sha"], file["size"], file["file_name"]) == (hashlib.sha256(MODEL).hexdigest(), len(MODEL), "m.onnx")
    assert (version["name"], version["workspace_id"], version["status"]) == ("ccfraud", space, "ready")
    assert (version["error_summary"], version["task_id"], version["image_path"]) == (None, None, None)
    assert (config["runtime"], config["model_version_id"], config["tensor_fields"]) == ("onnx", version_id, None)


def test_converting_uploads_are_accepted_with_202(send: Send) -> None:
    assert send("/v1/api/models/upload_and_convert").status_code == 202


def test_parts_may_come_in_any_order_and_metadata_may_have_a_file_name(live_server: RunningServer, space: int) -> None:
    metadata, file = form(space)
    named = ("metadata", ("metadata", metadata[1][1], "application/json"))
    assert number(administrator(live_server).call("POST", UPLOAD, files=[file, named]))


def test_the_same_file_again_is_a_new_version_over_one_blob(live_server: RunningServer, send: Send) -> None:
    content = unlike(uuid.uuid4().hex)
    before = blobs(live_server)
    assert number(send(content=content)) != number(send(content=content))
    assert blobs(live_server) - before == {hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"content": b"col1,col2\n1,2\n"}, "text that begins with 'col1,col2"),
        ({"content": b""}, "empty"),
        ({"content": MODEL[:-100]}, "not an ONNX model, or is damaged"),
        ({"file": "model.pkl"}, "'model.pkl'; an ONNX model's file name ends in .onnx"),
        ({"name": "CC_Fraud"}, "[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
        ({"name": "a" * 64}, "at most 63"),
        ({"visibility": "group"}, "use private or public"),
        ({"conversion": {"framework": "vllm"}}, "framework vllm cannot be served here"),
        (
            {"conversion": {"framework": "hugging-face-stable-diffusion-text-2-img"}},
            "upload it as custom, with diffusers",
        ),
        ({"conversion": {"framework": "sklearn"}}, "model's file name ends in .pkl or"),
        ({"conversion": {"framework": "cobol"}}, "'cobol' is unknown; use one of custom"),
        ({"workspace_id": "one"}, "workspace_id"),
    ],
)
def test_what_cannot_be_served_is_refused_and_changes_nothing(
    live_server: RunningServer, send: Send, space: int, changes: dict[str, Any], says: str
) -> None:
    before = blobs(live_server)
    answer = send(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert says in answer.json()["msg"]
    assert administrator(live_server).post("/v1/api/models/list", {"workspace_id": space}) == {"models": []}
    assert blobs(live_server) == before


def test_who_may_not_upload_is_told_before_the_file_is_sent(live_server: RunningServer, space: int) -> None:
    person = invite(live_server, "stranger")
    stranger = sign_in(live_server, person.email, person.password)
    taken: list[int] = []

    def body() -> Any:
        for _ in range(200):
            taken.append(1_000_000)
            yield b"0" * 1_000_000

    path = f"/v1/api/models/upload_stream?name=m&filename=m.onnx&visibility=private&workspace_id={space}"
    before = blobs(live_server)
    assert stranger.call("POST", path, data=body()).status_code == 404
    assert blobs(live_server) == before
    assert stranger.call("POST", UPLOAD, files=form(space)).status_code == 404


def test_a_reader_sees_models_but_may_not_upload(live_server: RunningServer, send: Send, space: int) -> None:
    person = invite(live_server, "reader")
    member = {"workspace_id": space, "email": person.email, "user_type": "reader"}
    administrator(live_server).post("/v1/api/workspaces/add_user", member)
    version_id = number(send())
    reader = sign_in(live_server, person.email, person.password)
    reader.post("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
    assert send(by=reader).status_code == 403


def test_a_deployed_model_is_not_deleted(live_server: RunningServer, send: Send, space: int) -> None:
    caller = administrator(live_server)
    shown = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": number(send())})
    file = shown["model_version"]["model_version"]["file_info"]
    step = {"ModelInference": {"models": [{"name": "ccfraud", "version": file["version"], "sha": file["sha"]}]}}
    name = f"p-{uuid.uuid4().hex[:8]}"
    made = caller.post(
        "/v1/api/pipelines/create",
        {"pipeline_id": name, "workspace_id": space, "definition": {"id": name, "steps": [step]}},
    )
    deploy = {"deploy_id": name, "pipeline_version_pk_id": made["pipeline_variant_pk_id"], "engine_config": {}}
    deployment = caller.post("/v1/api/pipelines/deploy", deploy)
    model = {"model_id": "ccfraud", "workspace_id": space}
    refused = caller.post("/v1/api/models/delete_model", model, 409)
    assert "undeploy its pipeline first" in refused["msg"]
    caller.post("/v1/api/pipelines/undeploy", {"deployment_id": deployment["id"]})
    # The workers let go of it one after another.
    assert eventually(lambda: caller.call("POST", "/v1/api/models/delete_model", json=model).status_code == 200)
    assert caller.post("/v1/api/models/list", {"workspace_id": space}) == {"models": []}


def test_an_invited_user_signs_in_with_the_password_that_was_told(live_server: RunningServer) -> None:
    email = f"told-{uuid.uuid4().hex[:8]}@example.com"
    made = administrator(live_server).post("/v1/api/users/invite", {"email": email})
    assert sign_in(live_server, email, made["password"]).post("/v1/api/workspaces/list", {}) == {"workspaces": []}


def test_a_password_that_was_given_is_not_told_back(live_server: RunningServer) -> None:
    body = {"email": f"given-{uuid.uuid4().hex[:8]}@example.com", "password": "correct horse battery"}
    assert administrator(live_server).post("/v1/api/users/invite", body)["password"] == ""


def test_only_administrators_invite(live_server: RunningServer) -> None:
    person = invite(live_server, "plain")
    caller = sign_in(live_server, person.email, person.password)
    caller.post("/v1/api/users/invite", {"email": "x@example.com"}, 403)
    shown = caller.post("/v1/api/users/query", {"user_ids": [person.id]})["users"][person.id]
    assert (shown["email"], shown["enabled"]) == (person.email, True)
    assert {"firstName", "lastLogin"}.isdisjoint(shown)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_numbers_that_nothing_has_are_not_found(live_server: RunningServer, number: int) -> None:
    caller = administrator(live_server)
    for path, body in (
        ("/v1/api/models/get", {"id": number}),
        ("/v1/api/models/get_config_by_id", {"model_id": number}),
        ("/v1/api/models/list", {"workspace_id": number}),
        ("/v1/api/workspaces/list_users", {"workspace_id": number}),
    ):
        caller.post(path, body, 404)


def test_an_upload_over_the_limit_is_413_and_never_in_memory(start_server: StartServer) -> None:
    server = start_server(max_upload_bytes=2_000_000)
    caller = administrator(server)
    space = new_space(caller)
    caller.call("POST", UPLOAD, files=form(space))
    before = memory(server)
    path = f"/v1/api/models/upload_stream?name=m&filename=m.onnx&visibility=private&workspace_id={space}"
    counted = (b"0" * 1_000_000 for _ in range(300))
    declared = caller.call("POST", UPLOAD, files=form(space, content=b"0" * 300_000_000))
    for answer in (caller.call("POST", path, data=counted), declared):
        assert (answer.status_code, answer.json()["code"]) == (413, 413)
        assert "2000000 bytes" in answer.json()["msg"]
    assert memory(server) - before < 60_000_000
    assert blobs(server) == {hashlib.sha256(MODEL).hexdigest()}


def memory(server: RunningServer) -> int:
    return sum(process.memory_info().rss for process in server.processes())


def test_a_large_upload_takes_little_memory(start_server: StartServer) -> None:
    server = start_server()
    caller = administrator(server)
    space = new_space(caller)
    caller.call("POST", UPLOAD, files=form(space))
    before, most, done = memory(server), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            try:
                most[0] = max(most[0], memory(server))
            except psutil.NoSuchProcess:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    path = f"/v1/api/models/upload_stream?name=m&filename=m.onnx&visibility=private&workspace_id={space}"
    body = (b"\x00" * 1_000_000 for _ in range(150))
    answer = caller.call("POST", path, data=body)
    done.set()
    watcher.join()
    assert answer.status_code == 400
    assert most[0] - before < 400_000_000  # the check's own process, which maps the file, is counted in
    assert blobs(server) == {hashlib.sha256(MODEL).hexdigest()}


def test_a_server_killed_during_an_upload_has_neither_row_nor_blob_afterwards(start_server: StartServer) -> None:
    server = start_server()
    caller = administrator(server)
    space = new_space(caller)
    path = f"/v1/api/models/upload_stream?name=m&filename=m.onnx&visibility=private&workspace_id={space}"

    def body() -> Any:
        yield MODEL[:1000]
        server.kill()
        yield MODEL[1000:]

    with pytest.raises(requests.ConnectionError):
        caller.call("POST", path, data=body())
    again = start_server(data=server.data)
    caller = administrator(again)
    assert caller.post("/v1/api/models/list", {"workspace_id": space}) == {"models": []}
    assert hashlib.sha256(MODEL).hexdigest() not in blobs(again)
    assert number(caller.call("POST", UPLOAD, files=form(space)))
