"""``scripts/demo`` takes a model all the way, again and again, and says clearly when it cannot."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from running import environment

ROOT = Path(__file__).parents[2]


def demo(cache: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(ROOT / "scripts" / "demo", arguments, environment(DEMO_CACHE=str(cache)))


def run(program: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, *arguments], env=environ, capture_output=True, text=True, check=False)


@pytest.mark.timeout(600)
def test_it_does_the_main_job_and_can_be_run_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = demo(tmp_path, "--once")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Done: a model went from a file to a live, logged endpoint." in done.stdout
    credentials = tmp_path / "demo-data" / "credentials.json"
    assert json.loads(credentials.read_text())["admin_password"] not in done.stdout + done.stderr
    assert str(credentials) in done.stdout


def test_a_data_folder_that_cannot_be_made_ends_it_with_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "demo-data").write_text("a file, not a folder")
    done = demo(tmp_path, "--once")
    assert done.returncode == 1
    assert "The demo failed: the server did not become ready" in done.stderr
    assert "demo-data" in done.stderr


def test_an_unknown_option_shows_how_to_use_it(tmp_path: Path) -> None:
    done = demo(tmp_path, "--twice")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "scripts/demo --once" in done.stdout


def test_without_a_fitting_python_it_says_what_is_needed(tmp_path: Path) -> None:
    clone, tools = tmp_path / "clone", tmp_path / "bin"
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    shutil.copy(ROOT / "pyproject.toml", clone)
    tools.mkdir()
    for tool in ("bash", "env", "dirname", "cksum", "cat", "mkdir"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    environ = {"PATH": str(tools), "DEMO_CACHE": str(tmp_path / "cache")}
    done = run(clone / "scripts" / "demo", (), environ)
    assert done.returncode == 1
    assert "Python 3.11" in done.stderr
