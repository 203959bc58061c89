"""What opens the Seldon API and what does not: tokens, cookies, forged ones of both; elsewhere they open nothing."""

import time
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from signing_in import API, ask_token, id_token, log_in, register

from running import RunningServer, StartServer, eventually
from wire import Caller, Person, administrator, invite, sign_in

_USER = f"{API}/user"
_ELSEWHERE = [
    ("POST", "/v1/api/workspaces/list"),
    ("POST", "/v1/graphql"),
    ("POST", "/v1/api/pipelines/infer/none-1/none"),
    ("GET", "/api/2.0/mlflow/users/current"),
    ("GET", "/api/v1/tokens"),
    ("GET", "/auth/admin/realms/master/users"),
    ("GET", "/auth/realms/master/protocol/openid-connect/userinfo"),
]


def _get(server: RunningServer, path: str = _USER, **headers: str) -> requests.Response:
    return Caller(server.url).call("GET", path, headers=headers)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _forged(server: RunningServer, token: str, key: RSAKey | None = None, **changed: Any) -> str:
    own = RSAKey.import_key((server.data / "keys" / "signing.pem").read_bytes())
    read = jwt.decode(token, own, algorithms=["RS256"])
    claims = {name: value for name, value in {**read.claims, **changed}.items() if value is not None}
    return jwt.encode(read.header, claims, key or own)


@pytest.fixture
def cookie(live_server: RunningServer, person: Person) -> str:
    """The pair of the cookie of a session."""
    return log_in(live_server, person).headers["set-cookie"].partition(";")[0]


def test_an_id_token_opens_the_seldon_api_and_nothing_else(live_server: RunningServer, person: Person) -> None:
    token = id_token(live_server, person)
    assert _get(live_server, **_bearer(token)).json()["Id"] == person.email
    for method, path in _ELSEWHERE:
        answer = Caller(live_server.url, token).call(method, path, json={})
        assert answer.status_code == 401, f"{path}: {answer.text}"
    assert _get(live_server, **_bearer(token)).status_code == 200  # nothing was remembered of the refusals
    access = sign_in(live_server, person.email, person.password)
    assert access.call("GET", _USER).status_code == 200
    assert access.call("POST", "/v1/api/workspaces/list", json={}).status_code == 200


def test_an_id_token_of_a_client_that_is_not_flagged_opens_nothing(live_server: RunningServer, person: Person) -> None:
    token = id_token(live_server, person, "sdk-client")
    answer = _get(live_server, **_bearer(token))
    assert answer.status_code == 401
    assert "sdk-client" in answer.json()["message"]
    assert _get(live_server, **_bearer(_forged(live_server, token, aud="sdk-client"))).status_code == 401


def test_a_client_is_flagged_and_not_so_any_more(live_server: RunningServer, person: Person) -> None:
    client_id, secret = register(live_server, flagged=True)
    form = {"grant_type": "password", "username": person.email, "password": person.password}
    token = ask_token(live_server, auth=(client_id, secret), **form).json()["id_token"]
    assert _get(live_server, **_bearer(token)).status_code == 200
    path = f"/auth/admin/realms/master/clients/{client_id}"
    admin = administrator(live_server)
    assert admin.call("GET", path).json()["attributes"]["modelyard.id.tokens.as.bearer"] == "true"
    change = {"attributes": {"modelyard.id.tokens.as.bearer": "false"}}
    assert admin.call("PUT", path, json=change).status_code == 204
    assert eventually(lambda: _get(live_server, **_bearer(token)).status_code == 401, seconds=2)
    acts = ask_token(live_server, auth=(client_id, secret), grant_type="client_credentials").json()
    assert "id_token" not in acts
    assert _get(live_server, **_bearer(acts["access_token"])).json()["Id"] == f"service-account-{client_id}"


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(time.time()) - 60},
        {"aud": "no-such-client"},
        {"aud": None},
        {"aud": ["sd-api", "sdk-client"]},
        {"aud": 5},
        {"typ": "Refresh"},
        {"typ": None},
        {"iss": "https://elsewhere.example.com"},
        {"sub": "nobody"},
        {"exp": None},
        {"exp": "soon"},
        {"sid": "no-such-session"},
        {"sub": None},
        {"jti": None},
        {"azp": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_id_token_with_a_wrong_claim_is_refused(
    live_server: RunningServer, person: Person, changed: dict[str, Any]
) -> None:
    forged = _forged(live_server, id_token(live_server, person), **changed)
    answer = _get(live_server, **_bearer(forged))
    assert answer.status_code == 401, answer.text
    assert set(answer.json()) == {"code", "message", "requestId", "details"}


def test_an_id_token_of_another_key_is_refused(live_server: RunningServer, person: Person) -> None:
    token = id_token(live_server, person)
    assert _get(live_server, **_bearer(_forged(live_server, token, RSAKey.generate_key(2048)))).status_code == 401
    head, claims, _ = token.split(".")
    assert _get(live_server, **_bearer(f"{head}.{claims}.")).status_code == 401


@pytest.mark.parametrize("nonce", ["other", "x" * 5_000])
def test_a_nonce_changes_nothing(live_server: RunningServer, person: Person, nonce: str) -> None:
    assert _get(live_server, **_bearer(_forged(live_server, id_token(live_server, person), nonce=nonce))).ok


def test_an_id_token_ends_with_its_session(live_server: RunningServer, person: Person) -> None:
    form = {"grant_type": "password", "client_id": "sd-api", "username": person.email, "password": person.password}
    tokens = ask_token(live_server, **form).json()
    assert _get(live_server, **_bearer(tokens["id_token"])).status_code == 200
    path = "/auth/realms/deploy-realm/protocol/openid-connect/logout"
    out = {"client_id": "sd-api", "refresh_token": tokens["refresh_token"]}
    assert Caller(live_server.url).call("POST", path, data=out).status_code == 204
    assert eventually(lambda: _get(live_server, **_bearer(tokens["id_token"])).status_code == 401, seconds=2)
    assert _get(live_server, **_bearer(tokens["refresh_token"])).status_code == 401


def test_a_disabled_user_is_out_by_whatever_they_hold(live_server: RunningServer, person: Person, cookie: str) -> None:
    token = id_token(live_server, person)
    held = (_bearer(token), {"Cookie": cookie}, _bearer(cookie))
    assert [_get(live_server, **each).status_code for each in held] == [200, 200, 200]
    administrator(live_server).post("/v1/api/users/deactivate", {"email": person.email})
    assert eventually(lambda: [_get(live_server, **each).status_code for each in held] == [401, 401, 401], seconds=2)


def test_the_scope_groups_is_what_tells_of_groups(live_server: RunningServer, person: Person) -> None:
    form = {"grant_type": "password", "client_id": "sd-api", "username": person.email, "password": person.password}
    key = RSAKey.import_key((live_server.data / "keys" / "signing.pem").read_bytes())
    for scope, told in (("openid groups", []), ("openid", None)):
        tokens = ask_token(live_server, **{**form, "scope": scope}).json()
        for name in ("id_token", "access_token"):
            assert jwt.decode(tokens[name], key, algorithms=["RS256"]).claims.get("groups") == told
        path = "/auth/realms/deploy-realm/protocol/openid-connect/userinfo"
        assert _get(live_server, path, **_bearer(tokens["access_token"])).json().get("groups") == told


@pytest.mark.parametrize("empty", ["Bearer ", "Bearer", "bearer  ", ""])
def test_an_empty_bearer_falls_through_to_the_cookie(live_server: RunningServer, cookie: str, empty: str) -> None:
    assert _get(live_server, Authorization=empty, Cookie=cookie).status_code == 200
    assert _get(live_server, Authorization=empty).status_code == 401


@pytest.mark.parametrize(
    "written",
    ["{}", "{}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600", "other=1; {}", "theme=dark;{} ;x", "=; ;;{}"],
)
def test_a_cookie_is_found_however_it_is_sent(live_server: RunningServer, cookie: str, written: str) -> None:
    assert _get(live_server, Cookie=written.format(cookie)).status_code == 200


@pytest.mark.parametrize("written", ["{}; Path=/; HttpOnly", "{}", "{};Max-Age=1"])
def test_a_cookie_may_stand_where_a_token_belongs_and_beats_a_stale_one(
    live_server: RunningServer, cookie: str, written: str
) -> None:
    stale = "modelyard-api-session=stale"
    assert _get(live_server, Cookie=stale).status_code == 401
    assert _get(live_server, Cookie=stale, **_bearer(written.format(cookie))).status_code == 200
    assert _get(live_server, Cookie=cookie, **_bearer(stale)).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "x" * 10_000, "\xe4\xff", '"quoted"', "a=b=c", "%00"])
def test_a_made_up_cookie_opens_nothing(live_server: RunningServer, value: str) -> None:
    for headers in ({"Cookie": f"modelyard-api-session={value}"}, _bearer(f"modelyard-api-session={value}; Path=/")):
        latin = {name: text.encode("latin-1") for name, text in headers.items()}
        answer = Caller(live_server.url).call("GET", _USER, headers=latin)
        assert answer.status_code == 401, answer.text


def test_a_cookie_opens_nothing_elsewhere(live_server: RunningServer, cookie: str) -> None:
    for method, path in _ELSEWHERE:
        for headers in ({"Cookie": cookie}, _bearer(cookie)):
            answer = Caller(live_server.url).call(method, path, json={}, headers=headers)
            assert answer.status_code == 401, f"{path}: {answer.text}"


def test_the_cookie_of_the_sign_in_pages_is_another_one(live_server: RunningServer, cookie: str) -> None:
    value = cookie.partition("=")[2]
    path = "/auth/realms/master/protocol/openid-connect/logout"
    page = _get(live_server, path, Cookie=f"modelyard-session={value}")
    assert "You are signed in as" not in page.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Sec-Fetch-Site": "same-origin"}, 400),
        ({"Sec-Fetch-Site": "none"}, 400),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "{own}"}, 400),
        ({"Origin": "{own}.evil.example"}, 403),
    ],
    ids=str,
)
def test_the_page_of_another_site_changes_nothing_by_a_cookie(
    live_server: RunningServer, cookie: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(own=live_server.url) for name, value in headers.items()}
    policy = {"userGrants": [{"user": "*", "permission": {"action": "none", "resource": "project/x"}}]}
    answer = Caller(live_server.url).call("POST", f"{API}/iam/policy", json=policy, headers={"Cookie": cookie, **sent})
    assert answer.status_code == status, answer.text
    assert _get(live_server, Cookie=cookie, **sent).status_code == 200


def test_a_bearer_token_is_taken_from_whatever_origin(live_server: RunningServer, person: Person) -> None:
    headers = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}
    answer = Caller(live_server.url, id_token(live_server, person)).call(
        "POST", f"{API}/iam/policy", json={}, headers=headers
    )
    assert answer.status_code == 200


def test_who_is_refused_gets_no_further(live_server: RunningServer) -> None:
    for content in (b"{", b"x" * 100_000, b""):
        answer = Caller(live_server.url, "none").call("POST", f"{API}/iam/users", data=content)
        assert answer.status_code == 401
        assert answer.json()["code"] == 401
        assert answer.headers["x-request-id"] == answer.json()["requestId"]


def test_under_https_the_cookie_belongs_to_this_host_alone(start_server: StartServer) -> None:
    server = start_server(public_url="https://ml.example.com")
    person = invite(server, "tls")
    given = log_in(server, person).headers["set-cookie"]
    assert given.startswith("__Host-modelyard-api-session=")
    assert {"Secure", "Path=/", "HttpOnly", "SameSite=Lax"} <= set(given.split("; "))
    assert _get(server, Cookie=given).status_code == 200
    assert _get(server, Cookie=given.removeprefix("__Host-")).status_code == 401
    own = {"Cookie": given, "Origin": "https://ml.example.com"}
    assert Caller(server.url).call("POST", f"{API}/iam/policy", json={}, headers=own).status_code == 200
