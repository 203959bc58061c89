"""Work on files that nobody vouches for, in processes of their own with little to take and little to break.

A child is one of our modules, run with a path; it limits itself first and prints one line of JSON last.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid


@dataclass(frozen=True, slots=True)
class Finished:
    """What the child printed last, None when that was no JSON object, and how it ended."""

    answer: dict[str, Any] | None
    cause: str


def run_child(module: str, path: Path, seconds: int, doing: str) -> Finished:
    """Run the module on the path; ``INVALID`` when it takes longer. ``doing`` says in messages what it does."""
    command = [sys.executable, "-m", module, str(path)]
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(  # noqa: S603  # our own program, on a path that we named
            command, capture_output=True, timeout=seconds, check=False, env=environment, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise invalid(f"{doing} took longer than {seconds} s and was stopped") from error
    code = done.returncode
    return Finished(_last_object(done.stdout), f"signal {-code}" if code < 0 else f"exit code {code}")


def limit_itself(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    """In the child: no more address space, processor time and bytes in a file than this, and no core dump."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def tell(answer: dict[str, Any]) -> None:
    """In the child: the result, as the last line."""
    sys.stdout.write(json.dumps(answer) + "\n")


def refusal(error: DomainError) -> dict[str, Any]:
    """A refusal as the child tells it."""
    return {"error": error.message, **error.details}


def _last_object(output: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(output.rsplit(b"\n", 2)[-2])
    except (ValueError, IndexError):
        return None
    return answer if isinstance(answer, dict) else None
