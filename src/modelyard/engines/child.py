"""Work on files that nobody vouches for, in processes of their own with little to take and little to break.

A child is one of our modules, run with a path in the sandbox; it prints one line of JSON last.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import modelyard
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.engines.sandbox import Confinement, ending, start


@dataclass(frozen=True, slots=True)
class Finished:
    """What the child printed last, None when that was no JSON object, and how it ended."""

    answer: dict[str, Any] | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the child does with the path, in messages ``doing``; how much it may use, and for how long, in seconds."""

    module: str
    path: Path
    doing: str
    seconds: int
    cpu_seconds: int
    memory_bytes: int
    file_bytes: int = 0


def run_child(work: Work, scratch: Path | None = None) -> Finished:
    """Run the module on the path, which alone it can read; ``INVALID`` when it takes longer.

    It writes in ``scratch`` alone, without one nowhere that anybody will see.
    """
    with tempfile.TemporaryDirectory() as made:
        child = start(_confinement(work, scratch or Path(made)), subprocess.PIPE)
        with child:
            try:
                output, _ = child.communicate(timeout=work.seconds)
            except subprocess.TimeoutExpired as error:
                os.killpg(child.pid, signal.SIGKILL)
                raise invalid(f"{work.doing} took longer than {work.seconds} s and was stopped") from error
    return Finished(_last_object(output), ending(child.returncode))


def module_folders() -> list[Path]:
    """Where this package and the installed libraries are. The rest of ``sys.path`` may hold anything."""
    installed = [Path(each).absolute() for each in sys.path if Path(each).name in {"site-packages", "dist-packages"}]
    return [Path(modelyard.__file__).parents[1], *(folder for folder in installed if folder.exists())]


def _confinement(work: Work, scratch: Path) -> Confinement:
    folders = module_folders()
    return Confinement(
        command=(sys.executable, "-P", "-m", work.module, str(work.path.absolute())),
        environment={"PYTHONPATH": os.pathsep.join(map(str, folders))},
        readable=(*folders, work.path.absolute()),
        scratch=scratch,
        memory_bytes=work.memory_bytes,
        file_bytes=work.file_bytes,
        cpu_seconds=work.cpu_seconds,
    )


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
