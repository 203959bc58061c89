"""A running server: each thing that is done leaves exactly one entry that says it right, and no secret in any."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from audit_world import World, form, post
from modelyard.client import AuditFilter, AuditFormat, Client, ForbiddenError, InvalidRequestError
from running import eventually
from wire import TOKEN, Caller, invite, sign_in

MODEL = (Path(__file__).parents[2] / "examples" / "models" / "ccfraud.onnx").read_bytes()


def test_a_sign_in_leaves_one_entry(world: World) -> None:
    entry = world.one(
        lambda: sign_in(world.server, world.ada.email, world.ada.password),
        "session.login",
        actor_id=world.ada.id,
        actor_name=world.ada.email,
        client_id="sdk-client",
        object_type="session",
        outcome="ok",
    )
    assert entry["details"]["realm"] == "master"


@pytest.mark.parametrize(
    ("username", "password", "reason"),
    [("", "wrong-password-of-ada", "wrong password"), ("Nobody@Example.com", "whatever it is", "unknown user")],
)
def test_a_refused_sign_in_leaves_one_entry_with_the_name_that_was_tried(
    world: World, username: str, password: str, reason: str
) -> None:
    name = username or world.ada.email

    def attempt() -> None:
        answer = Caller(world.server.url).call("POST", TOKEN, **form(username=name, password=password))
        assert answer.status_code == 401

    entry = world.one(attempt, "session.login", actor_name=name.lower(), outcome="refused", client_id="sdk-client")
    assert entry["details"] == {"reason": reason}
    assert entry["actor_id"] == ("" if username else world.ada.id)
    assert world.new(attempt) == []


def test_clients_signing_in_for_themselves_leave_entries_too(world: World) -> None:
    def attempt(secret: str, status: int) -> Callable[[], None]:
        credentials = {"grant_type": "client_credentials", "client_id": "api-client", "client_secret": secret}

        def call() -> None:
            assert Caller(world.server.url).call("POST", TOKEN, data=credentials).status_code == status

        return call

    world.one(attempt(world.server.client_secret, 200), "session.login", object_id="api-client", outcome="ok")
    refused = world.one(attempt("not the secret", 401), "session.login", actor_name="api-client", outcome="refused")
    assert refused["details"] == {"reason": "wrong secret"}


def test_a_replayed_refresh_token_ends_its_session_with_one_entry(world: World) -> None:
    def refresh(token: str, status: int) -> str:
        fields = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": token}
        answer = Caller(world.server.url).call("POST", TOKEN, data=fields)
        assert answer.status_code == status
        return str(answer.json().get("refresh_token"))

    fields = form(username=world.ada.email, password=world.ada.password)
    first = Caller(world.server.url).call("POST", TOKEN, **fields).json()["refresh_token"]
    third = refresh(refresh(first, 200), 200)
    world.one(lambda: refresh(first, 400), "session.revoke", actor_name=world.ada.email, object_type="session")
    refresh(third, 400)


def test_changes_of_users_leave_one_entry_each(world: World) -> None:
    eve = invite(world.server, "eve")
    (invited,) = world.entries(action="user.invite", object_id=eve.id)
    assert (invited["actor_name"], invited["details"]) == ("admin", {"username": eve.email, "roles": ["USER"]})
    about_eve = {"actor_name": "admin", "object_type": "user", "object_id": eve.id, "outcome": "ok"}
    by_email = {"email": eve.email}
    off = world.one(post(world.admin, "/v1/api/users/deactivate", **by_email), "user.disable", **about_eve)
    assert off["details"]["changes"] == {"enabled": [True, False]}
    assert world.new(post(world.admin, "/v1/api/users/deactivate", **by_email)) == []
    world.one(post(world.admin, "/v1/api/users/activate", **by_email), "user.enable", **about_eve)
    edit = {"id": eve.id, "firstName": "Eve", "lastName": "", "email": eve.email, "enabled": True, "isAdmin": False}
    named = world.one(post(world.admin, "/v1/api/user", **edit), "user.change", **about_eve)
    assert named["details"]["changes"] == {"first_name": ["", "Eve"]}
    raised = world.one(post(world.admin, "/v1/api/user", **edit | {"isAdmin": True}), "user.role", **about_eve)
    assert raised["details"]["changes"] == {"roles": [["USER"], ["ADMIN"]]}
    path = f"/auth/admin/realms/master/users/{eve.id}/reset-password"
    body = {"type": "password", "value": "a new secret 42"}
    world.one(lambda: world.admin.call("PUT", path, json=body), "user.password", **about_eve)


def test_what_administrators_do_by_keycloaks_calls_leaves_one_entry_each(world: World) -> None:
    eve, name, realm = invite(world.server, "eve"), f"app-{uuid.uuid4().hex[:8]}", "/auth/admin/realms/master"

    def done(method: str, path: str, body: Any = None) -> Callable[[], None]:
        def call() -> None:
            answer = world.admin.call(method, realm + path, **({} if body is None else {"json": body}))
            assert answer.status_code in (200, 201, 204), answer.text

        return call

    about_app = {"actor_name": "admin", "object_type": "client", "object_id": name, "outcome": "ok"}
    public = {"clientId": name, "publicClient": True, "directAccessGrantsEnabled": True}
    world.one(done("POST", "/clients", public), "client.create", **about_app)
    changed = world.one(done("PUT", f"/clients/{name}", {"consentRequired": True}), "client.change", **about_app)
    assert changed["details"]["changed"] == ["consent"]
    assert world.new(done("PUT", f"/clients/{name}", {"consentRequired": True})) == []
    offline = form(username=eve.email, password=eve.password, client_id=name, scope="openid offline_access")
    for _ in range(2):
        assert Caller(world.server.url).call("POST", TOKEN, **offline).status_code == 200
    taken = world.one(done("DELETE", f"/users/{eve.id}/consents/{name}"), "consent.withdraw", **about_app)
    assert taken["details"] == {"user_id": eve.id, "username": eve.email, "sessions": 2}
    world.one(done("DELETE", f"/clients/{name}"), "client.delete", **about_app)

    about_eve = {"actor_name": "admin", "object_type": "user", "object_id": eve.id, "outcome": "ok"}
    sign_in(world.server, eve.email, eve.password)
    ended = world.one(done("POST", f"/users/{eve.id}/logout"), "session.revoke", **about_eve)
    assert ended["details"] == {"username": eve.email, "sessions": 1, "browsers": 0}
    assert world.new(done("POST", f"/users/{eve.id}/logout")) == []
    roles = f"/users/{eve.id}/role-mappings/realm"
    without = world.one(done("DELETE", roles, [{"name": "user"}]), "user.role", **about_eve)
    assert without["details"]["changes"] == {"roles": [["USER"], []]}
    given = world.one(done("POST", roles, [{"name": "inference"}]), "user.role", **about_eve)
    assert given["details"]["changes"] == {"roles": [[], ["INFERENCE"]]}
    removed = world.one(done("DELETE", f"/users/{eve.id}/credentials/password"), "user.password", **about_eve)
    assert removed["details"] == {"username": eve.email, "removed": True}


def test_changes_of_workspaces_and_their_members_leave_one_entry_each(world: World) -> None:
    bob, name = invite(world.server, "bob"), f"space-{uuid.uuid4().hex[:8]}"
    made = world.one(post(world.caller, "/v1/api/workspaces/create", workspace_name=name), "workspace.create")
    assert made["details"] == {"name": name}
    space = int(made["object_id"])
    about = {"actor_name": world.ada.email, "object_type": "workspace", "object_id": str(space), "outcome": "ok"}
    give = {"workspace_id": space, "user_id": bob.id, "user_type": "READER"}
    given = world.one(post(world.caller, "/v1/api/workspaces/add_user", **give), "grant.give", **about)
    assert given["details"] == {"role": "READER", "user_id": bob.id, "username": bob.email}
    take = {"workspace_id": space, "user_id": bob.id}
    taken = world.one(post(world.caller, "/v1/api/workspaces/remove_user", **take), "grant.take", **about)
    assert taken["details"] == {"user_id": bob.id, "username": bob.email}
    assert world.new(post(world.caller, "/v1/api/workspaces/remove_user", **take)) == []
    change = {"workspace_id": space, "archived": True}
    world.one(post(world.caller, "/v1/api/workspaces/update", **change), "workspace.change", **about)


def guards_and_rollbacks_leave_one_entry_each(world: World, name: str, pipeline_id: int, deployment_id: str) -> None:
    place = f"/api/v1/deployments/{world.workspace_id}/{name}"
    who = {"actor_name": world.ada.email, "outcome": "ok"}
    guard = {"object_type": "pipeline", "object_id": str(pipeline_id), **who}
    put = world.one(
        lambda: world.caller.call("PUT", f"{place}/rollout-guard", json={"max_error_rate": 0.5}),
        "deployment.guard",
        **guard,
    )
    assert (put["details"]["name"], put["details"]["max_error_rate"]) == (name, 0.5)
    engine = {"deploy_id": name, "pipeline_id": pipeline_id, "engine_config": {"engine": {"cpu": 1}}}
    world.one(post(world.caller, "/v1/api/pipelines/deploy", **engine), "deployment.deploy", **who)
    back = world.one(post(world.caller, f"{place}/rollback"), "deployment.rollback", object_id=deployment_id, **who)
    assert (back["details"]["from"], back["details"]["to"], back["details"]["revision"]) == (2, 1, 3)
    world.one(lambda: world.caller.call("DELETE", f"{place}/rollout-guard"), "deployment.guard", **guard)
    assert world.new(lambda: world.caller.call("DELETE", f"{place}/rollout-guard")) == []


def test_the_way_of_a_model_leaves_one_entry_a_step(world: World) -> None:
    name, who = f"model-{uuid.uuid4().hex[:8]}", {"actor_name": world.ada.email, "outcome": "ok"}
    metadata = json.dumps({"name": name, "workspace_id": world.workspace_id, "visibility": "private"})
    files = {"metadata": (None, metadata, "application/json"), "file": ("model.onnx", MODEL)}
    uploaded = world.one(lambda: world.caller.call("POST", "/v1/api/models/upload", files=files), "model.upload", **who)
    version_id, version = int(uploaded["object_id"]), uploaded["details"]["version"]
    assert uploaded["details"]["name"] == name
    configure = post(world.caller, "/v1/api/models/insert_model_config", model_version_id=version_id)
    world.one(configure, "model.configure", object_id=str(version_id), **who)

    steps = [{"ModelInference": {"models": [{"name": name, "version": version, "sha": ""}]}}]
    place = {"pipeline_id": name, "workspace_id": world.workspace_id}
    create = post(world.caller, "/v1/api/pipelines/create", **place, definition={"id": name, "steps": steps})
    pipeline_id = int(world.one(create, "pipeline.change", object_type="pipeline", **who)["object_id"])

    deploy = post(world.caller, "/v1/api/pipelines/deploy", deploy_id=name, pipeline_id=pipeline_id)
    deployed = world.one(deploy, "deployment.deploy", object_type="deployment", **who)
    assert deployed["details"]["pipeline_id"] == pipeline_id
    namespace = f"{name}-{deployed['object_id']}"

    def running() -> bool:
        status = world.caller.post("/v1/api/status/get_deployment", {"name": namespace})["status"]
        return bool(status == "Running")

    assert eventually(running, seconds=30)
    infer = f"/v1/api/pipelines/infer/{namespace}/{name}"
    assert world.new(post_rows(world.caller, infer)) == []
    refused_inferences_leave_one_entry(world, infer)

    read = post(world.caller, "/v1/api/pipelines/get_logs", workspace_id=world.workspace_id, pipeline_name=name)
    logged = {"object_type": "pipeline", "object_id": str(pipeline_id)}
    world.one(
        lambda: world.caller.call("POST", "/v1/api/pipelines/get_logs", json=read_body(world, name)),
        "log.read",
        **logged,
        **who,
    )
    assert world.new(read) == []

    guards_and_rollbacks_leave_one_entry_each(world, name, pipeline_id, deployed["object_id"])
    undeploy = post(world.caller, "/v1/api/pipelines/undeploy", pipeline_id=pipeline_id)
    world.one(undeploy, "deployment.undeploy", object_id=deployed["object_id"], **who)
    gone = {"name": namespace}
    assert eventually(lambda: world.caller.call("POST", "/v1/api/status/get_deployment", json=gone).status_code == 404)
    world.one(post(world.caller, "/v1/api/pipelines/delete_pipeline", **place), "pipeline.delete", **logged, **who)
    delete = {"model_id": name, "workspace_id": world.workspace_id}
    removed = world.one(post(world.caller, "/v1/api/models/delete_model", **delete), "model.delete", **who)
    assert removed["details"]["versions"] == [version]


def refused_inferences_leave_one_entry(world: World, path: str) -> None:
    mallory = invite(world.server, "mallory")
    stranger = sign_in(world.server, mallory.email, mallory.password)
    limited = world.caller.post("/api/v1/tokens", {"name": "reader", "scopes": ["read"]}, 201)["token"]
    for caller, who, outcome, status in (
        (stranger, mallory.email, "failed", 404),
        (Caller(world.server.url, limited), world.ada.email, "refused", 403),
    ):

        def attempt(caller: Caller = caller, status: int = status) -> None:
            assert caller.call("POST", path, json=[{"tensor": [0.5] * 29}]).status_code == status

        about = {"actor_name": who, "outcome": outcome, "object_type": "route", "object_id": f"POST {path}"}
        entry = world.one(attempt, "access.request", **about)
        assert entry["details"]["permission"] == "pipeline.infer"
        assert world.new(attempt) == []
    unknown = f"{path.rpartition('/')[0]}-nowhere/x"
    assert world.new(lambda: world.caller.call("POST", unknown, json=[])) == []


def post_rows(caller: Caller, path: str) -> Callable[[], Any]:
    return lambda: caller.post(path, [{"tensor": [0.5] * 29}])


def read_body(world: World, name: str) -> dict[str, Any]:
    return {"workspace_id": world.workspace_id, "pipeline_name": name}


def test_forbidden_changes_of_users_and_grants_leave_one_entry(world: World) -> None:
    mallory = invite(world.server, "mallory")
    caller = sign_in(world.server, mallory.email, mallory.password)

    def attempt(path: str, status: int, **body: Any) -> Callable[[], None]:
        def call() -> None:
            assert caller.call("POST", path, json=body).status_code == status

        return call

    who = {"actor_id": mallory.id, "actor_name": mallory.email, "object_type": "route"}
    invitation = attempt("/v1/api/users/invite", 403, email="x@example.com")
    entry = world.one(invitation, "access.request", outcome="refused", object_id="POST /v1/api/users/invite", **who)
    assert entry["details"]["permission"] == "users.manage"
    assert world.new(invitation) == []
    body = {"workspace_id": world.workspace_id, "user_id": mallory.id, "user_type": "OWNER"}
    entry = world.one(attempt("/v1/api/workspaces/add_user", 404, **body), "access.request", outcome="failed", **who)
    assert entry["details"]["message"] == f"workspace {world.workspace_id} not found"
    document = """mutation ($w: bigint!, $u: String!) {delete_workspace_users(
      where: {workspace_id: {_eq: $w}, user_id: {_eq: $u}}) {affected_rows}}"""
    variables = {"w": world.workspace_id, "u": world.ada.id}
    query = attempt("/v1/graphql", 200, query=document, variables=variables)
    world.one(query, "access.request", object_id="POST /v1/graphql delete_workspace_users", **who)
    audit = lambda: caller.call("GET", "/api/v1/audit")  # noqa: E731
    assert world.one(audit, "access.request", **who)["details"]["permission"] == "audit.read"


@pytest.mark.parametrize(("peer", "address"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "203.0.113.1")])
def test_only_a_trusted_proxys_word_counts_on_where_a_request_came_from(world: World, peer: str, address: str) -> None:
    name = f"{uuid.uuid4().hex[:8]}@example.com"
    fields = urlencode({"grant_type": "password", "client_id": "sdk-client", "username": name, "password": "whatever"})
    place = urlsplit(world.server.url)
    connection = HTTPConnection(str(place.hostname), place.port, source_address=(peer, 0))
    connection.request("POST", TOKEN, fields, {"X-Forwarded-For": "198.51.100.9, 203.0.113.1"})
    assert connection.getresponse().status == 401
    connection.close()
    assert [entry["address"] for entry in world.entries(actor=name)] == [address]


def test_the_first_start_is_on_record(world: World) -> None:
    (configured,) = world.entries(action="server.configure")
    settings = configured["details"]["settings"]
    assert (configured["actor_name"], configured["address"]) == ("server", None)
    assert (settings["admin_password"], settings["api_client_secret"], settings["database"]) == ("given", "given", None)
    assert settings["trusted_proxies"] == ["127.0.0.2/32"]
    (admin,) = world.entries(action="user.invite", actor="server")
    assert admin["details"] == {"username": "admin", "roles": ["ADMIN"]}
    clients = {entry["object_id"] for entry in world.entries(action="client.create", actor="server")}
    assert clients == {"sdk-client", "sd-api", "api-client", "admin-cli", "console"}


def test_pages_come_newest_first_and_together_hold_everything(world: World) -> None:
    pages, cursor = [], None
    while True:
        params = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        answer = world.admin.call("GET", "/api/v1/audit", params=params).json()
        pages.append([entry["id"] for entry in answer["items"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    ids = [number for page in pages for number in page]
    assert ids == list(range(ids[0], 0, -1))
    assert [len(page) for page in pages[:-1]] == [7] * (len(pages) - 1)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("actr=ada", "unknown parameter 'actr'"),
        ("since=yesterday", "is not a time with an offset"),
        ("since=2026-03-01T12:00:00", "is not a time with an offset"),
        ("outcome=good", "use one of ok, refused, failed"),
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=%C2%B2", "from 1 to 1000"),
        ("cursor=-1", "cursor"),
        ("actor=a&actor=b", "may be given once"),
        ("actor=%00", "NUL"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(world: World, query: str, words: str) -> None:
    for path in ("/api/v1/audit", "/api/v1/audit/export"):
        answer = world.admin.call("GET", f"{path}?{query}")
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert words in world.admin.call("GET", f"/api/v1/audit?{query}").json()["detail"]


def test_an_export_is_complete_in_order_and_on_record(world: World) -> None:
    lines = world.admin.call("GET", "/api/v1/audit/export").text.splitlines()
    found = [json.loads(line) for line in lines]
    assert [entry["id"] for entry in found] == list(range(1, len(found) + 1))
    assert (found[-1]["action"], found[-1]["details"]) == ("audit.export", {"format": "jsonl", "filters": {}})
    table = world.admin.call("GET", "/api/v1/audit/export", params={"format": "csv", "action": "session.login"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.startswith("id,at,actor_id,")
    assert world.entries(limit=1)[0]["details"] == {"format": "csv", "filters": {"action": "session.login"}}


def test_the_python_client_searches_and_exports(world: World) -> None:
    with Client(world.server.url, token=world.admin.token) as client:
        found = client.audit.search(AuditFilter(action="session.login", actor=world.ada.email), limit=3)
        assert {entry.actor_id for entry in found} == {world.ada.id}
        assert [entry.id for entry in found] == sorted((entry.id for entry in found), reverse=True)
        written = b"".join(client.audit.export(AuditFilter(since=found[0].at), AuditFormat.JSONL))
        assert json.loads(written.splitlines()[0])["hash"] == found[0].hash
        with pytest.raises(InvalidRequestError, match="outcome"):
            client.audit.search(AuditFilter(outcome="good"))
    with (
        Client(world.server.url, token=world.caller.token) as client,
        pytest.raises(ForbiddenError, match=r"audit\.read"),
    ):
        list(client.audit.export())


def test_no_entry_holds_a_secret(world: World) -> None:
    world.new(post(world.admin, "/v1/api/users/invite", email="made-up@example.com", roles=[]))
    log = json.dumps(world.entries())
    with closing(sqlite3.connect(f"file:{world.server.data}/modelyard.db?mode=ro", uri=True)) as database:
        hashes = [row[0] for row in database.execute("select password_hash from credentials")]
        hashes += [row[0] for row in database.execute("select secret_hash from oauth_clients where secret_hash > ''")]
    secrets = [world.server.admin_password, world.server.client_secret, world.ada.password, "a new secret 42"]
    secrets += ["wrong-password-of-ada", "not the secret", str(world.admin.token), str(world.caller.token), *hashes]
    assert [secret for secret in secrets if secret in log] == []
