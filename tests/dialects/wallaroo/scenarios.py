"""Scenarios of ``sdk/`` in the SDK's own venv, and what models answer when they are asked directly."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest

import real_clients
from running import RunningServer
from wire import Person

_ROOT = Path(__file__).parents[3]
_EXAMPLES = _ROOT / "examples"
_SCENARIOS = Path(__file__).parent / "sdk"

Scenario = Callable[..., Any]


def scenarios(server: RunningServer, wallaroo_python: Path, person: Person, folder: Path) -> Scenario:
    """What runs a scenario as the person, in a workspace of its own, each time with a cache folder of its own."""
    workspace = f"space-{uuid.uuid4().hex[:8]}"

    def run(scenario: str, as_: Person = person, **given: Any) -> Any:
        own = folder / f"run-{uuid.uuid4().hex[:8]}"
        own.mkdir()
        result = own / "result.json"
        given = {"url": server.url, "examples": str(_EXAMPLES), "workspace": workspace} | given
        done = subprocess.run(
            [wallaroo_python, _SCENARIOS / "run.py", scenario, result],
            check=False,
            input=json.dumps(given),
            env=_environment(own, as_),
            cwd=own,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, f"{scenario} failed:\n{done.stdout}\n{done.stderr}"
        return json.loads(result.read_text())

    return run


def _environment(folder: Path, person: Person) -> dict[str, str]:
    return real_clients.FONTS | {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "WALLAROO_USER": person.email,
        "WALLAROO_PASSWORD": person.password,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def directly(model: str, rows: str) -> list[float]:
    """The first column of the model's first output for these rows."""
    session = onnxruntime.InferenceSession(_EXAMPLES / "models" / model)
    table = pa.ipc.open_file(_EXAMPLES / "data" / rows).read_all()
    tensor = np.array(table["tensor"].to_pylist(), dtype=np.float32)
    answer: list[float] = session.run(None, {session.get_inputs()[0].name: tensor})[0][:, 0].tolist()
    return answer


def close(expected: list[float]) -> Any:
    """As near as numbers get that went through JSON."""
    return pytest.approx(expected, rel=1e-5, abs=1e-7)
