"""The token endpoint, discovery and user administration of a running server, by plain HTTP."""

import base64
import time
import uuid
from typing import Any
from urllib.parse import quote

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from running import RunningServer, StartServer
from wire import TOKEN, Caller, administrator, sign_in

USERS = "/auth/admin/realms/master/users"


def ask(server: RunningServer, status: int = 200, path: str = TOKEN, **request: Any) -> Any:
    answer = Caller(server.url).call("POST", path, **request)
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def password_form(server: RunningServer, **more: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": server.admin_username, "password": server.admin_password}
    return form | more


def basic(client: str, secret: str) -> dict[str, str]:
    pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def new_user(server: RunningServer) -> dict[str, str]:
    email, password = f"u-{uuid.uuid4().hex[:8]}@x.io", uuid.uuid4().hex
    made = administrator(server).post("/v1/api/users/invite", {"email": email, "password": password})
    return {"id": made["id"], "email": email, "password": password}


def test_the_password_grant_answers_what_the_sdk_reads(live_server: RunningServer) -> None:
    answer = ask(live_server, data=password_form(live_server, client_id="sdk-client"))
    assert answer["token_type"] == "Bearer"
    assert answer["not-before-policy"] == 0
    assert isinstance(answer["expires_in"], int)
    assert isinstance(answer["refresh_expires_in"], int)
    assert set(answer["scope"].split()) == {"profile", "email"}
    assert "id_token" not in answer
    assert uuid.UUID(answer["session_state"])


def test_both_realms_serve_the_same_people(live_server: RunningServer) -> None:
    path = TOKEN.replace("master", "deploy-realm")
    answer = ask(live_server, path=path, data=password_form(live_server, client_id="sd-api"))
    assert Caller(live_server.url, answer["access_token"]).post("/v1/api/workspaces/list", {})
    assert ask(live_server, 404, TOKEN.replace("master", "other"), data=password_form(live_server))


def test_the_confidential_client_proves_itself_by_header_or_body(live_server: RunningServer) -> None:
    secret = live_server.client_secret
    form = {"grant_type": "client_credentials"}
    by_header = ask(live_server, data=form, headers=basic("api-client", secret))
    by_body = ask(live_server, data=form | {"client_id": "api-client", "client_secret": secret})
    for answer in (by_header, by_body):
        assert "refresh_token" not in answer
        claims = _claims(live_server, answer["access_token"])
        assert claims["preferred_username"] == "service-account-api-client"
        assert "email" not in claims


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 401, "invalid_client"),
        ({"client_id": "sdk-client"}, 400, "invalid_request"),
        ({"client_id": "nobody", "grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "sdk-client", "client_secret": "x", "grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "api-client", "grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"client_id": "api-client", "client_secret": "wrong", "grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "sdk-client", "grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"client_id": "sdk-client", "grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({"client_id": "sdk-client", "grant_type": "password"}, 400, "invalid_request"),
        ({"client_id": "sdk-client", "grant_type": "refresh_token", "refresh_token": "e30.x.y"}, 400, "invalid_grant"),
    ],
)
def test_refusals_are_oauth_errors(live_server: RunningServer, form: dict[str, str], status: int, error: str) -> None:
    answer = ask(live_server, status, data=form)
    assert answer["error"] == error
    assert answer["error_description"]


def test_the_client_authenticates_once_and_never_in_the_url(live_server: RunningServer) -> None:
    form = {"grant_type": "client_credentials", "client_secret": live_server.client_secret}
    both = ask(live_server, 400, data=form, headers=basic("api-client", live_server.client_secret))
    assert both["error"] == "invalid_request"
    in_url = ask(live_server, 400, params={"client_secret": "x"}, data=password_form(live_server))
    assert in_url["error"] == "invalid_request"
    twice = ask(live_server, 400, data=[("grant_type", "password"), ("grant_type", "password")])
    assert twice["error"] == "invalid_request"


def test_a_wrong_password_and_an_unknown_user_look_the_same(live_server: RunningServer) -> None:
    form = password_form(live_server, client_id="sdk-client")
    wrong = ask(live_server, 401, data=form | {"password": "wrong-password"})
    unknown = ask(live_server, 401, data=form | {"username": "nobody@x.io"})
    assert wrong == unknown == {"error": "invalid_grant", "error_description": "Invalid user credentials"}


def test_a_replayed_refresh_token_gives_the_same_successor(live_server: RunningServer) -> None:
    first = ask(live_server, data=password_form(live_server, client_id="sdk-client"))
    form = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": first["refresh_token"]}
    second, replayed = ask(live_server, data=form), ask(live_server, data=form)
    assert second["refresh_token"] == replayed["refresh_token"] != first["refresh_token"]
    third = ask(live_server, data=form | {"refresh_token": second["refresh_token"]})
    assert ask(live_server, 400, data=form)["error"] == "invalid_grant"
    dead = ask(live_server, 400, data=form | {"refresh_token": third["refresh_token"]})
    assert dead == {"error": "invalid_grant", "error_description": "Session not active"}


def test_scopes_are_known_or_refused_and_never_grow(live_server: RunningServer) -> None:
    form = password_form(live_server, client_id="sdk-client")
    assert ask(live_server, 400, data=form | {"scope": "root"})["error"] == "invalid_scope"
    first = ask(live_server, data=form)
    again = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": first["refresh_token"]}
    assert ask(live_server, 400, data=again | {"scope": "offline_access"})["error"] == "invalid_scope"


def test_discovery_leads_to_keys_that_verify_our_tokens(live_server: RunningServer) -> None:
    answer = ask(live_server, data=password_form(live_server, client_id="sdk-client", scope="openid"))
    found = Caller(live_server.url).call("GET", "/auth/realms/master/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{live_server.url}/auth/realms/master"
    for token, kind in ((answer["access_token"], "Bearer"), (answer["id_token"], "ID")):
        claims = _claims(live_server, token)
        assert claims["typ"] == kind
        assert claims["iss"] == found["issuer"]
    who = requests.get(
        found["userinfo_endpoint"], headers={"Authorization": f"Bearer {answer['access_token']}"}, timeout=10
    ).json()
    assert who["preferred_username"] == "admin"


def test_an_id_token_opens_nothing(live_server: RunningServer) -> None:
    answer = ask(live_server, data=password_form(live_server, client_id="sdk-client", scope="openid"))
    for token in (answer["id_token"], answer["refresh_token"], "", "x" * 5000):
        Caller(live_server.url, token or "?").post("/v1/api/workspaces/list", {}, 401)


def test_a_disabled_user_is_out_within_a_second_in_every_worker(start_server: StartServer) -> None:
    server = start_server(workers=2)
    user = new_user(server)
    caller = sign_in(server, user["email"], user["password"])
    for _ in range(20):
        caller.post("/v1/api/workspaces/list", {})
    administrator(server).post("/v1/api/users/deactivate", {"email": user["email"]})
    time.sleep(1)
    for _ in range(20):
        caller.post("/v1/api/workspaces/list", {}, 401)
    administrator(server).post("/v1/api/users/activate", {"email": user["email"]})
    caller.post("/v1/api/workspaces/list", {})


def test_administrators_manage_users_as_in_keycloak(live_server: RunningServer) -> None:
    admin, name = administrator(live_server), f"kc-{uuid.uuid4().hex[:8]}"
    body = {
        "username": name,
        "email": f"{name}@x.io",
        "credentials": [{"type": "password", "value": "a-good-password"}],
    }
    made = admin.call("POST", USERS, json=body)
    assert made.status_code == 201
    place = made.headers["location"]
    assert admin.call("POST", USERS, json=body).status_code == 409
    (found,) = admin.call("GET", USERS, params={"email": f"{name}@x.io"}).json()
    assert place.endswith(found["id"])
    changed = found | {"firstName": "Kay", "enabled": True, "realmRoles": ["admin"], "id": "other"}
    assert admin.call("PUT", place, json=changed).status_code == 204
    assert admin.call("GET", place).json()["firstName"] == "Kay"
    assert admin.call("PUT", f"{place}/reset-password", json={"value": "another-password"}).status_code == 204
    mine = sign_in(live_server, name, "another-password")
    assert mine.call("PUT", place, json={"firstName": "Eve"}).status_code == 403
    assert mine.call("POST", USERS, json={"username": "x"}).status_code == 403
    (seen,) = mine.call("GET", USERS, params={"username": name, "exact": "true"}).json()
    assert set(seen) == {"id", "username", "email", "enabled", "createdTimestamp"}


def test_no_administrator_locks_himself_out(live_server: RunningServer) -> None:
    admin = administrator(live_server)
    (me,) = admin.call("GET", USERS, params={"username": "admin", "exact": "true"}).json()
    refused = admin.call("PUT", f"{USERS}/{me['id']}", json={"enabled": False})
    assert refused.status_code == 400
    assert "yourself" in refused.json()["errorMessage"]


def _claims(server: RunningServer, token: str) -> dict[str, Any]:
    certs = Caller(server.url).call("GET", "/auth/realms/master/protocol/openid-connect/certs").json()
    return dict(jwt.decode(token, KeySet.import_key_set(certs)).claims)
