"""Plain HTTP calls to a running server, as somebody."""

import time
import uuid
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import requests

from running import RunningServer

TOKEN = "/auth/realms/master/protocol/openid-connect/token"
_SECONDS = 30
_ADMINISTRATORS: WeakKeyDictionary[RunningServer, tuple["Caller", float]] = WeakKeyDictionary()
"""Who has signed in at each server, and until when the token may be used here."""


@dataclass(frozen=True)
class Caller:
    """Somebody who calls the server at ``url``; nobody in particular without a ``token``."""

    url: str
    token: str | None = None

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        """Send a request; keywords are those of ``requests.request``."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.url + path,
                headers=headers | request.pop("headers", {}),
                timeout=_SECONDS,
                allow_redirects=False,
                **request,
            )

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """POST a JSON body and read the JSON answer, which must have this status."""
        answer = self.call("POST", path, json=body)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def ask(self, document: str, **variables: Any) -> Any:
        """The data that a GraphQL document gives."""
        answer = self.post("/v1/graphql", {"query": document, "variables": variables})
        assert "errors" not in answer, answer
        return answer["data"]


def sign_in(server: RunningServer, username: str, password: str) -> Caller:
    """The password grant, as the SDK uses it."""
    return Caller(server.url, _granted(server, username, password)["access_token"])


def administrator(server: RunningServer) -> Caller:
    """The administrator that the first start made, signed in once for many tests: a password is slow to check.

    The token may be some time old, but at least half of its lifetime is left.
    """
    caller, until = _ADMINISTRATORS.get(server, (None, 0.0))
    if caller is None or time.monotonic() > until:
        asked = time.monotonic()
        granted = _granted(server, server.admin_username, server.admin_password)
        caller = Caller(server.url, granted["access_token"])
        _ADMINISTRATORS[server] = caller, asked + granted["expires_in"] / 2
    return caller


def _granted(server: RunningServer, username: str, password: str) -> Any:
    form = {"grant_type": "password", "client_id": "sdk-client", "username": username, "password": password}
    answer = Caller(server.url).call("POST", TOKEN, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


@dataclass(frozen=True)
class Person:
    """A user with a password."""

    id: str
    email: str
    password: str


def invite(server: RunningServer, name: str) -> Person:
    """Make a user whose e-mail address starts with the name and is used by nobody else."""
    email, password = f"{name}-{uuid.uuid4().hex[:8]}@example.com", uuid.uuid4().hex
    made = administrator(server).post("/v1/api/users/invite", {"email": email, "roles": [], "password": password})
    return Person(made["id"], email, password)
