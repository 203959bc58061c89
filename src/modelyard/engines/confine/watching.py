"""A watcher beside a process without a process namespace: what it started ends with it, or with the server."""

import os
import select

_SIGKILL = 9


def watch_over(parent: int) -> None:
    """Start the watcher: when this process or its parent ends, it kills what is left of this process group.

    It belongs to nobody, so that this process, which will be another program, has no child that it does not know.
    """
    here = os.getpid()
    try:
        ends = [os.pidfd_open(parent), os.pidfd_open(here)]
    except OSError:  # before Linux 5.3, where no level is reached that promises it
        return
    if (child := os.fork()) != 0:
        for end in ends:
            os.close(end)
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork() == 0:
        _watch(ends, here)
    os._exit(0)


def _watch(ends: list[int], group: int) -> None:
    low, high = sorted(ends)
    for first, last in ((0, low), (low + 1, high), (high + 1, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(first, last)
    select.select(ends, [], [])
    try:
        os.killpg(group, _SIGKILL)
    finally:
        os._exit(0)
