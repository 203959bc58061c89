"""Locks processes in that run what nobody vouches for: what a model is made of, and files that come in.

``docs/explanation/sandbox.md`` tells what each level stops and what none does.
"""

import subprocess

from modelyard.engines.sandbox.available import available_level, way_to, why_not_higher
from modelyard.engines.sandbox.confinement import Confinement, Level
from modelyard.engines.sandbox.starting import Stream, ending, start_by

__all__ = ["Confinement", "Level", "available_level", "ending", "start", "why_not_higher"]


def start(
    confinement: Confinement,
    stdout: Stream,
    stderr: Stream = subprocess.DEVNULL,
    stdin: Stream = subprocess.DEVNULL,
    level: Level | None = None,
) -> "subprocess.Popen[bytes]":
    """Start it as far locked in as can be, or at exactly the ``level``; streams as for ``subprocess.Popen``.

    It leads a process group and is killed when this process ends. Kill it by ``os.killpg(process.pid, SIGKILL)``; a
    softer signal ends what stands around the command instead of reaching it. ``FileNotFoundError`` when a path is not
    there, ``RuntimeError`` when the level cannot be reached.
    """
    chosen = available_level() if level is None else level
    found = way_to(chosen)
    if found.way is None:
        raise RuntimeError(f"no process can be {chosen.word} on this machine: {'; '.join(found.reasons)}")
    return start_by(found.way, confinement, stdout, stderr, stdin)
