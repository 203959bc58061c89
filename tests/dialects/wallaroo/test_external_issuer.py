"""Users of real external issuers on a running server: who comes in, as whom, and what they may do."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import deploying
import pytest

from issuer_stand import drips, issuer_stand
from openid_provider import AUDIENCE, OpenidProvider, openid_provider
from running import RunningServer, StartServer
from wire import Caller, administrator, sign_in

ALICE = {"preferred_username": "alice", "email": "alice@corp.example", "email_verified": True, "groups": ["staff"]}
BOSS = {"preferred_username": "boss", "groups": ["staff", "platform-admins"]}
CAROL = {"preferred_username": "carol", "groups": ["staff"]}
USERS = "/auth/admin/realms/master/users"
ROW = [{"tensor": [0.5] * 29}]


def issuer(provider: OpenidProvider, **more: Any) -> dict[str, Any]:
    return {"url": provider.url, "audiences": [AUDIENCE], "admin_groups": ["platform-admins"], **more}


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenidProvider, OpenidProvider]]:
    folder = tmp_path_factory.mktemp("providers")
    with openid_provider(folder / "a") as first, openid_provider(folder / "b") as second:
        for provider in (first, second):
            provider.tell(alice=ALICE, boss=BOSS, carol=CAROL)
        yield first, second


@pytest.fixture(scope="module")
def believing(
    start_module_server: StartServer, providers: tuple[OpenidProvider, OpenidProvider]
) -> tuple[RunningServer, OpenidProvider]:
    """A server of two workers that believes an issuer: for the tests that change nothing about alice and the boss."""
    return started(start_module_server, issuer(providers[0]), workers=2), providers[0]


@pytest.fixture
def provider(tmp_path: Any) -> Iterator[OpenidProvider]:
    with openid_provider(tmp_path / "provider") as made:
        made.tell(alice=ALICE, boss=BOSS)
        yield made


def started(start_server: StartServer, *issuers: dict[str, Any], **settings: Any) -> RunningServer:
    return start_server(external_issuers=json.dumps(issuers), **settings)


def status(server: RunningServer, token: str) -> int:
    return Caller(server.url, token).call("POST", "/v1/api/workspaces/list", json={}).status_code


def users(server: RunningServer) -> dict[str, dict[str, Any]]:
    listed = administrator(server).call("GET", USERS).json()
    return {user["username"]: user for user in listed}


def test_a_user_of_the_issuer_creates_a_workspace_deploys_and_infers(
    believing: tuple[RunningServer, OpenidProvider],
) -> None:
    server, provider = believing
    alice = Caller(server.url, provider.access_token("alice"))
    workspace = deploying.workspace(alice)
    namespace = deploying.running(alice, workspace, "ccfraud.onnx")
    answer = alice.post(deploying.path(namespace), ROW)
    assert "dense_1" in answer[0]["out"]
    assert users(server)["alice"]["email"] == "alice@corp.example"
    stranger = Caller(server.url, provider.access_token("boss"))
    assert stranger.call("GET", USERS).status_code == 200
    assert alice.call("GET", USERS + "/none").status_code in (403, 404)


def test_the_same_subject_of_two_issuers_is_two_users(
    start_server: StartServer, providers: tuple[OpenidProvider, OpenidProvider]
) -> None:
    server = started(start_server, *map(issuer, providers))
    first, second = (Caller(server.url, provider.access_token("alice")) for provider in providers)
    workspace = deploying.workspace(first)
    listed = second.post("/v1/api/workspaces/list", {})["workspaces"]
    assert workspace not in [row["id"] for row in listed]
    names = [name for name in users(server) if name.startswith("alice")]
    assert len(names) == 2
    assert [users(server)[name].get("email") for name in sorted(names)] == ["alice@corp.example", None]


def test_tokens_of_an_issuer_that_is_not_configured_open_nothing(
    believing: tuple[RunningServer, OpenidProvider], providers: tuple[OpenidProvider, OpenidProvider]
) -> None:
    server, provider = believing
    assert status(server, provider.access_token("alice")) == 200
    assert status(server, providers[1].access_token("alice")) == 401


def test_an_id_token_or_a_token_for_others_opens_nothing(
    start_server: StartServer, providers: tuple[OpenidProvider, OpenidProvider]
) -> None:
    server = started(start_server, issuer(providers[0], audiences=["app"]))
    tokens = providers[0].tokens("alice")
    caller = Caller(server.url, tokens["id_token"])
    answer = caller.call("POST", "/v1/api/workspaces/list", json={})
    assert answer.status_code == 401
    assert "ID token" in answer.text
    assert status(server, tokens["access_token"]) == 401
    assert "alice" not in users(server)


def test_a_client_that_acts_for_itself_is_a_user_named_by_its_subject(
    believing: tuple[RunningServer, OpenidProvider],
) -> None:
    server, provider = believing
    assert status(server, provider.robot_token()) == 200
    assert "robot" in users(server)


def test_keys_rotate_without_a_failed_call(believing: tuple[RunningServer, OpenidProvider]) -> None:
    server, provider = believing
    statuses: list[int] = []
    old = provider.access_token("alice")
    done = threading.Event()

    def keep_calling() -> None:
        while not done.wait(0.01):
            statuses.append(status(server, old))

    caller = threading.Thread(target=keep_calling)
    caller.start()
    try:
        for _ in range(2):
            provider.rotate()
            fresh = provider.access_token("alice")
            statuses += [status(server, fresh) for _ in range(8)]  # both workers
    finally:
        done.set()
        caller.join()
    assert set(statuses) == {200}


def test_an_issuer_that_is_down_keeps_nobody_out(start_server: StartServer, provider: OpenidProvider) -> None:
    server = started(start_server, issuer(provider))
    alice, boss = provider.access_token("alice"), provider.access_token("boss")
    assert status(server, alice) == 200
    provider.stop()
    assert status(server, alice) == 200
    assert status(server, boss) == 200  # not seen before: verified with the keys from before
    provider.start()
    provider.tell(alice=ALICE)
    assert status(server, provider.access_token("alice")) == 200


def test_the_server_starts_without_the_issuer_and_says_what_it_waits_for(
    start_server: StartServer, provider: OpenidProvider
) -> None:
    alice = provider.access_token("alice")
    provider.stop()
    server = started(start_server, issuer(provider))
    answer = Caller(server.url, alice).call("POST", "/v1/api/workspaces/list", json={})
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert f"the keys of the issuer {provider.url} cannot be had at present" in answer.text
    assert administrator(server).post("/v1/api/workspaces/list", {})
    provider.start()
    provider.tell(alice=ALICE)
    deadline = time.monotonic() + 20
    while status(server, provider.access_token("alice")) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_who_is_disabled_here_stays_out(believing: tuple[RunningServer, OpenidProvider]) -> None:
    server, provider = believing
    token = provider.access_token("carol")
    assert status(server, token) == 200
    user = users(server)["carol"]
    admin = administrator(server)
    assert admin.call("PUT", f"{USERS}/{user['id']}", json={**user, "enabled": False}).status_code == 204
    time.sleep(1)
    assert {status(server, token) for _ in range(6)} == {401}
    assert status(server, provider.access_token("carol")) == 401


def test_the_administrators_group_counts_as_soon_as_a_token_says_so(
    believing: tuple[RunningServer, OpenidProvider],
) -> None:
    server, provider = believing
    dora = {"preferred_username": "dora", "groups": ["staff"]}
    provider.tell(dora=dora)

    def may_manage() -> bool:
        body = {"username": f"made-{time.monotonic_ns()}", "email": None}
        answer = Caller(server.url, provider.access_token("dora")).call("POST", USERS, json=body)
        assert answer.status_code in (201, 403), answer.text
        return answer.status_code == 201

    assert not may_manage()
    provider.tell(dora=dora | {"groups": ["platform-admins"]})
    assert may_manage()
    provider.tell(dora=dora)
    assert not may_manage()


def test_users_may_be_left_to_administrators(
    start_server: StartServer, providers: tuple[OpenidProvider, OpenidProvider]
) -> None:
    server = started(start_server, issuer(providers[0], create_users=False, link_verified_email=True))
    assert status(server, providers[0].access_token("alice")) == 401
    body = {"email": "alice@corp.example", "roles": [], "password": "correct horse"}
    made = administrator(server).post("/v1/api/users/invite", body)
    assert status(server, providers[0].access_token("alice")) == 200
    assert users(server)["alice@corp.example"]["id"] == made["id"]


def test_a_hostile_issuer_opens_nothing_and_delays_nobody(start_server: StartServer) -> None:
    with issuer_stand() as stand:
        server = started(start_server, {"url": stand.url, "audiences": [AUDIENCE]})
        good = stand.token(sub="known")
        assert status(server, good) == 200
        stand.answers["/jwks"] = drips
        invented = [stand.token({"kid": f"../../{number}"}) for number in range(40)]
        answers: list[int] = []
        threads = [threading.Thread(target=lambda t=token: answers.append(status(server, t))) for token in invented]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            assert status(server, stand.token(sub="new")) == 200
            own = sign_in(server, server.admin_username, server.admin_password)
            assert own.post("/v1/api/workspaces/list", {})
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
        assert set(answers) <= {401, 503}
        assert len(answers) == len(invented)
        assert slowest < 3
        stranger = stand.token(iss="https://login.example.com")
        for token in (stand.token(aud="other"), stand.token(exp=1), stranger, good[:-8], f"{good}.x"):
            assert status(server, token) == 401
            answer = Caller(server.url, token).call("POST", "/v1/api/pipelines/infer/none-1/none", json=ROW)
            assert answer.status_code == 401
