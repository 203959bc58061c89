"""The real process tree around a stand-in application."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import RunningServer, StartServer, environment, program

_PROGRAM = """
import json, os, sys
from modelyard.server import serve
from modelyard.settings import load_settings
serve(load_settings(json.loads(sys.argv[1]), os.environ), "standin")
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start_tree(data: Path) -> Iterator[StartServer]:
    """Starts a tree; keywords are settings."""
    started: list[RunningServer] = []

    def start(**settings: object) -> RunningServer:
        folder = Path(str(settings.setdefault("data", str(data))))
        flags = {"port": 0, "workers": 1, **settings}
        environ = environment(PYTHONPATH=str(Path(__file__).parent), MODELYARD_ADMIN_PASSWORD="correct horse")
        command = [program("python"), "-c", _PROGRAM, json.dumps(flags)]
        output = folder.with_name(f"{folder.name}-{len(started)}")
        started.append(RunningServer(command, environ, folder, output))
        return started[-1]

    yield start
    for server in started:
        server.kill()
