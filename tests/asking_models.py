"""Asks models in environments of their own; the libraries are imported once for all questions in a row."""

import functools
import json
import os
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parent
_ENDS = "end of answer\n"


def ask(python: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What ``asked_model`` says to this question; an error of the model shows what it printed."""
    with tempfile.NamedTemporaryFile() as answer:
        printed = _asker(python, question["loader"]).ask({**question, "answer": answer.name})
        text = Path(answer.name).read_text()
    assert text, printed[-4000:]
    said: dict[str, Any] = json.loads(text)
    return said


@functools.lru_cache(maxsize=1)
def _asker(python: Path, loader: str) -> "_Asker":
    """One at a time: each holds the libraries of its framework in memory."""
    return _Asker(python, loader)


class _Asker:
    """A process of ``asked_model``, which answers each question in a copy of itself."""

    def __init__(self, python: Path, loader: str) -> None:
        environ = {**os.environ, "PYTHONPATH": str(_TESTS.parent / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [python, _TESTS / "asked_model.py", loader],
            env=environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        weakref.finalize(self, self._process.communicate)

    def ask(self, question: Mapping[str, Any]) -> str:
        """What was printed over it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.endswith(_ENDS):
                break
            lines.append(line)
        return "".join(lines)
