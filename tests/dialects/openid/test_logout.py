"""Signing out, revoking and introspecting on a running server."""

import time
from typing import Any

import pytest
from apps import PROTOCOL, SIGNED_OUT, App, log_in, opens, register

from browser import Browser
from running import RunningServer, StartServer, eventually
from wire import Caller, Person, administrator, invite


@pytest.fixture
def app(live_server: RunningServer) -> App:
    return register(live_server)


@pytest.fixture
def signed_in(browser: Browser, app: App, person: Person) -> Browser:
    log_in(browser, app.ask(browser), person)
    return browser


def is_out(app: App, tokens: dict[str, Any]) -> bool:
    """Whether neither the access token nor the refresh token is good; the first within a second."""
    closed = eventually(lambda: not opens(app.server, tokens["access_token"]), seconds=1)
    return closed and app.refresh(tokens).json().get("error") == "invalid_grant"


def test_an_id_token_of_this_very_sign_in_signs_out_without_a_question(signed_in: Browser, app: App) -> None:
    tokens, other = app.tokens(signed_in), register(app.server)
    others = other.tokens(signed_in)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": SIGNED_OUT, "state": "a b"}
    page = signed_in.get(f"{PROTOCOL}/logout", params=query)
    assert page.location == f"{SIGNED_OUT}?state=a%20b"
    assert app.ask(signed_in, prompt="none").reply["error"] == "login_required"
    assert is_out(app, tokens)
    assert is_out(other, others)


def test_without_one_people_are_asked(signed_in: Browser, app: App, person: Person) -> None:
    tokens = app.tokens(signed_in)
    page = signed_in.get(f"{PROTOCOL}/logout")
    assert person.email in page.text
    assert signed_in.submit(page, "logout", csrf="x").status == 403
    assert opens(app.server, tokens["access_token"])
    assert "You are signed out" in signed_in.submit(page, "logout").text
    assert is_out(app, tokens)
    assert "modelyard-session" not in signed_in.cookies


def test_anothers_id_token_asks_too(signed_in: Browser, app: App, person: Person) -> None:
    elsewhere = Browser(app.server.url)
    log_in(elsewhere, app.ask(elsewhere), person)
    hint = app.tokens(elsewhere)["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": SIGNED_OUT}
    page = signed_in.get(f"{PROTOCOL}/logout", params=query)
    assert page.status == 200
    assert signed_in.submit(page, "logout").location == SIGNED_OUT


def test_logout_may_be_asked_for_by_post(signed_in: Browser, app: App) -> None:
    tokens = app.tokens(signed_in)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": SIGNED_OUT}
    led_on = signed_in.post(f"{PROTOCOL}/logout", query)
    assert signed_in.get(led_on.location).location == SIGNED_OUT


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        f"{SIGNED_OUT}/",
        f"{SIGNED_OUT}?x=1",
        f"{SIGNED_OUT}#x",
        "https://app.example.com@evil.example/bye",
        "https://app.example.com/%62ye",
        "https://app.example.com/callback",
        "//app.example.com/bye",
        "javascript:alert(1)",
    ],
)
def test_no_trick_moves_the_browser_after_signing_out(signed_in: Browser, app: App, uri: str) -> None:
    tokens = app.tokens(signed_in)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": uri}
    page = signed_in.get(f"{PROTOCOL}/logout", params=query)
    assert page.status == 400
    assert "location" not in page.answer.headers
    assert opens(app.server, tokens["access_token"])


def test_an_address_to_go_to_needs_a_client_and_a_true_hint(signed_in: Browser, app: App) -> None:
    tokens = app.tokens(signed_in)
    logout = f"{PROTOCOL}/logout"
    target = {"post_logout_redirect_uri": SIGNED_OUT}
    assert signed_in.get(logout, params=target).status == 400
    assert signed_in.get(logout, params={**target, "id_token_hint": tokens["access_token"]}).status == 400
    assert signed_in.get(logout, params={**target, "id_token_hint": "a.b.c"}).status == 400
    other = {"client_id": register(app.server).id, "id_token_hint": tokens["id_token"]}
    assert signed_in.get(logout, params={**target, **other}).status == 400
    page = signed_in.get(logout, params={**target, "client_id": app.id})
    assert signed_in.submit(page, "logout").location == SIGNED_OUT


def test_a_session_for_the_time_after_survives_the_browser(signed_in: Browser, app: App) -> None:
    kept = app.tokens(signed_in, scope="openid offline_access")
    signed_in.submit(signed_in.get(f"{PROTOCOL}/logout"), "logout")
    time.sleep(0.5)
    assert opens(app.server, kept["access_token"])
    assert app.refresh(kept).status_code == 200


def test_a_refresh_token_signs_out_as_in_keycloak(signed_in: Browser, app: App) -> None:
    tokens = app.tokens(signed_in)
    assert register(app.server).post("/logout", refresh_token=tokens["refresh_token"]).status_code == 400
    assert app.post("/logout", refresh_token="a.b.c").json()["error"] == "invalid_grant"
    assert Caller(app.server.url).call("POST", f"{PROTOCOL}/logout", data={"refresh_token": "x"}).status_code == 401
    assert app.post("/logout", refresh_token=tokens["refresh_token"]).status_code == 204
    assert is_out(app, tokens)
    assert app.ask(signed_in, prompt="none").reply["error"] == "login_required"


def test_a_revoked_access_token_is_out_and_its_session_goes_on(signed_in: Browser, app: App) -> None:
    tokens = app.tokens(signed_in)
    sibling = app.refresh(tokens).json()
    assert app.post("/revoke", token=tokens["access_token"], token_type_hint="access_token").status_code == 200
    assert eventually(lambda: not opens(app.server, tokens["access_token"]), seconds=1)
    assert opens(app.server, sibling["access_token"])
    assert app.refresh(sibling).status_code == 200
    assert app.post("/revoke", token=tokens["access_token"]).status_code == 200


def test_a_revoked_refresh_token_ends_its_session(signed_in: Browser, app: App) -> None:
    tokens = app.tokens(signed_in)
    assert app.post("/revoke", token=tokens["refresh_token"], token_type_hint="wrong hint").status_code == 200
    assert is_out(app, tokens)
    assert "code" in app.ask(signed_in, prompt="none").reply


def test_revocation_is_for_the_tokens_client_and_knows_unknown_tokens(signed_in: Browser, app: App) -> None:
    tokens, other = app.tokens(signed_in), register(app.server)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert other.post("/revoke", token=token).json()["error"] == "invalid_grant"
    assert app.post("/revoke", token="unknown").status_code == 200
    assert app.post("/revoke").json()["error"] == "invalid_request"
    nobody = Caller(app.server.url).call("POST", f"{PROTOCOL}/revoke", data={"token": tokens["access_token"]})
    assert nobody.status_code == 401
    assert opens(app.server, tokens["access_token"])


def test_introspection_tells_clients_with_a_secret_and_nobody_else(
    signed_in: Browser, app: App, person: Person
) -> None:
    tokens, public = app.tokens(signed_in), register(app.server, public=True)
    answer = app.post("/token/introspect", token=tokens["access_token"])
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["active"] is True
    assert (told["client_id"], told["username"], told["sub"]) == (app.id, person.email, person.id)
    assert told["token_type"] == "Bearer"
    assert app.post("/token/introspect", token=tokens["refresh_token"]).json()["active"] is True
    service = register(app.server)
    assert service.post("/token/introspect", token=tokens["access_token"]).json()["active"] is True
    assert service.post("/token/introspect", token=tokens["refresh_token"]).json() == {"active": False}
    for refused in (
        public.post("/token/introspect", token=tokens["access_token"]),
        Caller(app.server.url).call("POST", f"{PROTOCOL}/token/introspect", data={"token": tokens["access_token"]}),
    ):
        assert refused.status_code == 401
        assert refused.json()["error"] == "invalid_client"
    for other in ("unknown", tokens["id_token"], "x" * 3_000):
        assert app.post("/token/introspect", token=other).json() == {"active": False}


def test_what_ended_is_inactive_and_says_nothing_else(signed_in: Browser, app: App, person: Person) -> None:
    revoked, ended, disabled = (app.tokens(signed_in) for _ in range(3))
    app.post("/revoke", token=revoked["access_token"])
    app.post("/revoke", token=ended["refresh_token"])
    administrator(app.server).post("/v1/api/users/deactivate", {"email": person.email})
    dead = [revoked["access_token"], ended["access_token"], ended["refresh_token"]]
    for token in [*dead, disabled["access_token"], disabled["refresh_token"]]:
        assert app.post("/token/introspect", token=token).json() == {"active": False}


def test_what_users_and_clients_end_is_on_record_with_who_and_from_where(
    signed_in: Browser, app: App, person: Person
) -> None:
    first, second, third = (app.tokens(signed_in) for _ in range(3))
    for _ in range(2):
        assert app.post("/revoke", token=first["access_token"]).status_code == 200
        assert app.post("/revoke", token=second["refresh_token"]).status_code == 200
    assert app.post("/logout", refresh_token=third["refresh_token"]).status_code == 204
    log_in(signed_in, app.ask(signed_in), person)
    hint = {"id_token_hint": app.tokens(signed_in)["id_token"]}
    signed_in.get(f"{PROTOCOL}/logout", params=hint)
    log = administrator(app.server).call("GET", "/api/v1/audit", params={"actor_id": person.id}).json()["items"]
    ends = [entry for entry in reversed(log) if entry["action"] != "session.login"]
    assert [(entry["action"], entry["object_type"], entry["client_id"]) for entry in ends] == [
        ("token.revoke", "access_token", app.id),
        ("session.revoke", "session", app.id),
        ("session.logout", "session", app.id),
        ("session.logout", "browser", None),
    ]
    assert {entry["address"] for entry in log} == {"127.0.0.1"}


def test_a_clients_own_token_can_be_revoked_too(live_server: RunningServer) -> None:
    app = register(live_server, serviceAccountsEnabled=True)
    token = app.post("/token", grant_type="client_credentials").json()["access_token"]
    userinfo = f"{PROTOCOL}/userinfo"
    assert Caller(live_server.url, token).call("GET", userinfo).status_code == 200
    assert app.post("/revoke", token=token).status_code == 200
    assert eventually(lambda: Caller(live_server.url, token).call("GET", userinfo).status_code == 401, seconds=1)


def test_signing_out_reaches_every_worker_within_a_second(start_server: StartServer) -> None:
    server = start_server(workers=2)
    app, browser, person = register(server), Browser(server.url), invite(server, "out")
    log_in(browser, app.ask(browser), person)
    tokens, single = app.tokens(browser), app.tokens(browser)
    assert all(opens(server, each["access_token"]) for each in (tokens, single) for _ in range(20))
    app.post("/revoke", token=single["access_token"])
    time.sleep(1)
    assert not any(opens(server, single["access_token"]) for _ in range(20))
    assert opens(server, tokens["access_token"])
    app.post("/logout", refresh_token=tokens["refresh_token"])
    time.sleep(1)
    assert not any(opens(server, tokens["access_token"]) for _ in range(20))
