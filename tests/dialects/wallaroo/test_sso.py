"""The unmodified Wallaroo SDK signs in through a browser (``auth_type="sso"``, the device flow)."""

import json
import re
import subprocess
from pathlib import Path

import real_clients
from browser import Browser
from running import RunningServer
from wire import Person, invite

_SCENARIOS = Path(__file__).parent / "sdk"


def start(server: RunningServer, python: Path, folder: Path) -> "subprocess.Popen[str]":
    """The scenario, waiting for somebody to sign in."""
    environ = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environ |= real_clients.FONTS
    command = [python, "-u", _SCENARIOS / "run.py", "sso", folder / "result.json"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environ, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin
    process.stdin.write(json.dumps({"url": server.url}))
    process.stdin.close()
    process.stdin = None
    return process


def printed_address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"https?://\S+user_code=\S+", line):
            return found[0]
    raise AssertionError(process.communicate()[1])


def decide(server: RunningServer, person: Person, address: str, button: str) -> str:
    browser = Browser(server.url)
    login = browser.get(address)
    page = browser.submit(login, "login", username=person.email, password=person.password)
    assert "sdk-client" in page.text
    return browser.submit(page, button).text


def test_the_sdk_signs_in_by_browser_and_renews_what_it_kept(
    live_server: RunningServer, wallaroo_python: Path, tmp_path: Path
) -> None:
    person = invite(live_server, "sso")
    with start(live_server, wallaroo_python, tmp_path) as process:
        assert "Connected" in decide(live_server, person, printed_address(process), "approve")
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Login successful!" in out
    done = json.loads((tmp_path / "result.json").read_text())
    assert done["email"] == person.email
    assert person.email in done["workspace"]
    assert done["again"] == done["workspace"]


def test_a_refusal_reaches_the_sdk_in_words(live_server: RunningServer, wallaroo_python: Path, tmp_path: Path) -> None:
    with start(live_server, wallaroo_python, tmp_path) as process:
        assert "Not connected" in decide(live_server, invite(live_server, "no"), printed_address(process), "deny")
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "TokenFetchError" in err
    assert "access_denied" in err
