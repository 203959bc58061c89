"""Model registries through the API of Wallaroo, on a running server, against registries that do not behave."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from typing import Any

import deploying
import pytest

from running import RunningServer, StartServer, eventually
from web_stand import Reply, WebStand, web_stand
from wire import Caller, administrator, invite, sign_in

MLFLOW = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
TOKEN = "a-token-that-nobody-may-see"
MODEL = (deploying.MODELS / "ccfraud.onnx").read_bytes()
VERSION = {"name": "fraud", "version": "1", "creation_timestamp": 10**30, "last_updated_timestamp": -5}


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> RunningServer:
    return start_module_server(outgoing_networks="127.0.0.0/8", log_level="debug", job_runners=1)


@pytest.fixture
def caller(server: RunningServer) -> Caller:
    person = invite(server, "registries")
    return sign_in(server, person.email, person.password)


@pytest.fixture
def stand() -> Iterator[WebStand]:
    """A registry with the model ``fraud``."""
    with web_stand() as made:
        made.say(f"{MLFLOW}/registered-models/search", {"registered_models": [{"name": "fraud"}]})
        made.say(f"{MLFLOW}/model-versions/search", {"model_versions": [VERSION]})
        made.say(f"{MLFLOW}/model-versions/get", {"model_version": VERSION})
        made.say(f"{MLFLOW}/model-versions/get-download-uri", {"artifact_uri": "mlflow-artifacts:/1/m"})
        made.say(PROXY, {"files": [{"path": "model.onnx", "file_size": len(MODEL)}]})
        made.answers[f"{PROXY}/1/m/model.onnx"] = Reply(MODEL)
        yield made


class Yard:
    """A workspace with a registry."""

    def __init__(self, caller: Caller, url: str, token: str = TOKEN) -> None:
        self.caller = caller
        self.workspace = deploying.workspace(caller)
        body = {"name": "theirs", "token": token, "url": url, "workspace_id": self.workspace}
        self.registry = caller.post("/v1/api/models/create_registry", body)["id"]

    def ask(self, call: str, **body: Any) -> Any:
        return self.caller.call("POST", f"/v1/api/models/{call}", json={"registry_id": self.registry, **body})

    def upload(self, path: str = "models:/fraud/1", name: str = "fraud", framework: str = "onnx") -> int:
        said = {"name": name, "path": path, "visibility": "private", "conversion": {"framework": framework}}
        answer = self.ask("upload_from_registry", workspace_id=self.workspace, **said)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["model_id"])

    def shown(self, version: int) -> dict[str, Any]:
        body = {"model_version_id": version}
        found: dict[str, Any] = self.caller.post("/v1/api/models/get_version_by_id", body)["model_version"]
        return found["model_version"]

    def ended(self, version: int) -> dict[str, Any]:
        assert eventually(lambda: self.shown(version)["status"] in ("ready", "error"), 60)
        return self.shown(version)

    def log(self, version: int) -> str:
        return "\n".join(self.caller.post("/v1/api/models/get_upload_logs", {"model_version_id": version})["logs"])


def test_a_version_is_downloaded_and_deployed(caller: Caller, stand: WebStand) -> None:
    yard = Yard(caller, stand.url)
    version = yard.ended(yard.upload())
    assert (version["status"], version["error_summary"]) == ("ready", None), yard.log(version["id"])
    info = version["file_info"]
    assert (info["file_name"], info["size"]) == ("model.onnx", len(MODEL))
    log = yard.log(version["id"])
    assert "stage uploaded done: received model.onnx" in log
    assert f"downloading model.onnx, {len(MODEL)} bytes" in log
    model = {"name": "fraud", "version": info["version"], "sha": info["sha"]}
    namespace = deploying.deploy(caller, deploying.pipeline(caller, yard.workspace, model))
    deploying.wait(caller, namespace, "Running")
    assert len(caller.post(deploying.path(namespace), [{"tensor": [0.1] * 29}])) == 1


def test_what_a_registry_says_of_times_and_sizes_can_be_read_by_clients(caller: Caller, stand: WebStand) -> None:
    stand.say(PROXY, {"files": [{"path": "model.onnx", "file_size": "9" * 30}]})
    yard = Yard(caller, stand.url)
    (shown,) = yard.ask("list_registry_model_versions", model_name="fraud").json()["model_versions"]
    assert (shown["creation_timestamp"], shown["last_updated_timestamp"]) == (10**14, 0)
    (file,) = yard.ask("list_registry_model_version_artifacts", name="fraud", version="1").json()
    assert (file["file_size"], file["full_path"]) == (10**14, "models:/fraud/1/model.onnx")
    assert "limit of uploads" in yard.ended(yard.upload())["error_summary"]


def test_a_wrong_token_is_told_where_it_is_used(caller: Caller, stand: WebStand) -> None:
    for path in list(stand.answers):
        stand.answers[path] = Reply(f"no entry with {TOKEN}".encode(), 401)
    yard = Yard(caller, stand.url)
    answer = yard.ask("list_registry_models")
    assert answer.status_code == 409
    assert "token" in answer.json()["msg"]
    version = yard.ended(yard.upload())
    assert version["status"] == "error"
    assert version["error_summary"].startswith("stage uploaded: the model registry theirs")
    assert "connect it again with a token" in yard.log(version["id"])


def test_a_registry_that_is_down_is_told(caller: Caller) -> None:
    with web_stand() as gone:
        url = gone.url
    yard = Yard(caller, url)
    assert yard.ask("list_registry_models").status_code == 503
    assert url in yard.ended(yard.upload())["error_summary"]


def test_a_redirect_leads_nowhere(caller: Caller, stand: WebStand, server: RunningServer) -> None:
    with web_stand() as inner:
        for path in list(stand.answers):
            stand.answers[path] = Reply(b"", 302, {"Location": f"{inner.url}/secret"})
        yard = Yard(caller, stand.url)
        assert "redirects" in yard.ask("list_registry_models").json()["msg"]
        assert "redirects" in yard.ended(yard.upload())["error_summary"]
        assert inner.asked == []


def test_names_that_lead_elsewhere_are_refused(caller: Caller, stand: WebStand, server: RunningServer) -> None:
    yard = Yard(caller, stand.url)
    for name in ("../../../../etc/canary.onnx", "/etc/canary.onnx", "..\\canary.onnx"):
        stand.say(PROXY, {"files": [{"path": name, "file_size": 3}]})
        assert yard.ask("list_registry_model_version_artifacts", name="fraud", version="1").status_code == 400
        assert "is not taken" in yard.ended(yard.upload())["error_summary"]
    assert yard.ask("upload_from_registry", workspace_id=yard.workspace, name="fraud").status_code == 400
    for path in ("models:/fraud/1/../../x", "/etc/passwd", "file:///etc/passwd", f"{stand.url}/model.onnx"):
        said = {"name": "fraud", "path": path, "visibility": "private", "conversion": {"framework": "onnx"}}
        assert yard.ask("upload_from_registry", workspace_id=yard.workspace, **said).status_code == 400


@pytest.mark.alone
def test_a_slow_registry_keeps_nobody_else_waiting(caller: Caller, stand: WebStand) -> None:
    stand.answers[f"{MLFLOW}/registered-models/search"] = Reply(instead=lambda _: time.sleep(6))
    yard = Yard(caller, stand.url)
    statuses: list[int] = []

    def look() -> None:
        statuses.append(yard.ask("list_registry_models").status_code)

    waiting = [threading.Thread(target=look) for _ in range(8)]
    for thread in waiting:
        thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    for _ in range(10):
        assert yard.ask("get_registry").status_code == 200
    assert time.monotonic() - began < 3
    for thread in waiting:
        thread.join()
    assert sorted(statuses) == [429] * 6 + [503] * 2
    stand.say(f"{MLFLOW}/registered-models/search", {})
    assert yard.ask("list_registry_models").status_code == 200


def test_a_version_that_is_deleted_while_it_is_downloaded_is_gone(caller: Caller, stand: WebStand) -> None:
    began = threading.Event()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        began.set()
        for at in range(0, len(MODEL), 200):
            handler.wfile.write(MODEL[at : at + 200])
            time.sleep(0.1)

    stand.answers[f"{PROXY}/1/m/model.onnx"] = Reply(instead=slowly)
    yard = Yard(caller, stand.url)
    version = yard.upload()
    assert began.wait(30)
    assert yard.shown(version)["status"] == "attempting_load_container"
    assert "stage uploaded running: downloading models:/fraud/1" in yard.log(version)
    caller.post("/v1/api/models/delete_model", {"model_id": "fraud", "workspace_id": yard.workspace})
    stand.answers[f"{PROXY}/1/m/model.onnx"] = Reply(MODEL)
    assert yard.ended(yard.upload())["status"] == "ready"


def test_a_registry_of_another_workspace_is_none(caller: Caller, stand: WebStand, server: RunningServer) -> None:
    yard = Yard(caller, stand.url)
    person = invite(server, "stranger")
    stranger = sign_in(server, person.email, person.password)
    own = deploying.workspace(stranger)
    unknown = "90000000-0000-4000-8000-000000000001"
    said = {"name": "fraud", "path": "models:/fraud/1", "visibility": "private", "conversion": {"framework": "onnx"}}
    calls: dict[str, dict[str, Any]] = {
        "get_registry": {},
        "list_registry_models": {},
        "list_registry_model_versions": {"model_name": "fraud"},
        "list_registry_model_version_artifacts": {"name": "fraud", "version": "1"},
        "attach_registry_to_workspace": {"workspace_id": own},
        "remove_registry_from_workspace": {"workspace_id": own},
        "upload_from_registry": {"workspace_id": own, **said},
    }
    for call, body in calls.items():
        answers = [
            stranger.call("POST", f"/v1/api/models/{call}", json={"registry_id": registry, **body})
            for registry in (yard.registry, unknown)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], call
        assert answers[0].text.replace(yard.registry, unknown) == answers[1].text
    assert stand.asked == []


def test_a_download_ends_where_the_registry_is_taken_away(caller: Caller, stand: WebStand) -> None:
    yard = Yard(caller, stand.url)
    hold = threading.Event()

    def later(_: BaseHTTPRequestHandler) -> None:
        hold.wait(20)

    stand.answers[f"{MLFLOW}/model-versions/get"] = Reply(instead=later)
    first, second = yard.upload(), yard.upload(name="second")  # one at a time: the second waits for the first
    assert "waits to be downloaded: models:/fraud/1" in yard.log(second)
    assert yard.ask("remove_registry_from_workspace", workspace_id=yard.workspace).status_code == 200
    hold.set()
    assert yard.ended(first)["status"] == "error"
    assert "no longer attached" in yard.ended(second)["error_summary"]


def test_the_token_is_in_no_answer_no_log_and_no_file(caller: Caller, stand: WebStand, server: RunningServer) -> None:
    yard = Yard(caller, stand.url)
    assert yard.ended(yard.upload())["status"] == "ready"
    shown = yard.ask("get_registry").json()
    assert shown["token"] == "********"
    assert caller.post("/v1/api/models/list_registries", {})[0]["token"] == "********"
    audit = administrator(server).call("GET", "/api/v1/audit", params={"action": "registry.create"})
    assert "theirs" in audit.text
    with closing(sqlite3.connect(server.data / "modelyard.db")) as database:
        rows = "\n".join(database.iterdump())
    files = [path.read_bytes() for path in server.data.rglob("*") if path.is_file()]
    assert {header["Authorization"] for _, header in stand.asked} == {f"Bearer {TOKEN}"}
    for text in (rows, audit.text, server.out, server.err, str(shown)):
        assert TOKEN not in text
    assert not any(TOKEN.encode() in content for content in files)


def test_where_nothing_was_opened_this_machine_is_not_called(live_server: RunningServer, stand: WebStand) -> None:
    person = invite(live_server, "registries")
    yard = Yard(sign_in(live_server, person.email, person.password), stand.url)
    answer = yard.ask("list_registry_models")
    assert (answer.status_code, "outgoing_networks" in answer.json()["msg"]) == (400, True)
    assert "outgoing_networks" in yard.ended(yard.upload())["error_summary"]
    assert stand.asked == []
