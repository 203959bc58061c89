"""What a person meets before any server is asked: help, hints, exit codes, and never a traceback."""

import os
import socket
from pathlib import Path

import pytest

from modelyard.cli import run
from modelyard.cli.root import app

COMMANDS = [
    "login",
    "logout",
    "whoami",
    "workspace list",
    "workspace create",
    "workspace users",
    "workspace add-user",
    "workspace remove-user",
    "model upload",
    "model list",
    "model versions",
    "pipeline create",
    "pipeline list",
    "pipeline show",
    "deploy",
    "status",
    "infer",
    "logs",
    "undeploy",
    "user invite",
    "user list",
    "user activate",
    "user deactivate",
    "token create",
    "token list",
    "token revoke",
    "service-account create",
    "service-account list",
    "service-account delete",
    "audit search",
    "audit export",
    "audit verify",
    "serve",
    "completion",
]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def at_home_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sign-in and no setting of whoever runs the tests."""
    for name in ("URL", "TOKEN", "USERNAME", "PASSWORD", "WORKSPACE", "DEBUG"):
        monkeypatch.delenv(f"MODELYARD_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_examples(command: str, capsys: Captured) -> None:
    assert run([*command.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert f"modelyard {command}" in out.split("Examples:")[1]


def test_the_help_of_the_program_names_every_command(capsys: Captured) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f" {command.split()[0]} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("line", "meant"),
    [("deplyo x", '"deploy"'), ("model uplaod a b", '"upload"'), ("model list --worksapce x", "--workspace")],
)
def test_a_slip_of_the_finger_is_answered_with_what_was_meant(line: str, meant: str, capsys: Captured) -> None:
    assert run(line.split()) == 2
    assert f"Did you mean {meant}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("model upload x", "FILE"),
        ("infer ccfraud", "Give the rows once"),
        ("infer ccfraud rows.json --json []", "Give the rows once"),
        ("infer ccfraud --json nonsense", "neither an Arrow file nor JSON"),
        ("infer ccfraud --json [1]", "not records"),
        ("logs ccfraud --limit 0", "--limit 0"),
        ("logs ccfraud --since 1h --start 2026-01-01", "give one of them"),
        ("logs ccfraud --since soon", "--since"),
        ("audit search --limit 0", "--limit 0"),
        ("audit export --since 1h --start 2026-01-01", "give one of them"),
        ("audit export --format xml", "xml"),
        ("audit verify --expect 12", "NUMBER:HASH"),
        ("audit verify --accept --expect 1:" + "0" * 64, "contradict each other"),
        ("workspace list --url nowhere", "not the address of a server"),
        ("workspace list -o yaml", "yaml"),
        ("serve --port 99999", "a whole number from 0 to 65535"),
        ("serve --config nowhere.toml", "does not exist"),
        ("serve --prot 1", "Did you mean --port"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(
    line: str, words: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MODELYARD_")]:
        monkeypatch.delenv(name)  # where tests find real clients is no setting of the server
    assert run(line.split()) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_a_missing_file_is_named_and_exits_with_1(capsys: Captured) -> None:
    assert run(["model", "upload", "ccfraud", "nowhere.onnx"]) == 1
    assert capsys.readouterr().err == "Error: nowhere.onnx: No such file or directory.\n"


def test_who_is_not_signed_in_is_told_how_to_and_exits_with_3(capsys: Captured) -> None:
    assert run(["workspace", "list"]) == 3
    err = capsys.readouterr().err
    assert "Not signed in to http://127.0.0.1:8080" in err
    assert "modelyard login" in err


def test_login_without_a_terminal_names_the_option_instead_of_hanging(capsys: Captured) -> None:
    assert run(["login"]) == 2
    assert "--username" in capsys.readouterr().err


def test_an_unreachable_server_is_named_and_exits_with_1(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with socket.socket() as taken:  # bound but not listening: nobody else gets the port, nobody answers
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("MODELYARD_TOKEN", "any")
        assert run(["workspace", "list", "--url", url]) == 1
    assert f"Cannot reach {url}: Connection refused." in capsys.readouterr().err


def test_an_unforeseen_failure_is_one_line_unless_asked_for_more(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("modelyard.cli.root.app", broken)
    assert run([]) == 1
    told = capsys.readouterr().err
    assert "out of luck" in told
    assert "Traceback" not in told
    monkeypatch.setenv("MODELYARD_DEBUG", "1")
    run([])
    assert "Traceback" in capsys.readouterr().err


def test_logging_out_twice_is_no_failure(capsys: Captured) -> None:
    assert run(["logout"]) == 0
    assert "were not signed in" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_the_commands(shell: str, capsys: Captured) -> None:
    assert run(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("workspace", "undeploy", "add-user"))


def test_the_version_is_data(capsys: Captured) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == app.version
