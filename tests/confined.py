"""Attacks run for tests inside each way to a level that this machine has."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modelyard.engines.sandbox.available import problem_of
from modelyard.engines.sandbox.confinement import Confinement, Level
from modelyard.engines.sandbox.starting import start_by
from modelyard.engines.sandbox.ways import Way

ATTACKS = Path(__file__).with_name("attacks.py")
_BUBBLEWRAP = shutil.which("bwrap") or "/usr/bin/bwrap"

WAYS = {
    "process": Way(Level.PROCESS),
    "restricted": Way(Level.RESTRICTED),
    "restricted, own user": Way(Level.RESTRICTED, own_user=True),
    "own namespaces": Way(Level.ISOLATED),
    "own namespaces, own user": Way(Level.ISOLATED, own_user=True),
    "bubblewrap": Way(Level.ISOLATED, bubblewrap=_BUBBLEWRAP),
    "bubblewrap, own user": Way(Level.ISOLATED, own_user=True, bubblewrap=_BUBBLEWRAP),
}


@cache
def _problem(name: str) -> str | None:
    if WAYS[name].own_user and os.geteuid() != 0:
        return "only root can give a process a user of its own"
    return problem_of(WAYS[name])


def need(name: str) -> Way:
    """The way, or the test is skipped with what keeps this machine from it."""
    if problem := _problem(name):
        pytest.skip(f"{name}: {problem}")
    return WAYS[name]


def attempt(way: Way, scratch: Path, *command: str, seconds: float = 20, **limits: Any) -> dict[str, Any]:
    """What the attack says it got (``done``) or was stopped by, or how its process ended."""
    child = begin(way, scratch, *command, **limits)
    try:
        output, errors = child.communicate(timeout=seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if not output:
        return {"ended": child.returncode, "errors": errors.decode(errors="replace")}
    answer: dict[str, Any] = json.loads(output.rsplit(b"\n", 2)[-2])
    return answer


def begin(
    way: Way, scratch: Path, *command: str, also_readable: tuple[Path, ...] = (), **limits: Any
) -> "subprocess.Popen[bytes]":
    """Start an attack and leave it be."""
    confinement = Confinement(
        command=(sys.executable, "-I", str(ATTACKS), *command),
        readable=(ATTACKS, *also_readable),
        scratch=scratch,
        **limits,
    )
    return start_by(way, confinement, subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
