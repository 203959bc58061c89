"""Models of the examples, each in an environment with the libraries of its framework, and what they answer there.

Environments and trained examples are made once and kept below ``.cache``, for all tests and all test runs; processes
that want the same one at once wait for the one that makes it.
"""

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from asking_models import ask
from modelyard.core.catalogue.frameworks import FRAMEWORKS, RUNTIME_REQUIREMENTS
from modelyard.core.catalogue.runtimes import Environment
from modelyard.engines.environments import Environments
from modelyard.engines.environments.packages import Packages

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "frameworks"
CACHE = ROOT / ".cache"
ALONE = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
"""For models so small that threads wait for one another longer than they work."""
BUILT = CACHE / "model-environments"
"""What servers of tests have for their own ``environments``, see ``use_environments``."""


def framework_environment(framework: str, *more: str) -> Path:
    """The Python of an environment with all that a framework's models and their conversion need."""
    needs = FRAMEWORKS[framework]
    return environment({*RUNTIME_REQUIREMENTS, *needs.requirements, *needs.converter, *more})


def environment(requirements: Iterable[str]) -> Path:
    """The Python of an environment with these packages."""
    return environments().ensure(locked(requirements))


def locked(requirements: Iterable[str]) -> Environment:
    """An environment of these packages; the versions of which are chosen once and remembered."""
    wanted = sorted(requirements)
    known = _kept("locks", wanted)
    with _held(known):
        if not known.exists():
            found = environments().lock(wanted)
            told = {"id": found.id, "python": found.python, "requested": found.requested, "lock": found.lock}
            known.write_text(json.dumps(told))
    return Environment(**json.loads(known.read_text()), created_at=datetime.now(UTC))


@functools.cache
def environments() -> Environments:
    """Those of the tests, built as a server does."""
    BUILT.mkdir(parents=True, exist_ok=True)
    return Environments(BUILT, Packages(folders=tuple(wheel_folders())))


def use_environments(data: Path) -> None:
    """Have the server with this data folder build its environments where all tests find them."""
    BUILT.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    place = data / "environments"
    if not place.exists():
        place.symlink_to(BUILT)


def example(name: str, python: Path) -> dict[str, Any]:
    """What a script of ``examples/frameworks`` makes with this Python; nobody may change its files."""
    texts = [path.read_text() for path in sorted(EXAMPLES.glob("*.py"))]
    folder = _kept("examples", [name, str(python), *texts])
    with _held(folder):
        if not folder.exists():
            _make_example(name, python, folder)
    made: dict[str, Any] = json.loads((folder / "example.json").read_text())
    return {**made, "path": str(folder / made["file"])}


def asked(python: Path, loader: str, path: Path, rows: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What a model answers, loaded in its environment; see ``asked_model``."""
    with tempfile.TemporaryDirectory() as scratch:
        question = {
            "loader": loader,
            "path": str(path),
            "file_name": path.name,
            "scratch": scratch,
            "inputs": None,
            "outputs": None,
            "options": {},
            "rows": rows,
        }
        return ask(python, question | more)


def told(python: Path, command: list[str | Path], question: Mapping[str, Any]) -> dict[str, Any]:
    """What a command of the runtime writes in answer to this JSON."""
    with tempfile.NamedTemporaryFile() as answer:
        environ = {**os.environ, **ALONE, "PYTHONPATH": str(ROOT / "src")}
        run([python, *command, answer.name], env=environ, text=json.dumps(question))
        said: dict[str, Any] = json.loads(Path(answer.name).read_text())
    return said


def asked_as_in_example(python: Path, made: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What the model of an example answers to the example's rows."""
    loader = FRAMEWORKS[made["framework"]].loader
    declared = {"inputs": made["inputs"], "outputs": made["outputs"], "options": made["options"]}
    return asked(python, loader, Path(made["path"]), **({"rows": made["rows"]} | declared | more))


def assert_answers(said: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """The answers are the framework's own, within the example's tolerance."""
    assert "answers" in said, said
    for name, expected in made["answers"].items():
        if made["tolerance"] and not isinstance(expected[0], str):
            flat = [row[0] if isinstance(row, list) else row for row in said["answers"][name]]
            own = [row[0] if isinstance(row, list) else row for row in expected]
            assert flat == pytest.approx(own, rel=made["tolerance"], abs=made["tolerance"])
        else:
            assert said["answers"][name] == expected


def run(command: list[Any], text: str | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run to its end; a failure shows what was printed."""
    done = subprocess.run(
        [str(part) for part in command], input=text, env=env, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@functools.cache
def wheel_folders() -> list[Path]:
    """Where wheels lie that no index has, as pip is told."""
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"], capture_output=True, text=True, check=False
    )
    return [Path(each) for each in said.stdout.split()]


def _make_example(name: str, python: Path, folder: Path) -> None:
    environ = {**os.environ, **ALONE, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(dir=folder.parent) as making:
        run([python, EXAMPLES / f"{name}.py", making], env=environ)
        shutil.copytree(making, folder)


def _kept(kind: str, what: list[str]) -> Path:
    folder = CACHE / "models" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder / sha256(json.dumps(what).encode()).hexdigest()[:32]


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
