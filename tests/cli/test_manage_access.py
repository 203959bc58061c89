"""The how-to about access does what it says, command for command."""

import io
import re
from pathlib import Path

import pytest

from modelyard.cli import run
from running import StartServer

_PAGE = Path(__file__).parents[2] / "docs" / "howto" / "manage-access.md"


def _examples() -> list[tuple[str, list[str]]]:
    """Every command on the page with the lines that it writes."""
    blocks = re.findall(r"```console\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    parts = re.split(r"^\$ modelyard ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(lines[0], lines[1:]) for lines in (part.splitlines() for part in parts)]


def _fits(shown: str, written: str) -> bool:
    """Whether a line is as on the page, where … stands for anything, and any space for any other."""
    pattern = re.escape(" ".join(shown.split())).replace("…", ".*")
    return re.fullmatch(pattern, " ".join(written.split())) is not None


def test_every_command_of_the_page_writes_what_the_page_says(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start_server()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(server.admin_password.encode())))
    assert run(f"login {server.url} -u {server.admin_username} --password-stdin".split()) == 0
    capsys.readouterr()
    examples = _examples()
    assert len(examples) >= 15
    for command, shown in examples:
        code = run(command.split())
        done = capsys.readouterr()
        assert code == 0, f"{command}: {done.err}"
        written = done.out.splitlines()
        kept = shown[:-1] if shown[-1:] == ["…"] else shown
        assert len(written) == len(kept) or len(kept) < len(shown), f"{command}: {done.out}"
        for wanted, line in zip(kept, written, strict=False):
            assert _fits(wanted, line), f"{command}: {line!r} is not {wanted!r}"


def test_the_program_of_the_page_prints_what_the_page_says(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start_server()
    text = _PAGE.read_text("utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", server.admin_username)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", server.admin_password)
    program = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0].replace("http://127.0.0.1:8080", server.url)
    exec(compile(program, str(_PAGE), "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == re.findall(r"```text\n(.*?)```", text, re.DOTALL)[0]
