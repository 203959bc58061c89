"""Guessing passwords of a running server: it becomes slow, tells nothing, and keeps nobody else out."""

import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import pytest
import requests
from requests.adapters import HTTPAdapter

from running import RunningServer, StartServer
from wire import TOKEN, Caller, administrator, invite, sign_in

WRONG = "a wrong guess"
FAILURES = "/auth/admin/realms/master/attack-detection/brute-force/users"


class _From(HTTPAdapter):
    """Connects from this address of the loopback network."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **kwargs)


class Guesser:
    """Somebody at an address who tries passwords."""

    def __init__(self, server: RunningServer, address: str) -> None:
        self._url = server.url + TOKEN
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", _From(address))

    def tries(self, username: str, password: str = WRONG) -> requests.Response:
        form = {"grant_type": "password", "client_id": "sdk-client", "username": username, "password": password}
        return self._session.post(self._url, data=form, timeout=30)

    def statuses(self, username: str, times: int) -> list[int]:
        return [self.tries(username).status_code for _ in range(times)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()


@pytest.fixture
def guesser(live_server: RunningServer) -> Iterator[Guesser]:
    """At an address that no other test uses."""
    number = uuid.uuid4().int
    with Guesser(live_server, f"127.{number % 150 + 20}.{number // 150 % 250}.1") as made:
        yield made


def test_after_five_failures_there_is_a_wait_even_for_the_right_password(
    live_server: RunningServer, guesser: Guesser
) -> None:
    person = invite(live_server, "victim")
    assert guesser.statuses(person.email, 5) == [401] * 5
    refused = guesser.tries(person.email, person.password)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "1 s" in refused.json()["error_description"]
    time.sleep(1)
    assert guesser.tries(person.email, person.password).status_code == 200
    assert guesser.tries(person.email).status_code == 401


def test_a_name_that_nobody_has_is_treated_alike(guesser: Guesser) -> None:
    assert guesser.statuses("nobody-at-all@x.io", 6) == [401] * 5 + [429]


@pytest.mark.alone
def test_who_is_attacked_at_full_speed_signs_in_all_the_while(start_server: StartServer) -> None:
    server = start_server(workers=2)
    person = invite(server, "victim")
    sign_in(server, person.email, person.password)
    over, seen = threading.Event(), []

    def attack(address: str) -> None:
        with Guesser(server, address) as attacker:
            while not over.is_set():
                seen.append(attacker.tries(person.email).status_code)

    with ThreadPoolExecutor(4) as threads:
        attackers = [threads.submit(attack, f"127.{number}.0.1") for number in (1, 1, 2, 3)]
        try:
            time.sleep(1)
            took = [_seconds(lambda: sign_in(server, person.email, person.password)) for _ in range(10)]
        finally:
            over.set()
        for attacker in attackers:
            attacker.result()
    assert max(took) < 2
    assert set(seen) == {401, 429}
    assert 15 <= seen.count(401) <= 24  # five free ones each from three networks, and a few between the waits


def test_waiting_survives_a_restart_and_ends_when_an_administrator_says_so(start_server: StartServer) -> None:
    server = start_server(workers=2)
    person = invite(server, "victim")
    with Guesser(server, "127.9.0.1") as guesser:
        for _ in range(4):
            guesser.statuses(person.email, 5)
            time.sleep(1.1)
        assert guesser.tries(person.email).status_code == 429
    server.stop()
    again = start_server(data=server.data, workers=2)
    with Guesser(again, "127.9.0.1") as guesser:
        admin = administrator(again)
        status = admin.call("GET", f"{FAILURES}/{person.id}").json()
        assert status["numFailures"] >= 7
        assert (status["disabled"], status["lastIPFailure"]) == (False, "127.9.0.1")
        assert abs(status["lastFailure"] / 1000 - time.time()) < 120
        assert person.id in {row["id"] for row in admin.call("GET", FAILURES).json()}
        assert admin.call("DELETE", f"{FAILURES}/{person.id}").status_code == 204
        assert admin.call("GET", f"{FAILURES}/{person.id}").json() == {
            "numFailures": 0,
            "disabled": False,
            "lastIPFailure": "n/a",
            "lastFailure": 0,
        }
        assert guesser.tries(person.email, person.password).status_code == 200
        assert admin.call("DELETE", FAILURES).status_code == 204
        assert admin.call("GET", f"{FAILURES}/{uuid.uuid4()}").status_code == 404


@pytest.mark.alone
def test_time_does_not_tell_who_exists(live_server: RunningServer) -> None:
    person = invite(live_server, "victim")
    took: dict[str, list[float]] = {person.email: [], "nobody-either@x.io": []}
    for number in range(18):
        with Guesser(live_server, f"127.200.{number}.1") as guesser:
            guesser.tries("warm-up@x.io")
            for name, seconds in took.items():
                seconds.append(_seconds(lambda name=name: guesser.tries(name)))  # type: ignore[misc]
    existing, missing = (statistics.median(seconds) for seconds in took.values())
    assert existing == pytest.approx(missing, rel=0.25)


def test_one_switch_turns_passwords_of_programs_off_and_leaves_the_rest(start_server: StartServer) -> None:
    server = start_server()
    token = administrator(server).post("/api/v1/tokens", {"name": "kept"}, 201)["token"]
    form = {"client_id": "sdk-client", "username": server.admin_username, "password": server.admin_password}
    signed_in = Caller(server.url).call("POST", TOKEN, data=form | {"grant_type": "password"}).json()
    server.stop()
    strict = start_server(data=server.data, password_grant="false")
    nobody = Caller(strict.url)
    for password in (server.admin_password, "wrong"):
        refused = nobody.call("POST", TOKEN, data=form | {"grant_type": "password", "password": password})
        assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    found = nobody.call("GET", "/auth/realms/master/.well-known/openid-configuration").json()
    assert "password" not in found["grant_types_supported"]
    assert "refresh_token" in found["grant_types_supported"]
    Caller(strict.url, token).post("/v1/api/workspaces/list", {})
    renew = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": signed_in["refresh_token"]}
    assert nobody.call("POST", TOKEN, data=renew).status_code == 200
    client = {"grant_type": "client_credentials", "client_id": "api-client", "client_secret": server.client_secret}
    assert nobody.call("POST", TOKEN, data=client).status_code == 200


def _seconds(action: Any) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
