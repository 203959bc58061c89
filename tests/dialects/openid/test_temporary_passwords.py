"""A temporary password opens nothing but the page on which another one is chosen."""

import base64
import uuid
from dataclasses import replace

import pytest
from apps import App, log_in, register

from browser import Browser
from running import RunningServer
from wire import TOKEN, Caller, Person, administrator, invite, sign_in

NEW = "chosen by myself 42"
CURRENT = "/api/2.0/mlflow/users/current"


def reset(server: RunningServer, person: Person, *, temporary: bool) -> Person:
    """The person after an administrator gave them another password."""
    password = uuid.uuid4().hex
    path = f"/auth/admin/realms/master/users/{person.id}/reset-password"
    body = {"type": "password", "value": password, "temporary": temporary}
    assert administrator(server).call("PUT", path, json=body).status_code == 204
    return replace(person, password=password)


@pytest.fixture
def app(live_server: RunningServer) -> App:
    return register(live_server)


@pytest.fixture
def newcomer(live_server: RunningServer) -> Person:
    return reset(live_server, invite(live_server, "new"), temporary=True)


def test_the_sign_in_is_complete_once_a_password_was_chosen(
    live_server: RunningServer, browser: Browser, app: App, newcomer: Person
) -> None:
    page = log_in(browser, app.ask(browser), newcomer)
    assert (page.status, set(page.form.fields)) == (
        200, {"csrf", "user_id", "since", "username", "new_password", "repeated"},
    )  # fmt: skip
    assert app.ask(browser, prompt="none").reply["error"] == "login_required"
    back = browser.submit(page, "login", new_password=NEW, repeated=NEW)
    assert app.redeem(back.reply["code"]).status_code == 200
    assert sign_in(live_server, newcomer.email, NEW).token
    assert browser.submit(page, "login", new_password="another one 43", repeated="another one 43").status == 403
    about = {"actor_id": newcomer.id, "action": "user.password"}
    [entry] = administrator(live_server).call("GET", "/api/v1/audit", params=about).json()["items"]
    assert (entry["details"]["temporary"], entry["address"]) == (False, "127.0.0.1")


def test_a_choice_that_does_not_do_is_told_why_and_can_be_made_again(
    browser: Browser, app: App, newcomer: Person
) -> None:
    page = log_in(browser, app.ask(browser), newcomer)
    for new, repeated, words in (
        ("short", "short", "8 to 1024 characters"),
        ("password123", "password123", "easy to guess"),
        (NEW, f"{NEW}!", "differ"),
        (newcomer.password, newcomer.password, "temporary password"),
    ):
        page = browser.submit(page, "login", new_password=new, repeated=repeated)
        assert page.status == 400
        assert words in page.text
        assert new not in page.text
    assert "code" in browser.submit(page, "login", new_password=NEW, repeated=NEW).reply


def test_nobody_chooses_a_password_for_another(
    live_server: RunningServer, browser: Browser, app: App, newcomer: Person, person: Person
) -> None:
    page = log_in(browser, app.ask(browser), newcomer)
    other = reset(live_server, person, temporary=True)
    chosen = {"new_password": NEW, "repeated": NEW}
    long_ago = str(int(page.form.fields["since"]) - 601)
    for forged in ({"csrf": "x"}, {"user_id": other.id}, {"user_id": "nobody"}, {"since": long_ago}, {"since": "²"}):
        assert browser.submit(page, "login", **chosen, **forged).status == 403
    elsewhere = Browser(live_server.url)
    assert elsewhere.submit(page, "login", **chosen).status == 403
    newer = reset(live_server, newcomer, temporary=True)
    assert browser.submit(page, "login", **chosen).status == 403
    assert "new_password" in log_in(browser, app.ask(browser), newer).form.fields


def test_programs_are_told_as_keycloak_tells_them(live_server: RunningServer, newcomer: Person) -> None:
    form = {"grant_type": "password", "client_id": "sdk-client", "username": newcomer.email}
    nobody = Caller(live_server.url)
    right = nobody.call("POST", TOKEN, data={**form, "password": newcomer.password})
    assert right.status_code == 400
    assert right.json() == {"error": "invalid_grant", "error_description": "Account is not fully set up"}
    wrong = nobody.call("POST", TOKEN, data={**form, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["error_description"]) == (401, "Invalid user credentials")


def test_basic_is_refused_with_what_to_do_and_a_personal_token_goes_on(
    live_server: RunningServer, person: Person
) -> None:
    caller = sign_in(live_server, person.email, person.password)
    personal = caller.post("/api/v1/tokens", {"name": "laptop"}, 201)["token"]

    def ask(password: str) -> tuple[int, str]:
        basic = base64.b64encode(f"{person.email}:{password}".encode()).decode()
        answer = Caller(live_server.url).call("GET", CURRENT, headers={"Authorization": f"Basic {basic}"})
        return answer.status_code, answer.text

    assert ask(person.password)[0] == 200
    temporary = reset(live_server, person, temporary=True)
    status, text = ask(temporary.password)
    assert status == 401
    assert "choose a new one" in text
    assert ask(personal)[0] == 200
    assert Caller(live_server.url, personal).call("GET", CURRENT).status_code == 200
    lasting = reset(live_server, person, temporary=False)
    assert ask(lasting.password)[0] == 200
    assert sign_in(live_server, lasting.email, lasting.password).token
