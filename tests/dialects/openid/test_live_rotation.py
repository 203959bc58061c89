"""Signing keys change while the server runs, from the command line, and nobody's call fails."""

import json
import subprocess
import threading
import time
from typing import Any

import pytest
from apps import PROTOCOL, opens
from joserfc import jws

from running import RunningServer, StartServer, environment, program
from wire import Caller, administrator, sign_in


def keys(server: RunningServer, *arguments: str) -> list[dict[str, Any]]:
    """``modelyard keys …``, and the keys it shows."""
    done = run(server, *arguments)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def run(server: RunningServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("modelyard"), "keys", *arguments, "--data", str(server.data), "-o", "json"]
    return subprocess.run(command, check=False, env=environment(), capture_output=True, text=True, timeout=60)


def kid(token: str | None) -> str:
    return str(jws.extract_compact(str(token).encode()).headers()["kid"])


def published(server: RunningServer) -> list[str]:
    return [key["kid"] for key in Caller(server.url).call("GET", f"{PROTOCOL}/certs").json()["keys"]]


def test_no_call_fails_while_keys_rotate_and_retired_ones_end(start_server: StartServer) -> None:
    server = start_server(workers=2)
    old = administrator(server)
    failures: list[str] = []
    stop = threading.Event()

    def use() -> None:
        while not stop.wait(0.02):
            new = sign_in(server, server.admin_username, server.admin_password)
            for caller in (old, new, new):
                answer = caller.call("POST", "/v1/api/workspaces/list", json={})
                if answer.status_code != 200:
                    failures.append(answer.text)

    users = [threading.Thread(target=use) for _ in range(2)]
    for user in users:
        user.start()
    (first,) = keys(server, "list")
    rows = keys(server, "rotate")
    time.sleep(1)
    assert [set(published(server)) for _ in range(6)] == [{row["kid"] for row in rows}] * 6
    time.sleep(2.5)
    new = sign_in(server, server.admin_username, server.admin_password)
    stop.set()
    for user in users:
        user.join()
    assert failures == []
    assert (kid(old.token), kid(new.token)) == (first["kid"], rows[1]["kid"])
    assert [row["use"] for row in keys(server, "list")] == ["verifies", "signs"]

    assert opens(server, str(old.token))
    keys(server, "retire", first["kid"])
    time.sleep(1)
    assert not any(opens(server, str(old.token)) for _ in range(10))
    assert all(opens(server, str(new.token)) for _ in range(10))
    assert published(server) == [rows[1]["kid"]]


@pytest.mark.alone
def test_refresh_tokens_outlive_the_key_that_signed_beside_them(start_server: StartServer) -> None:
    server = start_server()
    form = {"username": server.admin_username, "password": server.admin_password, "client_id": "sdk-client"}
    post = Caller(server.url).call
    first = post("POST", f"{PROTOCOL}/token", data={**form, "grant_type": "password"}).json()
    (old, _) = keys(server, "rotate")
    early = run(server, "retire", old["kid"])
    assert (early.returncode, "still signs" in early.stderr) == (1, True)
    time.sleep(2)
    keys(server, "retire", old["kid"])
    again = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": first["refresh_token"]}
    renewed = post("POST", f"{PROTOCOL}/token", data=again)
    assert renewed.status_code == 200
    assert opens(server, renewed.json()["access_token"])
    assert server.stop() == 0
    again_started = start_server(data=server.data)
    assert opens(again_started, renewed.json()["access_token"])


def test_the_command_says_why_it_cannot(live_server: RunningServer) -> None:
    server = live_server
    (only,) = keys(server, "list")
    newest = run(server, "retire", only["kid"])
    assert (newest.returncode, "newest" in newest.stderr) == (1, True)
    unknown = run(server, "retire", "nothing")
    assert (unknown.returncode, "not found" in unknown.stderr) == (1, True)
    nowhere = subprocess.run(
        [program("modelyard"), "keys", "list", "--data", str(server.data / "nowhere")],
        check=False,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (nowhere.returncode, "no keys" in nowhere.stderr) == (2, True)
