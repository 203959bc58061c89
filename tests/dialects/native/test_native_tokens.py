"""Personal access tokens and service accounts of running servers, by plain HTTP."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from dialects.wallaroo import deploying
from running import RunningServer, StartServer
from wire import TOKEN, Caller, Person, administrator, invite, sign_in

TOKENS, ACCOUNTS = "/api/v1/tokens", "/api/v1/service-accounts"
ROWS = json.loads((deploying.MODELS.parent / "data" / "ccfraud_smoke.df.json").read_text())[:1]
LIST = "/v1/api/workspaces/list"
_OFTEN = 16  # connections, so that each of two workers gets some


def fresh(prefix: str = "token") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def make(caller: Caller, *scopes: str, **more: Any) -> Caller:
    """Who uses a new token of the caller."""
    body = {"name": fresh(), **({"scopes": scopes} if scopes else {}), **more}
    return Caller(caller.url, caller.post(TOKENS, body, 201)["token"])


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem details, which are whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    return body


@pytest.fixture
def ada(live_server: RunningServer) -> Caller:
    return somebody(live_server)


def somebody(server: RunningServer) -> Caller:
    person = invite(server, "ada")
    return sign_in(server, person.email, person.password)


def test_a_token_is_told_once_and_works_everywhere(live_server: RunningServer, ada: Caller) -> None:
    workspace = deploying.workspace(ada)
    namespace = deploying.running(ada, workspace, "ccfraud.onnx")
    made = ada.post(TOKENS, {"name": fresh()}, 201)
    mine = Caller(ada.url, made["token"])
    assert [w["id"] for w in mine.post(LIST, {})["workspaces"]] == [workspace]
    assert mine.ask("{__typename}") == {"__typename": "query_root"}
    assert mine.call("POST", deploying.path(namespace), json=ROWS).status_code == 200
    who = mine.call("GET", TOKEN.replace("token", "userinfo")).json()
    assert who["sub"] == made["user_id"]
    listed = mine.call("GET", TOKENS)
    assert [token["id"] for token in listed.json()["tokens"]] == [made["id"]]
    assert made["token"] not in listed.text
    assert made["token"].encode() not in b"".join(path.read_bytes() for path in live_server.data.glob("modelyard.db*"))
    assert made["token"] not in live_server.err + live_server.out


def test_a_revoked_token_is_out_within_a_second_in_every_worker(start_server: StartServer) -> None:
    server = start_server(workers=2)
    ada = somebody(server)
    namespace = deploying.running(ada, deploying.workspace(ada), "ccfraud.onnx")
    made = ada.post(TOKENS, {"name": "laptop"}, 201)
    mine, kept = Caller(server.url, made["token"]), make(ada)
    for _ in range(_OFTEN):
        mine.post(LIST, {})
        assert mine.call("POST", deploying.path(namespace), json=ROWS).status_code == 200
    assert ada.call("DELETE", f"{TOKENS}/{made['id']}").status_code == 204
    time.sleep(1)
    for _ in range(_OFTEN):
        refused = mine.call("POST", LIST, json={})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert mine.call("POST", deploying.path(namespace), json=ROWS).status_code == 401
        kept.post(LIST, {})


def test_a_token_expires_by_itself_in_every_worker(start_server: StartServer) -> None:
    server = start_server(workers=2)
    ada = somebody(server)
    ends = datetime.now(UTC) + timedelta(seconds=3)
    mine = make(ada, expires_at=ends.isoformat())
    for _ in range(_OFTEN):
        mine.post(LIST, {})
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()))
    for _ in range(_OFTEN):
        mine.post(LIST, {}, 401)


def test_a_scope_holds_though_another_token_of_the_user_opened_the_way(ada: Caller) -> None:
    namespace = deploying.running(ada, deploying.workspace(ada), "ccfraud.onnx")
    path = deploying.path(namespace)
    reading, inferring, deploying_ = make(ada, "read"), make(ada, "infer"), make(ada, "deploy")
    for caller, status in ((ada, 200), (reading, 403), (inferring, 200), (deploying_, 200), (reading, 403)):
        assert caller.call("POST", path, json=ROWS).status_code == status
    new = {"workspace_name": fresh()}
    for caller, status in ((reading, 200), (inferring, 403)):
        caller.post(LIST, {}, status)
        caller.post("/v1/api/workspaces/create", new, 403)
        assert "scope" in problem(caller.call("POST", TOKENS, json={"name": "more"}), 403)["detail"]
    deploying.upload(deploying_, deploying_.post(LIST, {})["workspaces"][0]["id"], name="another")


@pytest.mark.parametrize(
    "token", ["mly_", "mly_" + "0" * 49, "mly_" + "é" * 49, "mly_" + "x" * 5000, "MLY_" + "0" * 49]
)
def test_what_only_looks_like_a_token_opens_nothing(live_server: RunningServer, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    for _ in range(2):
        answer = Caller(live_server.url).call("GET", TOKENS, headers=headers)
        assert problem(answer, 401)["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "name"),
        ({"name": " "}, 400, "printable"),
        ({"name": "n", "scopes": ["root"]}, 400, "all, read, deploy, infer, mlflow"),
        ({"name": "n", "scopes": []}, 400, "at least one scope"),
        ({"name": "n", "scopes": "all"}, 400, "scopes"),
        ({"name": "n", "expires_at": "2001-01-01T00:00:00Z"}, 400, "future"),
        ({"name": "n", "expires_at": "2101-01-01T00:00:00"}, 400, "offset"),
        ({"name": "n", "expires_at": "soon"}, 400, "expires_at"),
        ({"name": "n", "service_account": "nobody"}, 404, "nobody"),
        ({"name": "taken"}, 409, "revoke it first"),
    ],
)
def test_what_makes_no_token_says_why(ada: Caller, body: dict[str, Any], status: int, words: str) -> None:
    ada.post(TOKENS, {"name": "taken"}, 201)
    assert words in problem(ada.call("POST", TOKENS, json=body), status)["detail"]
    assert len(ada.call("GET", TOKENS).json()["tokens"]) == 1


def test_another_persons_token_looks_like_none(live_server: RunningServer, ada: Caller) -> None:
    made = ada.post(TOKENS, {"name": fresh()}, 201)
    eve = somebody(live_server)
    refused = problem(eve.call("DELETE", f"{TOKENS}/{made['id']}"), 404)
    unknown = problem(eve.call("DELETE", f"{TOKENS}/{uuid.uuid4()}"), 404)
    assert refused["detail"].replace(made["id"], "") == unknown["detail"].replace(unknown["detail"].split()[1], "")
    assert administrator(live_server).call("DELETE", f"{TOKENS}/{made['id']}").status_code == 204
    Caller(ada.url, made["token"]).post(LIST, {}, 401)


class Robot:
    """A service account of ``owner``, with an OAuth client and a token."""

    def __init__(self, server: RunningServer, owner: Person) -> None:
        body = {"name": fresh("robot"), "description": "d", "owner": owner.email, "oauth_client": True}
        self.account = administrator(server).post(ACCOUNTS, body, 201)
        self.name = str(self.account["name"])
        self.caller = make(sign_in(server, owner.email, owner.password), service_account=self.name)

    def by_client(self) -> Caller:
        """Signed in by its own client."""
        auth = (self.account["client_id"], self.account["client_secret"])
        form = {"grant_type": "client_credentials"}
        answer = Caller(self.caller.url).call("POST", TOKEN, data=form, auth=auth)
        assert answer.status_code == 200, answer.text
        return Caller(self.caller.url, answer.json()["access_token"])


def test_a_service_account_works_in_a_workspace_by_token_and_by_client(live_server: RunningServer) -> None:
    person = invite(live_server, "owner")
    owner, robot = sign_in(live_server, person.email, person.password), Robot(live_server, person)
    workspace = deploying.workspace(owner)
    namespace = deploying.running(owner, workspace, "ccfraud.onnx")
    for caller in (robot.caller, robot.by_client()):
        assert caller.call("POST", deploying.path(namespace), json=ROWS).status_code == 404
    body = {"workspace_id": workspace, "user_id": robot.account["id"], "user_type": "COLLABORATOR"}
    owner.post("/v1/api/workspaces/add_user", body)
    for caller in (robot.caller, robot.by_client()):
        assert caller.call("POST", deploying.path(namespace), json=ROWS).status_code == 200
        assert [w["id"] for w in caller.post(LIST, {})["workspaces"]] == [workspace]
    members = owner.post("/v1/api/workspaces/list_users", {"workspace_id": workspace})["users"]
    assert robot.account["id"] in {member["user_id"] for member in members}
    shown = owner.post("/v1/api/users/query", {"user_ids": [robot.account["id"]]})["users"]
    assert shown[robot.account["id"]]["username"] == robot.name


def test_a_service_account_has_no_password_and_goes_with_all_it_had(live_server: RunningServer) -> None:
    person, admin = invite(live_server, "owner"), administrator(live_server)
    robot = Robot(live_server, person)
    form = {"grant_type": "password", "client_id": "sdk-client", "username": robot.name, "password": ""}
    assert Caller(live_server.url).call("POST", TOKEN, data=form | {"password": "robot"}).status_code == 401
    by_client = robot.by_client()
    assert robot.name in admin.call("GET", ACCOUNTS).text
    assert admin.call("GET", f"{ACCOUNTS}/{robot.name}").json()["owner"] == person.email
    assert robot.account["client_secret"] not in admin.call("GET", ACCOUNTS).text
    assert admin.call("DELETE", f"{ACCOUNTS}/{robot.name}").status_code == 204
    for caller in (robot.caller, by_client):
        caller.post(LIST, {}, 401)
    auth = (robot.account["client_id"], robot.account["client_secret"])
    refused = Caller(live_server.url).call("POST", TOKEN, data={"grant_type": "client_credentials"}, auth=auth)
    assert refused.json()["error"] == "invalid_client"
    problem(admin.call("GET", f"{ACCOUNTS}/{robot.name}"), 404)
