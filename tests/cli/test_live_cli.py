"""The command line against a running server: what it writes where, and with which exit code."""

import io
import json
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelyard.cli import run
from running import RunningServer, environment, program

EXAMPLES = Path(__file__).parents[2] / "examples"
SMOKE = str(EXAMPLES / "data" / "ccfraud_smoke.df.json")


@dataclass(frozen=True)
class Done:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Done]


@pytest.fixture
def shell(
    live_server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """Runs command lines in a home of their own, signed in as the administrator."""
    for name in ("URL", "TOKEN", "USERNAME", "PASSWORD", "WORKSPACE", "DEBUG"):
        monkeypatch.delenv(f"MODELYARD_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def type_in(line: str, typed: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        code = run(line.split())
        return Done(code, *capsys.readouterr())

    login = f"login {live_server.url} -u {live_server.admin_username} --password-stdin"
    assert type_in(login, live_server.admin_password + "\n").code == 0
    return type_in


@pytest.fixture
def workspace(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh workspace that commands mean without naming it."""
    name = f"cli-{uuid.uuid4().hex[:8]}"
    assert shell(f"workspace create {name}").code == 0
    monkeypatch.setenv("MODELYARD_WORKSPACE", name)
    return name


def upload(shell: Shell, name: str, file: str) -> str:
    """Upload an example and return the version."""
    done = shell(f"model upload {name} {EXAMPLES / 'models' / file} -o json")
    assert done.code == 0, done.err
    return str(done.json["version"])


def test_a_model_goes_all_the_way(shell: Shell, workspace: str, tmp_path: Path) -> None:
    upload(shell, "ccfraud", "ccfraud.onnx")
    upload(shell, "fraud-threshold", "fraud_threshold.onnx")
    made = shell("pipeline create fraud --step ccfraud --step fraud-threshold -o json")
    assert [step["models"][0]["name"] for step in made.json["versions"][0]["steps"]] == ["ccfraud", "fraud-threshold"]

    done = shell("deploy fraud -o json")
    assert (done.code, done.json["state"]) == (0, "Running")
    assert "Deploying fraud: Running" in done.err

    answers = shell(f"infer fraud {SMOKE} -o json").json
    assert [row["out.fraud"] for row in answers] == [[0]] * 3 + [[1]] * 3 + [[0]] * 2
    assert shell(f"infer fraud {EXAMPLES}/data/ccfraud_1k.arrow --out {tmp_path}/a.arrow").out == ""
    with pa.ipc.open_file(tmp_path / "a.arrow") as reader:
        assert reader.read_all().num_rows == 1000

    logs = shell("logs fraud -n 1008 --oldest-first -o json").json
    assert [row["out"]["fraud"] for row in logs[:8]] == [row["out.fraud"] for row in answers]
    assert len(logs) == 1008
    assert shell("logs fraud --end 2020-01-01 -o json").json == []

    assert shell("undeploy fraud").code == 0
    assert shell("status -o json").json[0]["state"] == "Stopped"


def test_an_older_version_is_brought_back_by_the_start_of_its_id(shell: Shell, workspace: str) -> None:
    first = upload(shell, "ccfraud", "ccfraud.onnx")
    upload(shell, "ccfraud", "ccfraud_v2.onnx")
    shell(f"pipeline create fraud --step ccfraud@{first[:8]}")
    versions = shell("pipeline show fraud -o json").json
    shell("pipeline create fraud --step ccfraud")
    new_fraud = Path(SMOKE).read_text().splitlines()[6].rstrip(",")
    caught = []
    for choice in ("", f"--version {versions[0]['version'][:8]}"):
        assert shell(f"deploy fraud {choice}").code == 0
        caught.append(shell("infer fraud - -o json", new_fraud).json[0]["out.dense_1"][0] > 0.5)
    assert caught == [True, False]


def test_a_deployment_is_guarded_and_rolled_back(shell: Shell, workspace: str) -> None:
    upload(shell, "ccfraud", "ccfraud.onnx")
    shell("pipeline create fraud --step ccfraud")
    assert shell("deploy fraud").code == 0
    assert shell("deployment guard fraud -o json").json["enabled"] is False
    guard = shell("deployment guard fraud --max-error-rate 0.01 --bake-seconds 900 -o json").json
    assert (guard["enabled"], guard["max_error_rate"], guard["bake_seconds"], guard["min_requests"]) == (
        True,
        0.01,
        900,
        20,
    )
    assert shell("deployment rollouts fraud -o json").json == []
    upload(shell, "ccfraud", "ccfraud_v2.onnx")
    shell("pipeline create fraud --step ccfraud")
    assert shell("deploy fraud").code == 0
    (trial,) = shell("deployment rollouts fraud -o json").json
    assert (trial["from_revision"], trial["to_revision"], trial["state"]) == (1, 2, "BAKING")
    assert "revision 2 is on trial" in shell("status fraud").out
    back = shell("deployment rollback fraud -o json").json
    assert (back["state"], back["back_revision"], back["reason"]) == ("ROLLED_BACK", 3, "by hand, by admin")
    again = shell("deployment rollback fraud")
    assert again.code == 1
    assert "took the place of nothing that could come back" in again.err
    assert shell("deployment guard fraud --remove --on").code == 2
    assert shell("deployment guard fraud --remove -o json").json["enabled"] is False
    assert "BACK AS" in shell("deployment rollouts fraud").out


def test_tables_have_a_heading_and_a_line_for_each_row(shell: Shell, workspace: str) -> None:
    upload(shell, "ccfraud", "ccfraud.onnx")
    upload(shell, "ccfraud", "ccfraud_v2.onnx")
    heading, newest, oldest = shell("model versions ccfraud").out.splitlines()
    assert heading.split() == ["MODEL", "VERSION", "STATUS", "FRAMEWORK", "FILE", "BYTES", "CREATED", "BY"]
    assert ("ccfraud_v2.onnx" in newest, "ccfraud.onnx" in oldest) == (True, True)


def test_people_come_and_go(shell: Shell, workspace: str) -> None:
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    invited = shell(f"user invite {email} -o json").json
    assert shell(f"workspace add-user {email} --role owner").code == 0
    assert {"email": email, "role": "owner", "user_id": invited["id"], "username": email} in shell(
        "workspace users -o json"
    ).json
    assert shell(f"workspace remove-user {email}").code == 0
    assert shell(f"user deactivate {email}").code == 0
    refused = shell(f"login -u {email} --password-stdin", invited["password"])
    assert refused.code == 3
    assert shell(f"user activate {email}").code == 0
    assert shell(f"login -u {email} --password-stdin", invited["password"]).code == 0
    assert shell("whoami -o json").json["email"] == email


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("model list -w nowhere", 1, "There are: "),
        ("model versions nothing", 1, "no model 'nothing'"),
        ("pipeline show nothing", 1, "no pipeline 'nothing'"),
        ("pipeline create p --step nothing", 1, "no model 'nothing'"),
        ("deploy nothing", 1, "no pipeline 'nothing'"),
        ("infer nothing --json [{}]", 1, "no pipeline 'nothing'"),
        ("model upload Bad_Name examples/models/ccfraud.onnx", 1, "[a-z0-9]"),
        ("model upload readme README.md", 1, ".onnx"),
        ("login -u admin --password-stdin", 3, "Check the username 'admin'"),
    ],
)
def test_failures_say_what_is_wrong_and_what_there_is(
    line: str, code: int, words: str, shell: Shell, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    done = shell(line)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


def test_who_sees_several_workspaces_is_asked_which(
    shell: Shell, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell(f"workspace create other-{uuid.uuid4().hex[:8]}")
    monkeypatch.delenv("MODELYARD_WORKSPACE")
    done = shell("model list")
    assert done.code == 2
    assert workspace in done.err


def test_making_what_is_there_fails_unless_that_is_fine(shell: Shell, workspace: str) -> None:
    assert shell(f"workspace create {workspace}").code == 1
    done = shell(f"workspace create {workspace} --if-missing -o json")
    assert (done.code, done.json["name"]) == (0, workspace)


def test_a_pipeline_that_does_not_run_says_how_to_make_it(shell: Shell, workspace: str) -> None:
    upload(shell, "ccfraud", "ccfraud.onnx")
    shell("pipeline create fraud --step ccfraud")
    done = shell(f"infer fraud {SMOKE}")
    assert done.code == 1
    assert f"modelyard deploy fraud -w {workspace}" in done.err


def test_logging_out_ends_it(shell: Shell) -> None:
    assert shell("whoami -o json").json["username"] == "admin"
    shell("logout")
    assert shell("whoami").code == 3


def test_the_program_signs_in_from_the_environment_and_leaves_nothing_on_disk(
    live_server: RunningServer, tmp_path: Path
) -> None:
    environ = environment(
        MODELYARD_URL=live_server.url,
        MODELYARD_USERNAME=live_server.admin_username,
        MODELYARD_PASSWORD=live_server.admin_password,
        XDG_CONFIG_HOME=str(tmp_path),
    )
    done = subprocess.run([program("modelyard"), "whoami", "-o", "json"], env=environ, capture_output=True, check=True)
    assert json.loads(done.stdout)["username"] == "admin"
    assert list(tmp_path.iterdir()) == []


def test_tokens_are_made_shown_once_and_revoked(
    shell: Shell, live_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"laptop-{uuid.uuid4().hex[:8]}"
    made = shell(f"token create {name} --scope read --scope infer --days 7 -o json")
    assert (made.code, made.json["scopes"]) == (0, ["read", "infer"])
    listed = shell("token list")
    assert name in listed.out
    assert made.json["token"] not in listed.out
    assert "revoke it first" in shell(f"token create {name}").err

    shell("logout")
    monkeypatch.setenv("MODELYARD_URL", live_server.url)
    monkeypatch.setenv("MODELYARD_TOKEN", made.json["token"])
    assert shell("workspace list").code == 0
    refused = shell("workspace create more")
    assert (refused.code, "scope" in refused.err) == (3, True)
    monkeypatch.delenv("MODELYARD_TOKEN")

    login = f"login {live_server.url} -u {live_server.admin_username} --password-stdin"
    shell(login, live_server.admin_password + "\n")
    assert shell(f"token revoke {name}").code == 0
    assert shell(f"token revoke {name}").code == 1
    monkeypatch.setenv("MODELYARD_TOKEN", made.json["token"])
    assert shell("workspace list").code == 3


def test_service_accounts_are_made_given_tokens_and_deleted(shell: Shell) -> None:
    name = f"robot-{uuid.uuid4().hex[:8]}"
    made = shell(f"service-account create {name} --description nightly --oauth-client -o json")
    assert (made.code, made.json["owner"], made.json["client_id"]) == (0, "admin", name)
    assert made.json["client_secret"]
    listed = shell("service-account list").out
    assert name in listed
    assert made.json["client_secret"] not in listed
    token = shell(f"token create t --service-account {name}")
    assert "mly_" in token.out
    assert "t " in shell(f"token list --service-account {name}").out
    assert shell(f"token revoke t --service-account {name}").code == 0
    assert shell(f"service-account delete {name}").code == 0
    assert shell(f"service-account delete {name}").code == 1


def test_how_long_the_log_is_kept_is_shown_and_said(shell: Shell, workspace: str) -> None:
    assert shell("workspace log-retention -o json").json == {"days": None, "max_bytes": None}
    told = shell("workspace log-retention --days 90 --max-bytes 1000000 -o json")
    assert json.loads(told.out) == {"days": 90, "max_bytes": 1_000_000}
    assert shell("workspace log-retention --days 0").code != 0
    assert shell("workspace log-retention --days 1 --unlimited").code != 0
    assert json.loads(shell("workspace log-retention --unlimited -o json").out) == {"days": None, "max_bytes": None}
