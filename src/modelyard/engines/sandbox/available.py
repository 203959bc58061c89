"""Which levels this machine allows: each is tried for real, once."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelyard.engines.confine import landlock, seccomp
from modelyard.engines.sandbox.confinement import Confinement, Level
from modelyard.engines.sandbox.starting import start_by
from modelyard.engines.sandbox.ways import Way

_SECONDS = 20


@dataclass(frozen=True)
class Reached:
    """The way to a level, None with the reasons when there is none."""

    way: Way | None
    reasons: tuple[str, ...] = ()


@cache
def available_level() -> Level:
    """The highest level that can be reached; tried once in a process."""
    return next(level for level in sorted(Level, reverse=True) if way_to(level).way is not None)


def why_not_higher() -> str:
    """Why the next level cannot be reached; empty at the highest."""
    above = available_level() + 1
    return "; ".join(way_to(Level(above)).reasons) if above <= max(Level) else ""


@cache
def way_to(level: Level) -> Reached:
    """The first way that works, and why those before it do not."""
    reasons: list[str] = []
    for way in ways_to(level, reasons):
        problem = problem_of(way)
        if problem is None:
            return Reached(way, tuple(reasons))
        reasons.append(f"{way.word}: {problem}")
    return Reached(None, tuple(reasons))


def ways_to(level: Level, reasons: list[str]) -> Iterator[Way]:
    """Best first. Root may run each process as a user of its own."""
    if level is Level.PROCESS:
        yield Way(level)
        return
    if not seccomp.supported():
        reasons.append(f"seccomp: no table of system calls for {os.uname().machine}")
        return
    locks = landlock.version() > 0
    if not locks:
        reasons.append("Landlock: the kernel has none, or it is not switched on (lsm=landlock,…)")
    bubblewrap = shutil.which("bwrap") if level is Level.ISOLATED else None
    if level is Level.ISOLATED and bubblewrap is None:
        reasons.append("bubblewrap: not installed")
    for own_user in (True, False) if os.geteuid() == 0 else (False,):
        if bubblewrap is not None:
            yield Way(level, own_user, bubblewrap)
        if locks:
            yield Way(level, own_user)


def problem_of(way: Way) -> str | None:
    """What happens to a small program, None when it works."""
    program = str(Path(sys.executable).resolve())
    with tempfile.TemporaryDirectory() as folder:
        asked = Confinement(command=(program, "-I", "-S", "-c", "print('here')"), scratch=Path(folder))
        try:
            child = start_by(way, asked, subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
        except OSError as error:
            return str(error)
        with child:
            try:
                output, errors = child.communicate(timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                return f"no answer within {_SECONDS} s"
    return None if output == b"here\n" else _last_line(errors) or f"it ended with {child.returncode}"


def _last_line(errors: bytes) -> str:
    return errors.decode(errors="replace").strip().rpartition("\n")[2]
