"""The audit log from the command line: searched and exported through a server, verified without having to trust it."""

import csv
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from modelyard.cli import run
from running import RunningServer, StartServer, eventually
from wire import administrator, invite, sign_in

Captured = pytest.CaptureFixture[str]
Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def at_home_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("MODELYARD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server(start_server: StartServer) -> RunningServer:
    started = start_server()
    assert started.url
    return started


@pytest.fixture(scope="module")
def asked(start_module_server: StartServer) -> RunningServer:
    """One that tests ask, and neither stop nor damage."""
    started = start_module_server()
    assert started.url
    return started


@pytest.fixture
def shell(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Shell:
    return shell_at(server, tmp_path, monkeypatch, capsys)


@pytest.fixture
def asking(asked: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Shell:
    return shell_at(asked, tmp_path, monkeypatch, capsys)


def shell_at(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Shell:
    """Runs command lines with the administrator's token, unless another one is given."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MODELYARD_URL", server.url)
    admin = administrator(server).token

    def type_in(line: str, token: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setenv("MODELYARD_TOKEN", str(token or admin))
        code = run(line.split())
        return (code, *capsys.readouterr())

    return type_in


def anchored(server: RunningServer) -> bool:
    """Whether the file beside the database has come to the end of the log."""
    with closing(sqlite3.connect(server.data / "modelyard.db")) as database:
        ((newest,),) = database.execute("select entry_id from audit_heads")
    return bool(json.loads((server.data / "audit.head").read_text())["entry"] == newest)


def change(server: RunningServer, *statements: str) -> None:
    """Change the database as its owner can."""
    with closing(sqlite3.connect(server.data / "modelyard.db")) as database, database:
        for statement in ("DROP TRIGGER audit_entries_update", "DROP TRIGGER audit_entries_delete", *statements):
            database.execute(statement)


def test_a_search_shows_who_did_what_newest_first(asked: RunningServer, asking: Shell) -> None:
    ada = invite(asked, "ada")
    sign_in(asked, ada.email, ada.password)
    code, out, _ = asking(f"audit search --actor {ada.email}")
    assert code == 0
    assert ada.email in out
    assert "session.login" in out
    code, out, _ = asking(f"audit search --object user:{ada.id} --since 1h -o json")
    assert [entry["action"] for entry in json.loads(out)] == ["user.invite"]
    code, out, err = asking("audit search --action user.password")
    assert (code, out, err) == (0, "", "There are none.\n")
    code, _, err = asking("audit search --outcome bad")
    assert code == 1
    assert "use one of ok, refused, failed" in err


def test_who_is_no_administrator_is_refused(asked: RunningServer, asking: Shell) -> None:
    ada = invite(asked, "ada")
    token = sign_in(asked, ada.email, ada.password).token
    for line in ("audit search", "audit export"):
        code, out, err = asking(line, token)
        assert (code, out) == (3, "")
        assert "audit.read" in err


def test_an_export_goes_to_a_file_or_to_standard_output(asking: Shell, tmp_path: Path) -> None:
    out = tmp_path / "audit.csv"
    assert asking(f"audit export --format csv --out {out}")[0] == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [int(row["id"]) for row in rows] == list(range(1, len(rows) + 1))
    assert [path.name for path in tmp_path.glob("audit.csv*")] == ["audit.csv"]
    code, lines, _ = asking("audit export --action audit.export")
    assert code == 0
    assert [json.loads(line)["details"]["format"] for line in lines.splitlines()] == ["csv", "jsonl"]


def test_a_log_is_verified_while_its_server_runs_and_when_it_is_stopped(server: RunningServer, shell: Shell) -> None:
    assert eventually(lambda: anchored(server))
    code, out, _ = shell(f"audit verify --data {server.data} -o json")
    assert code == 0
    running = json.loads(out)
    assert (running["problem"], running["warning"]) == (None, None)
    newest = f"{running['entries']}:{running['hash']}"
    invite(server, "ada")
    assert server.stop() == 0
    code, out, _ = shell(f"audit verify --data {server.data} --expect {newest}")
    assert code == 0
    assert "whole" in out
    code, out, _ = shell(f"audit verify --data {server.data} --expect {running['entries']}:{'0' * 64}")
    assert code == 1
    assert "is not the one that was noted" in out


def test_tampering_is_found_by_the_command_and_told_by_the_server(server: RunningServer, shell: Shell) -> None:
    assert eventually(lambda: anchored(server))
    change(server, "UPDATE audit_entries SET actor_name = 'somebody' WHERE id = 2")
    code, out, _ = shell(f"audit verify --data {server.data}")
    assert code == 1
    assert "entry 2 was changed" in out
    change_end = "UPDATE audit_entries SET address = '192.0.2.1' WHERE id = (SELECT entry_id FROM audit_heads)"
    with closing(sqlite3.connect(server.data / "modelyard.db")) as database, database:
        database.execute(change_end)
    invite(server, "ada")
    assert eventually(lambda: "the audit log needs an administrator: entry" in server.err)


def test_a_cut_end_is_found_and_can_be_accepted(server: RunningServer, shell: Shell) -> None:
    assert eventually(lambda: anchored(server))
    assert server.stop() == 0
    change(
        server,
        "DELETE FROM audit_entries WHERE id > 3",
        "UPDATE audit_heads SET entry_id = 3, hash = (SELECT hash FROM audit_entries WHERE id = 3)",
    )
    code, out, _ = shell(f"audit verify --data {server.data} -o json")
    assert code == 1
    assert json.loads(out)["problem"].startswith("entry 4 is missing: the end was cut off")
    code, out, _ = shell(f"audit verify --data {server.data} --accept -o json")
    assert (code, json.loads(out)["entries"]) == (0, 4)
    assert shell(f"audit verify --data {server.data}")[0] == 0


def test_a_changed_setting_is_recorded_at_the_next_start(start_server: StartServer, server: RunningServer) -> None:
    assert server.stop() == 0
    again = start_server(data=server.data, max_body_bytes="1MiB")
    assert again.url
    found = administrator(again).call("GET", "/api/v1/audit", params={"action": "server.configure"}).json()["items"]
    assert set(found[0]["details"]["changed"]) - {"port"} == {"max_body_bytes"}  # port 0 takes another one each time
    assert found[0]["details"]["settings"]["max_body_bytes"] == 2**20
    assert len(found) == 2


def test_on_postgresql_the_log_is_whole_after_a_first_start(
    start_server: StartServer, fresh_postgres_url: str, capsys: Captured
) -> None:
    started = start_server(database=fresh_postgres_url)
    invite(started, "ada")
    code = run(["audit", "verify", "--data", str(started.data), "--database", fresh_postgres_url, "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["problem"], found["warning"]) == (0, None, None)
    assert found["entries"] >= 7


def test_a_folder_that_is_no_servers_is_said_to_be_that(asking: Shell, tmp_path: Path) -> None:
    code, _, err = asking(f"audit verify --data {tmp_path / 'nowhere'}")
    assert code == 1
    assert "holds no database" in err
