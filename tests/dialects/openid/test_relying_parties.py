"""Independent clients, unmodified, each in an environment of its own: openid-client (npm) and Authlib.

They check what they are given: signatures, issuer, nonce, PKCE, ``iss`` in the answer, the shape of every answer. The
test is the browser.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apps import CALLBACK, SIGNED_OUT, App, register

from browser import Browser
from running import RunningServer
from wire import Person

_CLIENTS = Path(__file__).parents[2] / "clients"
_CACHE = Path(__file__).parents[3] / ".cache"

Visit = Callable[[str], str]


@pytest.fixture(scope="session")
def openid_client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the relying party of openid-client, beside the modules that ``scripts/test`` installs."""
    modules = Path(os.environ.get("MODELYARD_TEST_OPENID_CLIENT", _CACHE / "npm" / "openid-client" / "node_modules"))
    if not (modules / "openid-client").exists():
        pytest.fail(
            f"openid-client is not in {modules}: run scripts/test, which installs it, or name its node_modules in "
            "MODELYARD_TEST_OPENID_CLIENT"
        )
    folder = tmp_path_factory.mktemp("openid-client")
    shutil.copy(_CLIENTS / "openid-client" / "relying-party.mjs", folder)
    (folder / "node_modules").symlink_to(modules)
    return ["node", str(folder / "relying-party.mjs")]


@pytest.fixture(scope="session")
def authlib() -> list[str]:
    """The command of the relying party of Authlib."""
    python = Path(
        os.environ.get("MODELYARD_TEST_AUTHLIB_PYTHON", _CACHE / "venvs" / "authlib-1.9.8" / "bin" / "python")
    )
    if not python.exists():
        pytest.fail(
            f"there is no interpreter with Authlib at {python}: run scripts/test, which makes it, or name one in "
            "MODELYARD_TEST_AUTHLIB_PYTHON"
        )
    return [str(python), str(_CLIENTS / "authlib" / "relying_party.py")]


@pytest.fixture
def visit(browser: Browser, person: Person) -> Visit:
    """Goes to an address, signs in and allows what is asked; returns where the browser is sent at last."""

    def go(address: str) -> str:
        page = browser.get(address)
        for button in ("login", "approve"):
            if page.status == 200 and button in page.form.buttons:
                values = {"username": person.email, "password": person.password} if button == "login" else {}
                page = browser.submit(page, button, **values)
        return page.location if page.status in (302, 303) else page.text

    return go


def talk(command: list[str], app: App, visit: Visit, **given: Any) -> Any:
    """Run the relying party; returns what it found."""
    facts = {"issuer": f"{app.server.url}/auth/realms/master", "client_id": app.id, "secret": app.secret}
    more = {"redirect_uri": CALLBACK, "signed_out": SIGNED_OUT, "method": "basic", "flow": "code", "metadata": "oidc"}
    environ = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        said: dict[str, Any] = {}
        answer: dict[str, Any] = {**facts, **more, **given}
        while "done" not in said:
            process.stdin.write(json.dumps(answer) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said = json.loads(line)
            answer = {"back": visit(said["visit"])} if "visit" in said else {}
    return said["done"]


def check(done: Any, app: App, person: Person) -> None:
    assert done["user"]["sub"] == done["claims"]["sub"] == person.id
    assert done["user"]["email"] == person.email
    assert done["claims"]["aud"] == app.id
    assert done["refused"] == "invalid_grant"
    assert done["signedOut"] == f"{SIGNED_OUT}?state=bye"


@pytest.mark.parametrize("method", ["basic", "post"])
def test_openid_client_signs_in_renews_introspects_revokes_and_signs_out(
    live_server: RunningServer, openid_client: list[str], visit: Visit, person: Person, method: str
) -> None:
    app = register(live_server)
    done = talk(openid_client, app, visit, method=method)
    check(done, app, person)
    assert (done["before"]["active"], done["before"]["username"]) == (True, person.email)
    assert done["after"] == {"active": False}
    assert done["mixedUp"] == "OAUTH_INVALID_RESPONSE"


def test_openid_client_needs_no_secret_as_a_public_client(
    live_server: RunningServer, openid_client: list[str], visit: Visit, person: Person
) -> None:
    app = register(live_server, public=True)
    check(talk(openid_client, app, visit, method="none"), app, person)


def test_openid_client_finds_the_server_by_the_metadata_of_oauth_too(
    live_server: RunningServer, openid_client: list[str], visit: Visit, person: Person
) -> None:
    app = register(live_server)
    check(talk(openid_client, app, visit, metadata="oauth2"), app, person)


def test_openid_client_signs_in_as_a_device(
    live_server: RunningServer, openid_client: list[str], visit: Visit, person: Person
) -> None:
    app = register(live_server, public=True)
    assert talk(openid_client, app, visit, method="none", flow="device")["user"]["sub"] == person.id


def test_openid_client_acts_for_itself(live_server: RunningServer, openid_client: list[str], visit: Visit) -> None:
    app = register(live_server, serviceAccountsEnabled=True)
    done = talk(openid_client, app, visit, flow="service")
    assert done["before"]["username"] == f"service-account-{app.id}"


@pytest.mark.parametrize("method", ["basic", "post"])
def test_authlib_signs_in_renews_introspects_revokes_and_signs_out(
    live_server: RunningServer, authlib: list[str], visit: Visit, person: Person, method: str
) -> None:
    app = register(live_server, consentRequired=True)
    done = talk(authlib, app, visit, method=method)
    check(done, app, person)
    assert done["before"]["active"] is True
    assert done["after"] == {"active": False}
