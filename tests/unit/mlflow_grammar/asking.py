"""Asks the real MLflow what it makes of searches."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

Answer = dict[str, Any]


class MLflow:
    """A process of ``mlflow_oracle.py`` in MLflow's own environment; starting it takes some seconds."""

    def __init__(self, python: Path) -> None:
        command = [python, Path(__file__).with_name("mlflow_oracle.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "MLflow":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def ask(self, search: dict[str, Any]) -> Answer:
        """Its answer to ``{"thing", "filter", "order_by"}``."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(search)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process with MLflow ended with code {self._process.wait()}"
        return json.loads(answer)
