"""Relying parties for tests: registered by an administrator, driven step by step."""

import base64
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests

from browser import Browser, Page
from running import RunningServer
from wire import Caller, Person, administrator

PROTOCOL = "/auth/realms/master/protocol/openid-connect"
CLIENTS = "/auth/admin/realms/master/clients"
CALLBACK = "https://app.example.com/callback"
SIGNED_OUT = "https://app.example.com/bye"


def challenge(verifier: str) -> str:
    """PKCE, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class App:
    """A client of the server; ``secret`` None makes it a public one."""

    server: RunningServer
    id: str
    secret: str | None
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def query(self, **changed: str | None) -> str:
        """A good authorization request with some parameters changed, or left out where None."""
        good = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": "some state",
            "nonce": "some nonce",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return urlencode({name: value for name, value in {**good, **changed}.items() if value is not None})

    def ask(self, browser: Browser, **changed: str | None) -> Page:
        """Send the browser to the authorization endpoint."""
        return browser.get(f"{PROTOCOL}/auth?{self.query(**changed)}")

    def code(self, browser: Browser, **changed: str | None) -> str:
        """The code for a browser that is signed in."""
        return self.ask(browser, **changed).reply["code"]

    def post(self, path: str, **form: str) -> requests.Response:
        """Call an endpoint as this client."""
        proof = {} if self.secret is None else {"client_secret": self.secret}
        return Caller(self.server.url).call("POST", PROTOCOL + path, data={"client_id": self.id, **proof, **form})

    def redeem(self, code: str, **changed: str) -> requests.Response:
        """Send the code to the token endpoint."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return self.post("/token", **{**form, "code_verifier": self.verifier, **changed})

    def tokens(self, browser: Browser, **changed: str | None) -> dict[str, Any]:
        """The tokens for a browser that is signed in."""
        answer = self.redeem(self.code(browser, **changed))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, tokens: dict[str, Any]) -> requests.Response:
        """Renew."""
        return self.post("/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def register(server: RunningServer, *, public: bool = False, **more: Any) -> App:
    """A new client with the callback address; ``more`` are fields of Keycloak's representation."""
    name, secret = f"app-{uuid.uuid4().hex[:8]}", None if public else uuid.uuid4().hex
    attributes = {"post.logout.redirect.uris": SIGNED_OUT, "oauth2.device.authorization.grant.enabled": "true"}
    body = {"clientId": name, "publicClient": public, "redirectUris": [CALLBACK], "attributes": attributes, **more}
    made = administrator(server).call("POST", CLIENTS, json=body | ({} if public else {"secret": secret}))
    assert made.status_code == 201, made.text
    return App(server, name, secret, (body["redirectUris"] or [CALLBACK])[0])


def log_in(browser: Browser, page: Page, person: Person) -> Page:
    """Fill in the login page."""
    return browser.submit(page, "login", username=person.email, password=person.password)


def opens(server: RunningServer, access_token: str) -> bool:
    """Whether the access token opens the API."""
    answer = Caller(server.url, access_token).call("POST", "/v1/api/workspaces/list", json={})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200
