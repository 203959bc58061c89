"""Runs scenarios of ``login_sdk/`` with the SDK's own interpreter, and what tests of signing in share."""

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import requests

from running import RunningServer
from wire import Caller, Person, administrator

API = "/seldon-deploy/api/v1alpha1"
TOKEN = "/auth/realms/deploy-realm/protocol/openid-connect/token"
CLIENTS = "/auth/admin/realms/master/clients"
SCOPE = "openid profile email groups"
_SECONDS = 60


class Sdk:
    """``python`` has the SDK; each run has a folder of its own below ``folder``."""

    def __init__(self, server: RunningServer, python: Path, folder: Path) -> None:
        self.server, self._python, self._folder = server, python, folder

    def start(self, scenario: str, **given: Any) -> tuple["subprocess.Popen[str]", Path]:
        """The scenario under way, and where its result will be."""
        own = self._folder / f"run-{uuid.uuid4().hex[:8]}"
        own.mkdir()
        (own / "given.json").write_text(json.dumps({"url": self.server.url, **given}))
        script = Path(__file__).parent / "login_sdk" / "run.py"
        process = subprocess.Popen(
            [self._python, script, scenario, own / "given.json", own / "result.json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=own,
            env={"PATH": os.environ["PATH"], "HOME": str(own), "BROWSER": "true", "PYTHONUNBUFFERED": "1"},
        )
        return process, own / "result.json"

    def run(self, scenario: str, **given: Any) -> Any:
        """What the scenario returned."""
        return finished(*self.start(scenario, **given))

    def as_(self, person: Person, scenario: str, **given: Any) -> Any:
        """The same for a person who signs in with their password."""
        return self.run(scenario, username=person.email, password=person.password, **given)


def finished(process: "subprocess.Popen[str]", result: Path, typed: str | None = None) -> Any:
    """What the scenario returned once it has ended; ``typed`` is what somebody types into it."""
    output, _ = process.communicate(typed, timeout=_SECONDS)
    assert process.returncode == 0, output
    return json.loads(result.read_text())


def ask_token(server: RunningServer, *, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
    """Ask the token endpoint as the SDK does."""
    return Caller(server.url).call("POST", TOKEN, data={"scope": SCOPE, **form}, auth=auth)


def id_token(server: RunningServer, person: Person, client_id: str = "sd-api") -> str:
    """A person's ID token, from a public client."""
    form = {"grant_type": "password", "client_id": client_id, "username": person.email, "password": person.password}
    answer = ask_token(server, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id_token"])


def register(server: RunningServer, *, flagged: bool, **more: Any) -> tuple[str, str]:
    """A new confidential client with all grants: its id and secret. ``flagged``: its ID tokens are bearer tokens."""
    client_id, secret = f"client-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    body = {
        "clientId": client_id,
        "secret": secret,
        "directAccessGrantsEnabled": True,
        "serviceAccountsEnabled": True,
        "redirectUris": ["/seldon-deploy/auth/callback"],
        "attributes": {"modelyard.id.tokens.as.bearer": str(flagged).lower()},
        **more,
    }
    answer = administrator(server).call("POST", CLIENTS, json=body)
    assert answer.status_code == 201, answer.text
    return client_id, secret


def log_in(server: RunningServer, person: Person, **request: Any) -> requests.Response:
    """Sign in by the form of ``SessionAuthenticator``."""
    fields = {"login": (None, person.email), "password": (None, person.password)}
    return Caller(server.url).call("POST", API, files=fields, **request)
