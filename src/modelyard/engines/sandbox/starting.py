"""Starting confined processes."""

import marshal
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from modelyard.engines.sandbox.confinement import Confinement
from modelyard.engines.sandbox.starter import in_lasting_thread
from modelyard.engines.sandbox.ways import Way

Stream = int | IO[bytes] | None


def start_by(
    way: Way, confinement: Confinement, stdout: Stream, stderr: Stream, stdin: Stream
) -> "subprocess.Popen[bytes]":
    """Start it in exactly this way."""
    whole = replace(confinement, scratch=confinement.scratch.absolute())
    for path in (*whole.readable, whole.scratch):
        path.stat()
    orders = way.orders(whole)
    if orders["uid"] is not None:
        os.chown(whole.scratch, orders["uid"], orders["uid"])
    descriptor = os.memfd_create("orders")
    try:
        os.pwrite(descriptor, marshal.dumps(dict(orders)), 0)
        command = way.command(whole, descriptor)
        return in_lasting_thread(lambda: _started(whole, command, descriptor, stdin, stdout, stderr))
    finally:
        os.close(descriptor)


def _started(  # what and with what
    confinement: Confinement, command: list[str], descriptor: int, stdin: Stream, stdout: Stream, stderr: Stream
) -> "subprocess.Popen[bytes]":
    with _on(confinement.cores):
        return subprocess.Popen(  # noqa: S603  # the caller's command, in a sandbox
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={"LANG": "C.UTF-8"},
            pass_fds=(*confinement.inherited, descriptor),
            start_new_session=True,
        )


@contextmanager
def _on(cores: frozenset[int] | None) -> Iterator[None]:
    """What this thread starts inside runs on these processors, and so does all that comes of it."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def ending(code: int) -> str:
    """How a confined process ended, from its return code: between namespaces a signal becomes 128 and its number."""
    if code < 0 or code > 128:
        return f"signal {abs(code) if code < 0 else code - 128}"
    return f"exit code {code}"
