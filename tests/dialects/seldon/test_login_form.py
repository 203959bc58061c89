"""The form by which ``SessionAuthenticator`` signs in, and the page that shows a code, with good and bad input."""

import uuid

import pytest
from signing_in import API, log_in, register

from running import RunningServer, StartServer
from wire import TOKEN, Caller, Person, administrator, invite

_CALLBACK = "/seldon-deploy/auth/callback"


def test_the_root_says_where_to_sign_in_without_a_redirect(live_server: RunningServer) -> None:
    answer = Caller(live_server.url).call("GET", API)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["login"]["path"] == API


def test_a_good_login_sets_one_cookie(live_server: RunningServer, person: Person) -> None:
    answer = log_in(live_server, person)
    assert answer.status_code == 200
    assert answer.raw.headers.getlist("set-cookie") == [answer.headers["set-cookie"]]
    assert answer.json()["username"] == person.email
    assert answer.headers["cache-control"] == "no-store"
    assert log_in(live_server, person).headers["set-cookie"] != answer.headers["set-cookie"]


def test_a_bad_login_is_refused_in_json_and_sets_nothing(live_server: RunningServer, person: Person) -> None:
    known = log_in(live_server, Person(person.id, person.email, "wrong password"))
    unknown = log_in(live_server, Person("", f"{uuid.uuid4().hex}@example.com", "wrong password"))
    for answer in (known, unknown):
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    assert known.json()["message"] == unknown.json()["message"]


def test_guessing_is_slowed(live_server: RunningServer) -> None:
    person = invite(live_server, "guessed")
    wrong = Person(person.id, person.email, "wrong password")
    statuses = [log_in(live_server, wrong).status_code for _ in range(7)]
    assert statuses[:5] == [401] * 5
    last = log_in(live_server, person)
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1


def test_a_temporary_password_opens_nothing(live_server: RunningServer, person: Person) -> None:
    path = f"/auth/admin/realms/master/users/{person.id}/reset-password"
    body = {"type": "password", "value": "a temporary one", "temporary": True}
    assert administrator(live_server).call("PUT", path, json=body).status_code == 204
    assert log_in(live_server, Person(person.id, person.email, "a temporary one")).status_code == 401


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"login": "a", "password": "b"}'),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header at all\r\n"),
        (
            "multipart/form-data; boundary=x; charset=nonsense",
            b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nv\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\n\xff\xfe\r\n--x--\r\n',
        ),
        ("application/x-www-form-urlencoded", b"login=a&login=b&password=c"),
        ("application/x-www-form-urlencoded", b"login=a"),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(1_000))),
        ("text/plain", b""),
        ("", b"login=a&password=b"),
    ],
    ids=str,
)
def test_a_form_that_is_none_is_refused_in_json(live_server: RunningServer, content_type: str, body: bytes) -> None:
    headers = {"Content-Type": content_type}
    answer = Caller(live_server.url).call("POST", API, data=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]


def test_a_form_with_a_file_or_too_much_is_refused(live_server: RunningServer) -> None:
    caller = Caller(live_server.url)
    assert caller.call("POST", API, files={"login": ("name.txt", b"x"), "password": (None, "y")}).status_code == 400
    big = {"login": (None, "x" * 100_000), "password": (None, "y")}
    assert caller.call("POST", API, files=big).status_code == 413


def test_another_site_signs_nobody_in(live_server: RunningServer, person: Person) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = log_in(live_server, person, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_where_programs_may_send_no_passwords_the_form_takes_none(start_server: StartServer) -> None:
    server = start_server(password_grant="false")
    form = {"grant_type": "client_credentials"}
    token = Caller(server.url).call("POST", TOKEN, data=form, auth=("api-client", server.client_secret))
    assert token.status_code == 200
    assert log_in(server, Person("", server.admin_username, server.admin_password)).status_code == 401


def test_the_page_shows_the_code_and_nothing_that_could_run(live_server: RunningServer) -> None:
    answer = Caller(live_server.url).call("GET", f"{_CALLBACK}?code=abc-DEF_123.~&state=sd-sdk-state&iss=x")
    assert answer.status_code == 200
    assert "abc-DEF_123.~</code>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "code", ["", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a b", "x" * 201, "é"]
)
def test_what_is_no_code_is_not_shown(live_server: RunningServer, code: str) -> None:
    answer = Caller(live_server.url).call("GET", _CALLBACK, params={"code": code})
    assert answer.status_code == 400
    assert 'class="whole"' not in answer.text
    assert not code or code not in answer.text


def test_an_error_of_the_sign_in_is_shown_escaped(live_server: RunningServer) -> None:
    asked = {"error": "access_denied", "error_description": "<b>no</b>&quot;", "code": "abc"}
    answer = Caller(live_server.url).call("GET", _CALLBACK, params=asked)
    assert answer.status_code == 400
    assert "<b>" not in answer.text
    assert "&lt;b&gt;no&lt;/b&gt;&amp;quot;" in answer.text
    assert "abc" not in answer.text


def test_the_callback_is_registered_letter_by_letter(live_server: RunningServer) -> None:
    client_id, _ = register(live_server, flagged=True)
    path = "/auth/realms/deploy-realm/protocol/openid-connect/auth"
    asked = {"response_type": "code", "client_id": client_id, "scope": "openid", "resource": "deploy"}
    for address in (f"{_CALLBACK}/", f"{_CALLBACK}?x=1", f"{_CALLBACK}/../x"):
        query = {**asked, "redirect_uri": live_server.url + address}
        assert Caller(live_server.url).call("GET", path, params=query).status_code == 400
    good = {**asked, "redirect_uri": live_server.url + _CALLBACK}
    assert Caller(live_server.url).call("GET", path, params=good).status_code == 200
