"""A real external OpenID issuer for tests: ``oidc-provider`` on loopback, and the sign-in of its users."""

import base64
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from running import eventually

AUDIENCE = "urn:modelyard"
_SOURCE = Path(__file__).parent / "clients" / "oidc-provider"
_INSTALLED = Path(__file__).parents[1] / ".cache" / "npm" / "oidc-provider" / "node_modules"
_SECONDS = 30


class OpenidProvider:
    """An issuer at ``url``. Stopped and started again it has the same address and new keys."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        shutil.copy(_SOURCE / "issuer.mjs", folder)
        (folder / "node_modules").symlink_to(_modules())

    def start(self) -> None:
        """Answer from now on."""
        with self._output.open("wb") as output:
            command = ["node", str(self._folder / "issuer.mjs"), str(self._port)]
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        assert eventually(lambda: "ready at" in self._output.read_text(), _SECONDS), self._output.read_text()

    def stop(self) -> None:
        """Answer no more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tell(self, **accounts: dict[str, Any]) -> None:
        """Accounts by their subject, with the claims that their tokens get."""
        self._post("/test/accounts", json=accounts)

    def rotate(self) -> None:
        """Sign with a new key; the old ones stay published, for the tokens they signed."""
        self._post("/test/rotate")

    def access_token(self, subject: str) -> str:
        """The JWT access token of a user who signs in at the issuer (code flow with PKCE)."""
        return str(self.tokens(subject)["access_token"])

    def tokens(self, subject: str) -> dict[str, Any]:
        """The whole answer of the token endpoint."""
        verifier = secrets.token_urlsafe(32)
        code = self._code(subject, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"="))
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "client_id": "app"}
        answer = self._post("/token", data=form | {"redirect_uri": f"{self.url}/callback", "resource": AUDIENCE})
        return dict(answer.json())

    def robot_token(self) -> str:
        """The access token of a client that acts for itself."""
        form = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "api"}
        credentials = base64.b64encode(b"robot:only+for+tests").decode()
        answer = self._post("/token", data=form, headers={"Authorization": f"Basic {credentials}"})
        return str(answer.json()["access_token"])

    def _code(self, subject: str, challenge: bytes) -> str:
        query = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": f"{self.url}/callback",
            "scope": "openid api",
            "resource": AUDIENCE,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        with _session() as browser:
            answer = browser.get(f"{self.url}/auth", params=query, allow_redirects=False, timeout=_SECONDS)
            for form in ({"prompt": "login", "login": subject, "password": "any"}, {"prompt": "consent"}):
                page = _last(browser, answer)
                answer = browser.post(page.url, data=form, allow_redirects=False, timeout=_SECONDS)
            return parse_qs(urlsplit(_callback(browser, answer)).query)["code"][0]

    def _post(self, path: str, **request: Any) -> requests.Response:
        with _session() as session:
            answer = session.post(self.url + path, timeout=_SECONDS, **request)
        assert answer.ok, answer.text
        return answer


@contextmanager
def openid_provider(folder: Path) -> Iterator[OpenidProvider]:
    """An issuer that answers, with its files in a new ``folder``."""
    provider = OpenidProvider(folder)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


def _modules() -> Path:
    modules = Path(os.environ.get("MODELYARD_TEST_OIDC_PROVIDER", _INSTALLED))
    assert (modules / "oidc-provider").exists(), (
        f"there is no oidc-provider in {modules}: run scripts/test, which installs it, or name the node_modules folder "
        "that has it in MODELYARD_TEST_OIDC_PROVIDER"
    )
    return modules


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _last(browser: requests.Session, answer: requests.Response) -> requests.Response:
    """The page at the end of the redirects."""
    while answer.is_redirect:
        answer = browser.get(urljoin(answer.url, answer.headers["location"]), allow_redirects=False, timeout=_SECONDS)
    assert answer.status_code == 200, answer.text
    return answer


def _callback(browser: requests.Session, answer: requests.Response) -> str:
    """Where the browser is sent back to the application."""
    while not (where := answer.headers["location"]).partition("?")[0].endswith("/callback"):
        answer = browser.get(urljoin(answer.url, where), allow_redirects=False, timeout=_SECONDS)
    return where
