"""The authorization code flow of a running server, by a browser that runs no script."""

import time
from typing import Any

import pytest
from apps import CALLBACK, PROTOCOL, App, challenge, log_in, opens, register
from joserfc import jwt
from joserfc.jwk import KeySet

from browser import Browser
from running import RunningServer, StartServer, eventually
from wire import Caller, Person, administrator, invite


@pytest.fixture
def app(live_server: RunningServer) -> App:
    return register(live_server)


@pytest.fixture
def public(live_server: RunningServer) -> App:
    return register(live_server, public=True)


@pytest.fixture
def signed_in(browser: Browser, app: App, person: Person) -> Browser:
    log_in(browser, app.ask(browser), person)
    return browser


def claims(server: RunningServer, token: str) -> dict[str, Any]:
    certs = Caller(server.url).call("GET", f"{PROTOCOL}/certs").json()
    return dict(jwt.decode(token, KeySet.import_key_set(certs)).claims)


def test_a_person_signs_in_and_the_client_gets_tokens(
    live_server: RunningServer, browser: Browser, app: App, person: Person
) -> None:
    page = app.ask(browser)
    assert page.status == 200
    assert app.id in page.text
    back = log_in(browser, page, person)
    assert back.location.startswith(f"{CALLBACK}?")
    assert back.reply["state"] == "some state"
    assert back.reply["iss"] == f"{live_server.url}/auth/realms/master"
    answer = app.redeem(back.reply["code"])
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    who = claims(live_server, tokens["id_token"])
    assert who["nonce"] == "some nonce"
    assert who["aud"] == app.id
    assert who["iss"] == back.reply["iss"]
    assert abs(who["auth_time"] - time.time()) < 30
    assert claims(live_server, tokens["access_token"])["sid"] == who["sid"]
    assert opens(live_server, tokens["access_token"])
    assert app.refresh(tokens).status_code == 200


def test_one_sign_in_serves_all_clients(signed_in: Browser, public: App, app: App) -> None:
    assert public.redeem(public.code(signed_in)).status_code == 200
    assert app.redeem(app.code(signed_in)).status_code == 200


def test_a_client_may_ask_by_post(signed_in: Browser, app: App) -> None:
    led_on = signed_in.post(
        f"{PROTOCOL}/auth", app.query(), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert "code" in signed_in.get(led_on.location).reply


def test_wrong_passwords_and_unknown_users_look_the_same(browser: Browser, app: App, person: Person) -> None:
    page = app.ask(browser)
    wrong = browser.submit(page, "login", username=person.email, password="wrong")
    unknown = browser.submit(page, "login", username="nobody@example.com", password="wrong")
    assert wrong.status == unknown.status == 400
    assert wrong.text.replace(person.email, "…") == unknown.text.replace("nobody@example.com", "…")
    assert 'role="alert"' in wrong.text
    assert "code" in log_in(browser, wrong, person).reply


def test_pages_are_for_one_person_and_one_window(browser: Browser, app: App) -> None:
    page = app.ask(browser, login_hint='"><script>alert(1)</script>')
    headers = page.answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.com;" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert page.form.fields["username"] == '"><script>alert(1)</script>'


def test_cookies_are_for_the_server_alone_and_change_at_each_login(browser: Browser, app: App, person: Person) -> None:
    page = app.ask(browser)
    before = browser.cookies
    assert set(before) == {"modelyard-form"}
    back = log_in(browser, page, person)
    for cookie in back.answer.raw.headers.getlist("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
    first = browser.cookies
    assert first["modelyard-form"] != before["modelyard-form"]
    log_in(browser, app.ask(browser, prompt="login"), person)
    assert browser.cookies["modelyard-session"] != first["modelyard-session"]
    old = browser.get(
        f"{PROTOCOL}/auth?{app.query(prompt='none')}", cookies={"modelyard-session": first["modelyard-session"]}
    )
    assert old.reply["error"] == "login_required"


def test_under_https_no_other_host_can_set_the_cookies(start_server: StartServer) -> None:
    server = start_server(public_url="https://models.example.com")
    answer = Caller(server.url).call("GET", f"{PROTOCOL}/auth?{register(server).query()}")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-modelyard-form=")
    assert "Secure" in cookie


def test_sessions_of_browsers_end_when_idle_and_at_last(start_server: StartServer) -> None:
    server = start_server(browser_session_idle_seconds=2, browser_session_seconds=5)
    app, person, browser = register(server), invite(server, "idle"), Browser(server.url)
    begun = time.monotonic()
    log_in(browser, app.ask(browser), person)
    while time.monotonic() - begun < 3.5:
        assert "code" in app.ask(browser, prompt="none").reply
        time.sleep(0.7)
    assert eventually(lambda: app.ask(browser, prompt="none").reply.get("error") == "login_required", seconds=4)
    log_in(browser, app.ask(browser), person)
    time.sleep(2.3)
    assert app.ask(browser, prompt="none").reply["error"] == "login_required"


@pytest.mark.parametrize("csrf", ["", "x" * 43, "other"])
def test_a_login_form_from_elsewhere_signs_nobody_in(
    live_server: RunningServer, browser: Browser, app: App, person: Person, csrf: str
) -> None:
    page = app.ask(browser)
    if csrf == "other":
        csrf = app.ask(Browser(live_server.url)).form.fields["csrf"]
    refused = browser.submit(page, "login", username=person.email, password=person.password, csrf=csrf)
    assert refused.status == 403
    assert "modelyard-session" not in browser.cookies
    assert "code" in log_in(browser, refused, person).reply


def test_a_proof_for_one_request_is_none_for_another(browser: Browser, app: App, public: App, person: Person) -> None:
    proof = app.ask(browser).form.fields["csrf"]
    other = public.ask(browser)
    refused = browser.submit(other, "login", username=person.email, password=person.password, csrf=proof)
    assert refused.status == 403


def test_prompt_and_age_decide_whether_people_are_asked(signed_in: Browser, app: App, person: Person) -> None:
    fresh = Browser(app.server.url)
    assert app.ask(fresh, prompt="none").reply["error"] == "login_required"
    assert "code" in app.ask(signed_in, prompt="none").reply
    assert app.ask(signed_in, prompt="login").status == 200
    assert "code" in log_in(signed_in, app.ask(signed_in, prompt="login"), person).reply
    assert app.ask(signed_in, prompt="none login").reply["error"] == "invalid_request"
    assert app.ask(signed_in, prompt="magic").reply["error"] == "invalid_request"
    assert "code" in app.ask(signed_in, max_age="1000").reply
    time.sleep(1.1)
    assert app.ask(signed_in, max_age="1").status == 200
    assert app.ask(signed_in, max_age="1", prompt="none").reply["error"] == "login_required"
    assert "code" in log_in(signed_in, app.ask(signed_in, max_age="0"), person).reply


def test_a_hint_at_another_user_gives_no_tokens(
    live_server: RunningServer, signed_in: Browser, app: App, person: Person
) -> None:
    hint = app.tokens(signed_in)["id_token"]
    assert "code" in app.ask(signed_in, id_token_hint=hint, prompt="none").reply
    other = invite(live_server, "other")
    elsewhere = Browser(live_server.url)
    assert log_in(elsewhere, app.ask(elsewhere, id_token_hint=hint), other).reply["error"] == "login_required"
    assert app.ask(elsewhere, id_token_hint=hint, prompt="none").reply["error"] == "login_required"


def test_consent_is_asked_once_where_it_is_needed(live_server: RunningServer, browser: Browser, person: Person) -> None:
    app = register(live_server, consentRequired=True)
    page = log_in(browser, app.ask(browser), person)
    assert page.status == 200
    assert app.id in page.text
    assert app.ask(browser, prompt="none").reply["error"] == "consent_required"
    denied = browser.submit(page, "deny")
    assert denied.reply["error"] == "access_denied"
    assert denied.reply["state"] == "some state"
    forged = browser.submit(app.ask(browser), "approve", csrf="x")
    assert forged.status == 200
    assert app.ask(browser, prompt="none").reply["error"] == "consent_required"
    assert "code" in browser.submit(app.ask(browser), "approve").reply
    assert "code" in app.ask(browser, prompt="none").reply
    assert app.ask(browser, scope="openid offline_access").status == 200
    assert app.ask(browser, prompt="consent").status == 200


def test_consent_and_a_new_login_can_both_be_asked_for(
    live_server: RunningServer, signed_in: Browser, app: App, person: Person
) -> None:
    page = log_in(signed_in, app.ask(signed_in, prompt="login consent"), person)
    assert "code" in signed_in.submit(page, "approve").reply


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "openid root"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://x.io/r"}, "request_uri_not_supported"),
        ({"nonce": "n" * 3_000}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_with_the_reason(
    browser: Browser, public: App, changed: dict[str, str | None], error: str
) -> None:
    back = public.ask(browser, **changed)
    assert back.location.startswith(f"{CALLBACK}?")
    assert back.reply["error"] == error
    assert back.reply["error_description"]
    assert back.reply["state"] == "some state"
    assert back.reply["iss"].endswith("/auth/realms/master")
    assert "code" not in back.reply


def test_parameters_given_twice_are_refused(browser: Browser, app: App) -> None:
    path = f"{PROTOCOL}/auth?{app.query()}"
    assert browser.get(f"{path}&scope=email").reply["error"] == "invalid_request"
    assert "state" not in browser.get(f"{path}&state=x").reply
    for name in ("client_id", "redirect_uri"):
        assert browser.get(f"{path}&{name}=https%3A%2F%2Fevil.example").status == 400


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/callback/",
        "https://app.example.com/callback?x=1",
        "https://app.example.com/callback?",
        "https://app.example.com/callback#",
        "https://app.example.com/callback#x",
        "https://app.example.com/callback/..",
        "https://app.example.com/x/../callback",
        "https://app.example.com//callback",
        "https://app.example.com/%63allback",
        "https://app.example.com/callback%2f",
        "https://app.example.com\\callback",
        "https://app.example.com/Callback",
        "https://APP.example.com/callback",
        "HTTPS://app.example.com/callback",
        "http://app.example.com/callback",
        "https://app.example.com:443/callback",
        "https://app.example.com:8443/callback",
        "https://app.example.com./callback",
        "https://app.example.com.evil.example/callback",
        "https://evil.example/https://app.example.com/callback",
        "https://app.example.com@evil.example/callback",
        "https://evil.example\\@app.example.com/callback",
        "https://user@app.example.com/callback",
        "https://evil.example/callback",
        "//app.example.com/callback",
        "/callback",
        "javascript:alert(1)//https://app.example.com/callback",
        "data:text/html,hello",
        " https://app.example.com/callback",
        "https://app.example.com/callback ",
        "https://app.example.com/callback\r\nSet-Cookie: a=b",
        "https://app.example.com/callback\0",
        "https://*.example.com/callback",
    ],
)
def test_no_trick_with_the_redirect_uri_moves_the_browser(signed_in: Browser, app: App, uri: str) -> None:
    page = app.ask(signed_in, redirect_uri=uri)
    assert page.status == 400
    assert "location" not in page.answer.headers
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("http://127.0.0.1:49152/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]:49152/callback", True),
        ("http://localhost:49152/callback", False),
        ("http://127.0.0.1:49152/other", False),
        ("http://127.0.0.1:49152/callback?x=1", False),
        ("http://127.0.0.1:0/callback", False),
        ("http://127.0.0.1:99999/callback", False),
        ("http://127.0.0.1:x/callback", False),
        ("http://127.0.0.1:1@evil.example/callback", False),
        ("http://127.0.0.1.evil.example/callback", False),
        ("http://127.0.0.2:49152/callback", False),
        ("http://127.1:49152/callback", False),
        ("https://127.0.0.1:49152/callback", False),
        ("http://[::]:49152/callback", False),
        ("http://[0:0:0:0:0:0:0:1]:49152/callback", False),
    ],
)
def test_programs_listen_on_any_port_of_their_own_machine(
    live_server: RunningServer, browser: Browser, uri: str, good: bool
) -> None:
    page = App(live_server, "sdk-client", None).ask(browser, redirect_uri=uri)
    assert page.status == (200 if good else 400)
    assert "location" not in page.answer.headers


def test_addresses_on_the_server_itself_are_registered_as_paths(
    live_server: RunningServer, browser: Browser, person: Person
) -> None:
    callback = f"{live_server.url}/seldon-deploy/auth/callback"
    seldon = App(live_server, "sd-api", None, callback)
    assert log_in(browser, seldon.ask(browser), person).location.startswith(callback)
    assert seldon.ask(browser, redirect_uri="https://evil.example/seldon-deploy/auth/callback").status == 400


def test_unknown_clients_and_those_without_the_flow_get_nowhere(browser: Browser, app: App) -> None:
    assert app.ask(browser, client_id="nobody").status == 400
    assert app.ask(browser, client_id=None).status == 400
    assert app.ask(browser, client_id="admin-cli").status == 400
    server = app.server
    other = register(server, standardFlowEnabled=False, directAccessGrantsEnabled=True)
    assert other.ask(browser).reply["error"] == "unauthorized_client"


def test_a_code_works_once_and_its_replay_ends_the_session(signed_in: Browser, app: App) -> None:
    code = app.code(signed_in)
    tokens = app.redeem(code).json()
    assert opens(app.server, tokens["access_token"])
    assert app.redeem(code).json() == {"error": "invalid_grant", "error_description": "Code not valid"}
    assert eventually(lambda: not opens(app.server, tokens["access_token"]), seconds=1)
    assert app.refresh(tokens).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_client_address_and_verifier(signed_in: Browser, app: App, public: App) -> None:
    other = "v" * 43
    answers = [
        public.redeem(app.code(signed_in), code_verifier=app.verifier),
        app.redeem(app.code(signed_in), redirect_uri=f"{CALLBACK}/"),
        app.redeem(app.code(signed_in), code_verifier=other),
        public.redeem(public.code(signed_in), code_verifier=challenge(public.verifier)),
        app.redeem("no such code"),
    ]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(400, "invalid_grant")}
    spoiled = app.code(signed_in)
    assert app.redeem(spoiled, code_verifier=other).status_code == 400
    assert app.redeem(spoiled).status_code == 400


def test_pkce_cannot_be_left_out_half_way(signed_in: Browser, app: App, public: App) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    assert app.post("/token", code=app.code(signed_in), **form).json()["error"] == "invalid_grant"
    assert public.post("/token", code=public.code(signed_in), **form).json()["error"] == "invalid_grant"
    assert app.redeem(app.code(signed_in, **without)).json()["error"] == "invalid_grant"
    assert app.post("/token", code=app.code(signed_in, **without), **form).status_code == 200
    assert app.redeem(app.code(signed_in), code_verifier="short").json()["error"] == "invalid_request"


def test_a_disabled_user_gets_no_tokens_for_a_code(signed_in: Browser, app: App, person: Person) -> None:
    code = app.code(signed_in)
    administrator(app.server).post("/v1/api/users/deactivate", {"email": person.email})
    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert app.ask(signed_in, prompt="none").reply["error"] == "login_required"


def test_another_user_in_the_same_browser_signs_the_first_one_out(
    live_server: RunningServer, signed_in: Browser, app: App
) -> None:
    first = app.tokens(signed_in)
    log_in(signed_in, app.ask(signed_in, prompt="select_account"), invite(live_server, "second"))
    assert app.tokens(signed_in)
    assert app.refresh(first).json()["error"] == "invalid_grant"


def test_guessing_on_the_page_is_slowed_as_everywhere(start_server: StartServer) -> None:
    server = start_server()
    person, browser = invite(server, "guessed"), Browser(server.url)
    page = register(server).ask(browser)
    for _ in range(60):
        page = browser.submit(page, "login", username=person.email, password="wrong")
        if page.status == 429:
            break
    assert page.status == 429
    assert int(page.answer.headers["retry-after"]) > 0
    assert 'role="alert"' in page.text


def test_people_sign_in_by_browser_where_programs_may_send_no_passwords(start_server: StartServer) -> None:
    server = start_server()
    app, person = register(server), invite(server, "strict")
    assert server.stop() == 0
    strict = start_server(data=server.data, password_grant="false")
    again = App(strict, app.id, app.secret)
    browser = Browser(strict.url)
    assert "code" in log_in(browser, again.ask(browser), person).reply
    refused = again.post("/token", grant_type="password", username=person.email, password=person.password)
    assert refused.json()["error"] == "unauthorized_client"
    found = Caller(strict.url).call("GET", "/auth/realms/master/.well-known/openid-configuration").json()
    assert "password" not in found["grant_types_supported"]
