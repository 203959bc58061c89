"""Checks an uploaded ONNX file in a process of its own, so that a hostile file can hurt nothing but that process.

Run as ``python -m modelyard.engines.onnx_check FILE``: prints ``{"signature": …}`` or ``{"error": …}``.
"""

import json
import mmap
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import Signature

_CPU_SECONDS = 60
_WALL_SECONDS = 120
_BASE_MEMORY = 2 * 1024**3  # address space that onnxruntime and Python map before any model


def check_model(path: Path) -> Signature:
    """The tensors of a model that can be served; ``INVALID`` tells why it cannot.

    ``external`` in its details says that only other files, in which it keeps tensors, are missing.
    """
    command = [sys.executable, "-m", "modelyard.engines.onnx_check", str(path)]
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(  # noqa: S603  # our own program, on a path that we named
            command, capture_output=True, timeout=_WALL_SECONDS, check=False, env=environment, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise invalid(f"the check of the model took longer than {_WALL_SECONDS} s and was stopped") from error
    answer = _answer(done.stdout)
    if answer is None:
        raise invalid(
            f"the check of the model died ({_cause(done.returncode)}): the file is damaged, hostile or too large"
        )
    if "error" in answer:
        raise invalid(answer["error"], external=answer.get("external", False))
    return Signature.from_json(answer["signature"])


def _answer(output: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(output.rsplit(b"\n", 2)[-2])
    except (ValueError, IndexError):
        return None
    return answer if isinstance(answer, dict) else None


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _limit(size: int) -> None:
    memory = _BASE_MEMORY + 6 * size
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _inspect(path: Path) -> Signature:
    from modelyard.engines import onnx, onnx_file  # noqa: PLC0415  # only under the limits

    with path.open("rb") as file:
        if not path.stat().st_size:
            raise invalid("the file is empty")
        # Left open until the process ends: parts of it live on in the traceback of a refusal.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _refuse(onnx_file.read_facts(memoryview(mapped)))
    return onnx.load(path).signature


def _refuse(facts: Any) -> None:
    """Refuse what the runtime would not: it names versions and operators that it lacks when it loads the file."""
    if facts.external:
        where = next((name for name in facts.external if name), "?")
        raise invalid(
            f"the model keeps tensors in another file ({where[:200]!r}); save it as one file, without external data",
            external=True,
        )


def main(path: Path) -> None:
    """Check the file and print the result as one line of JSON."""
    _limit(path.stat().st_size)
    try:
        answer: dict[str, Any] = {"signature": _inspect(path).to_json()}
    except DomainError as error:
        answer = {"error": error.message, **error.details}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
