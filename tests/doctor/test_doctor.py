"""The doctor on folders and addresses that are well, and on ones that are not."""

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from issuer_stand import IssuerStand, issuer_stand, sends
from modelyard.doctor import Check, machine, run_doctor
from modelyard.engines.sandbox import Level
from modelyard.settings import Settings
from running import RunningServer, environment, program

WELL = [
    "python",
    "libraries",
    "data folder",
    "disk",
    "keys",
    "database",
    "address",
    "open files",
    "sandbox",
    "environments",
    "environment files",
]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that ran once."""
    data = tmp_path_factory.mktemp("used") / "data"
    command = [program("modelyard"), "serve", "--port", "0", "--workers", "1", "--data", str(data)]
    server = RunningServer(command, environment(), data, data.with_name("output"))
    assert server.url
    assert server.stop() == 0
    return data


def found(name: str, **settings: object) -> list[Check]:
    return [check for check in run_doctor(Settings(**{"port": 0, **settings})) if check.name == name]


def test_a_folder_before_its_first_start_is_well(tmp_path: Path) -> None:
    checks = run_doctor(Settings(data=tmp_path / "new", port=0))

    assert [check.name for check in checks] == WELL
    assert "fail" not in [check.status for check in checks]
    assert not (tmp_path / "new").exists()


def test_the_folder_of_a_server_is_well(used: Path) -> None:
    statuses = {check.name: check.status for check in run_doctor(Settings(data=used, port=0))}

    assert list(statuses) == WELL
    assert {statuses[name] for name in ("libraries", "data folder", "keys", "database", "address")} == {"ok"}


def test_rights_that_are_too_wide_are_told_with_the_command_that_mends_them(used: Path) -> None:
    key = used / "keys" / "signing.pem"
    used.chmod(0o755)
    key.chmod(0o644)
    try:
        folder, keys = found("data folder", data=used), found("keys", data=used)
    finally:
        used.chmod(0o700)
        key.chmod(0o600)

    assert (folder[0].status, folder[0].advice) == ("warn", f"Close it: chmod 700 {used}")
    assert (keys[0].status, keys[0].advice) == ("warn", f"Close it: chmod 600 {key}")


def test_a_missing_key_is_a_fault(used: Path) -> None:
    key = used / "keys" / "refresh.key"
    kept = key.rename(used / "kept")
    try:
        [check] = found("keys", data=used)
    finally:
        kept.rename(key)

    assert (check.status, check.detail) == ("fail", f"{key} is missing")


def test_a_file_in_place_of_the_folder_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    [check] = found("data folder", data=tmp_path / "file")

    assert check.status == "fail"


def test_a_database_that_does_not_answer_is_a_fault_and_its_password_stays_secret(tmp_path: Path) -> None:
    [check] = found("database", data=tmp_path, database="postgresql://someone:hunter2@127.0.0.1:1/none")

    assert check.status == "fail"
    assert "PostgreSQL cannot be used" in check.detail
    assert "hunter2" not in check.detail


def test_a_database_file_of_something_else_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "modelyard.db").write_bytes(b"no database" * 1000)

    [check] = found("database", data=tmp_path)

    assert check.status == "fail"
    assert "SQLite cannot be used" in check.detail


def test_an_empty_database_is_told_to_be_brought_up_to_date(tmp_path: Path, postgres_url: str) -> None:
    [check] = found("database", data=tmp_path, database=postgres_url)

    assert (check.status, check.detail) == ("warn", "PostgreSQL has another schema")


def test_a_port_in_use_is_a_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        [check] = found("address", data=tmp_path, port=other.getsockname()[1])

    assert check.status == "fail"
    assert check.advice == "Stop it or give --port another number."


@pytest.fixture
def stand() -> Iterator[IssuerStand]:
    with issuer_stand() as made:
        yield made


def test_an_issuer_that_answers_with_keys_is_well(tmp_path: Path, stand: IssuerStand) -> None:
    [check] = found("issuer", data=tmp_path, external_issuers=(stand.settings,))

    assert (check.status, check.detail) == ("ok", f"1 of 1 keys of {stand.url} can be used")


def test_an_issuer_that_does_not_answer_is_a_fault(tmp_path: Path, stand: IssuerStand) -> None:
    gone = replace(stand.settings, url="http://127.0.0.1:1")

    well, lost = found("issuer", data=tmp_path, external_issuers=(stand.settings, gone))

    assert (well.status, lost.status) == ("ok", "fail")
    assert "http://127.0.0.1:1: it cannot be reached" in lost.detail


def test_an_issuer_by_another_name_is_told_which(tmp_path: Path, stand: IssuerStand) -> None:
    [check] = found("issuer", data=tmp_path, external_issuers=(replace(stand.settings, url=f"{stand.url}/"),))

    assert check.status == "fail"
    assert f"calls itself '{stand.url}'" in check.detail


def test_an_issuer_without_a_usable_key_is_a_fault(tmp_path: Path, stand: IssuerStand) -> None:
    stand.answers["/jwks"] = sends({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})

    [check] = found("issuer", data=tmp_path, external_issuers=(stand.settings,))

    assert (check.status, check.detail) == ("fail", f"0 of 1 keys of {stand.url} can be used")


def test_the_command_tells_a_script_what_is_wrong(tmp_path: Path) -> None:
    command = [program("modelyard"), "doctor", "--data", str(tmp_path), "--host", "192.0.2.1", "-o", "json"]

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert [row["name"] for row in json.loads(done.stdout) if row["status"] == "fail"] == ["address"]


def test_the_server_of_the_folder_is_known_by_its_lock(live_server: RunningServer) -> None:
    port = int(live_server.url.rpartition(":")[2])

    [check] = found("address", data=live_server.data, port=port)

    assert check.status == "ok"
    assert f"process {live_server.pid}" in check.detail


def test_a_machine_that_cannot_lock_processes_in_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available_level", lambda: Level.PROCESS)
    monkeypatch.setattr(machine, "why_not_higher", lambda: "Landlock: the kernel has none")

    (enough,), (short,) = found("sandbox", sandbox_minimum="process"), found("sandbox", sandbox_minimum="isolated")

    assert (enough.status, short.status) == ("ok", "warn")
    assert short.detail == "level process; the least allowed is isolated"
    assert "Landlock: the kernel has none" in short.advice
    assert "Landlock: the kernel has none" in enough.detail
