"""The device flow of a running server: polling, deciding on a page, and guessing codes."""

import pytest
from apps import App, log_in, opens, register

from browser import Browser, Page
from running import RunningServer, StartServer
from wire import Person, administrator, invite

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def app(live_server: RunningServer) -> App:
    return register(live_server, public=True)


def begin(app: App) -> dict[str, str]:
    answer = app.post("/auth/device", scope="openid")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def poll(app: App, begun: dict[str, str]) -> tuple[int, str]:
    answer = app.post("/token", grant_type=_DEVICE, device_code=begun["device_code"])
    return answer.status_code, answer.json().get("error", "")


def confirmation(browser: Browser, begun: dict[str, str], person: Person) -> Page:
    return log_in(browser, browser.get(begun["verification_uri_complete"]), person)


def test_a_device_gets_its_tokens_once_its_person_allows_it(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    assert set(begun["user_code"].replace("-", "")) <= set("BCDFGHJKLMNPQRSTVWXZ")
    assert len(begun["user_code"]) == 9
    assert poll(app, begun) == (400, "authorization_pending")
    page = confirmation(browser, begun, person)
    assert app.id in page.text
    assert begun["user_code"] in page.text
    assert person.email in page.text
    assert poll(app, begun)[0] == 400
    assert browser.submit(page, "approve").status == 200
    answer = app.post("/token", grant_type=_DEVICE, device_code=begun["device_code"])
    tokens = answer.json()
    assert opens(app.server, tokens["access_token"])
    assert "id_token" in tokens
    assert app.refresh(tokens).status_code == 200
    assert poll(app, begun) == (400, "invalid_grant")


def test_people_may_type_the_code_in_their_own_way(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    ask = log_in(browser, browser.get(begun["verification_uri"]), person)
    typed = f" {begun['user_code'].replace('-', '').lower()} "
    page = browser.submit(ask, "enter", user_code=typed)
    assert begun["user_code"] in page.text
    assert "Connected" in browser.submit(page, "approve").text
    assert poll(app, begun)[0] == 200


def test_a_device_that_is_refused_is_told_so(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    page = confirmation(browser, begun, person)
    browser.submit(page, "deny")
    assert poll(app, begun) == (400, "access_denied")
    assert "There is no such code" in browser.submit(page, "approve").text
    assert poll(app, begun) == (400, "access_denied")


def test_a_device_that_asks_too_often_has_to_slow_down(app: App) -> None:
    begun = begin(app)
    assert [poll(app, begun)[1] for _ in range(3)] == ["authorization_pending", "slow_down", "slow_down"]


def test_a_device_code_is_bound_to_its_client(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    browser.submit(confirmation(browser, begun, person), "approve")
    assert poll(register(app.server), begun) == (400, "invalid_grant")
    assert poll(app, begun)[0] == 200


def test_a_decision_from_elsewhere_counts_for_nothing(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    page = confirmation(browser, begun, person)
    assert browser.submit(page, "approve", csrf="x" * 43).status == 403
    stranger = Browser(app.server.url)
    other = log_in(stranger, stranger.get(begun["verification_uri_complete"]), invite(app.server, "stranger"))
    assert browser.submit(page, "approve", csrf=other.form.fields["csrf"]).status == 403
    assert poll(app, begun)[1] == "authorization_pending"


def test_nobody_decides_without_signing_in(app: App, browser: Browser) -> None:
    begun = begin(app)
    page = browser.get(begun["verification_uri_complete"])
    assert app.id not in page.text
    posted = browser.post(begun["verification_uri_complete"], {"action": "approve", "csrf": page.form.fields["csrf"]})
    assert "login" in posted.form.buttons
    assert poll(app, begun)[1] == "authorization_pending"


def test_a_user_who_was_disabled_meanwhile_connects_nothing(app: App, browser: Browser, person: Person) -> None:
    begun = begin(app)
    browser.submit(confirmation(browser, begun, person), "approve")
    administrator(app.server).post("/v1/api/users/deactivate", {"email": person.email})
    assert poll(app, begun) == (400, "access_denied")


def test_clients_without_the_flow_may_not_begin_it(live_server: RunningServer) -> None:
    answer = App(live_server, "admin-cli", None).post("/auth/device")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert App(live_server, "nobody", None).post("/auth/device").status_code == 401


def test_guessing_codes_ends_after_ten_a_minute(start_server: StartServer) -> None:
    server = start_server(workers=2)
    app, browser, person = register(server, public=True), Browser(server.url), invite(server, "guesser")
    begun = begin(app)
    page = log_in(browser, browser.get(begun["verification_uri"]), person)
    answers = []
    for _ in range(12):
        page = browser.submit(page, "enter", user_code="BBBBBBBB")
        answers.append(page.status)
    assert answers == [400] * 10 + [429] * 2
    right = browser.submit(page, "enter", user_code=begun["user_code"])
    assert right.status == 429
    assert "wait a minute" in right.text
