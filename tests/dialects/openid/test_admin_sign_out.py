"""What administrators end by Keycloak's calls, people and their clients notice: sessions, consents, whole clients."""

from typing import Any

import pytest
from apps import App, log_in, opens, register

from browser import Browser
from running import RunningServer, eventually
from wire import Caller, Person, administrator

_REALM = "/auth/admin/realms/master"


@pytest.fixture
def root(live_server: RunningServer) -> Caller:
    return administrator(live_server)


def _session(tokens: dict[str, Any]) -> str:
    return str(tokens["session_state"])


def test_signing_a_user_out_ends_their_browser_and_their_tokens(
    live_server: RunningServer, root: Caller, browser: Browser, person: Person
) -> None:
    app = register(live_server)
    log_in(browser, app.ask(browser), person)
    tokens, code = app.tokens(browser), app.code(browser)
    assert root.call("POST", f"{_REALM}/users/{person.id}/logout").status_code == 204
    assert app.ask(browser, prompt="none").reply["error"] == "login_required"
    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert app.refresh(tokens).json()["error"] == "invalid_grant"
    assert eventually(lambda: not opens(live_server, tokens["access_token"]), seconds=2)


def test_ending_one_session_ends_the_browser_it_began_in(
    live_server: RunningServer, root: Caller, browser: Browser, person: Person
) -> None:
    first, second = register(live_server), register(live_server)
    log_in(browser, first.ask(browser), person)
    tokens, others = first.tokens(browser), second.tokens(browser)
    assert root.call("DELETE", f"{_REALM}/sessions/{_session(tokens)}").status_code == 204
    assert [app.refresh(held).status_code for app, held in ((first, tokens), (second, others))] == [400, 400]
    assert second.ask(browser, prompt="none").reply["error"] == "login_required"


def test_a_withdrawn_consent_ends_what_the_client_has_and_is_asked_for_again(
    live_server: RunningServer, root: Caller, browser: Browser, person: Person
) -> None:
    app = register(live_server, consentRequired=True)
    browser.submit(log_in(browser, app.ask(browser), person), "approve")
    tokens = app.tokens(browser)
    consents = f"{_REALM}/users/{person.id}/consents"
    [shown] = root.call("GET", consents).json()
    assert (shown["clientId"], shown["additionalGrants"]) == (app.id, [])
    assert "openid" in shown["grantedClientScopes"]
    assert [root.call("DELETE", f"{consents}/{app.id}").status_code for _ in range(2)] == [204, 404]
    assert root.call("GET", consents).json() == []
    assert app.refresh(tokens).json()["error"] == "invalid_grant"
    assert app.ask(browser, prompt="none").reply["error"] == "consent_required"


def test_a_removed_client_is_gone_with_all_it_was_given(
    live_server: RunningServer, root: Caller, browser: Browser, person: Person
) -> None:
    app, other = register(live_server), register(live_server)
    log_in(browser, app.ask(browser), person)
    tokens, others = app.tokens(browser), other.tokens(browser)
    app.code(browser)
    assert app.post("/auth/device").status_code == 200
    assert root.call("DELETE", f"{_REALM}/clients/{app.id}").status_code == 204
    assert app.ask(browser).status == 400
    assert app.refresh(tokens).json()["error"] == "invalid_client"
    assert eventually(lambda: not opens(live_server, tokens["access_token"]), seconds=2)
    assert opens(live_server, others["access_token"])


def test_a_client_that_is_sent_back_as_it_was_shown_stays_as_it_is(live_server: RunningServer, root: Caller) -> None:
    app = register(live_server, consentRequired=True, directAccessGrantsEnabled=True)
    place = f"{_REALM}/clients/{app.id}"
    shown = root.call("GET", place).json()
    assert root.call("PUT", place, json=shown).status_code == 204
    assert root.call("GET", place).json() == shown
    assert App(live_server, app.id, app.secret).post("/auth/device").status_code == 200
