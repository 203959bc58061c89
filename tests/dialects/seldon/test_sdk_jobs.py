"""The unmodified ``seldon-deploy-sdk`` 2.4.0, in an environment of its own, has jobs done."""

import os
import subprocess
from pathlib import Path

import pytest
from jobs_world import ROW, site

from running import StartServer, environment

_VENV = Path(__file__).parents[3] / ".cache" / "venvs" / "seldon-deploy-sdk-2.4.0"
_SCRIPT = Path(__file__).parent / "sdk" / "jobs.py"


@pytest.fixture(scope="session")
def seldon_python() -> Path:
    """``MODELYARD_TEST_SELDON_PYTHON``, or the one that ``scripts/test`` makes."""
    python = Path(os.environ.get("MODELYARD_TEST_SELDON_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(f"there is no interpreter with seldon-deploy-sdk at {python}: run scripts/test, which makes it")
    return python


def test_the_sdk_has_jobs_done(start_server: StartServer, tmp_path: Path, seldon_python: Path) -> None:
    server = start_server(data_roots=f"{tmp_path}/roots/{{namespace}}")
    here = site(server, tmp_path / "roots")
    source = here.file("in.jsonl", *([[value + at for value in ROW]] for at in range(9)))
    arguments = [server.url, str(here.caller.token), here.namespace, here.name, source, here.uri("out.jsonl")]
    command = [seldon_python, _SCRIPT, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(here.lines("out.jsonl")) == 9
