"""Waiting for a descriptor in the midst of a request.

Whoever asks something outside of this process waits by ``current_wait``: on the event loop others are answered
meanwhile, on a thread the thread sleeps.
"""

import select
import time
from collections.abc import Callable
from contextvars import ContextVar

Wait = Callable[[int, bool, float], None]
"""Takes a descriptor, whether it is for writing, and the latest moment of ``time.monotonic()``.

Returns when the descriptor is ready, at that moment, or sooner: whoever waits looks what is the case.
"""


def on_thread(descriptor: int, writing: bool, latest: float) -> None:  # as declared above
    """Have the thread sleep."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    poll.poll(max(0.0, latest - time.monotonic()) * 1000)


WAIT: ContextVar[Wait] = ContextVar("wait", default=on_thread)


def current_wait() -> Wait:
    """How whoever runs here waits."""
    return WAIT.get()
