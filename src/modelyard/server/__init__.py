"""The process tree of ``modelyard serve``.

``serve`` turns the calling process into the **supervisor**, which imports nothing but the standard library and the
settings. It owns the data folder's lock and the listening socket, and starts one **controller** (prepares the data
folder, then cleans up periodically) and the **workers** (answer requests) as processes of their own. What they do is
the application's; this package only keeps them running and lets them end in good order.
"""

import os
import sys
import time
from typing import NoReturn

from modelyard.server.handover import hand_over
from modelyard.settings import PREFIX, Settings

APPLICATION = "modelyard.bootstrap"

# Each allocator arena and each pool of idle threads costs memory in every process; requests do not wait for either.
_CHILD_DEFAULTS = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"}


def serve(settings: Settings, application: str = APPLICATION) -> NoReturn:
    """Become the server until it is told to end.

    Exit codes: 0 ended as told, 1 it could not start or end in order, 2 it may not start here (folder, port).
    ``application`` is the module with ``prepare``, ``build_application`` and ``build_controller``.

    The program is replaced rather than called, so that what the command line imported does not stay in memory, and
    so that secrets in the environment end here.
    """
    environ = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    arguments = (str(hand_over(settings)), application, str(time.monotonic()))
    command = [sys.executable, "-P", "-m", "modelyard.server.supervisor", *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, command, _CHILD_DEFAULTS | environ)  # noqa: S606 - no shell is wanted
