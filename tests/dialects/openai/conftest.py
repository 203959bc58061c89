"""A server with two deployed models that generate text: one of the examples, and one that does what it is told."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from text_models import TOLD, Texts, deployed

from model_environments import use_environments
from running import RunningServer, StartServer
from wire import administrator

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def words_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The language model of the examples."""
    folder = tmp_path_factory.mktemp("words")
    script = _ROOT / "examples" / "frameworks" / "make_language_model.py"
    subprocess.run([sys.executable, script, folder], check=True, timeout=60)
    return folder / "words.zip"


@pytest.fixture(scope="session")
def told_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose prompt says what it does."""
    path = tmp_path_factory.mktemp("told") / "told.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.py", TOLD)
        archive.writestr("requirements.txt", "")
    return path


@pytest.fixture(scope="module")
def texts(
    start_module_server: StartServer, words_file: Path, told_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Texts:
    """Both deployed, in a workspace of the administrator."""
    data = tmp_path_factory.mktemp("texts") / "data"
    use_environments(data)
    server = start_module_server(data=data, inference_timeout_seconds=5)
    assert server.url
    return deployed(server, words_file, told_file)


@pytest.fixture(scope="session")
def openai_client() -> Any:
    """``openai_client(server, code)``: what the code says that runs with the real ``openai`` package, as JSON."""
    python = Path(
        os.environ.get(
            "MODELYARD_TEST_WALLAROO_PYTHON", _ROOT / ".cache" / "venvs" / "wallaroo-2026.1.3" / "bin" / "python"
        )
    )
    if not python.exists():
        pytest.fail(f"there is no interpreter with the openai package at {python}: run scripts/test, which makes it")

    def run(server: RunningServer, code: str) -> Any:
        token = administrator(server).token
        head = "import json\nfrom openai import OpenAI\nimport openai\n"
        head += f"client = OpenAI(base_url={server.url + '/openai/v1'!r}, api_key={token!r})\n"
        done = subprocess.run([python, "-c", head + code], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run
