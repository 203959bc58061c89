"""The controller process: prepares the data folder once, then does the application's periodic work."""

import logging
import queue
import signal
import sys

from modelyard.server.membership import Membership, Periodic, run_member

_LOG = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


def control(member: Membership) -> int:
    """Prepare, tell that it is done, and work until told to end."""
    member.application.prepare(member.settings)
    periodic = member.application.build_controller(member.settings)
    orders: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put may interrupt its get, unlike an Event's set
    signal.signal(signal.SIGTERM, lambda number, _: orders.put(number))
    member.tell_ready()
    _repeat(periodic, orders)
    return 0


def _repeat(periodic: Periodic, orders: queue.SimpleQueue[int]) -> None:
    pause = _PERIOD_SECONDS
    while not _ordered_within(pause, orders):
        try:
            periodic.run_once()
            pause = _PERIOD_SECONDS
        except Exception:  # noqa: BLE001 - whatever it was, the next round is tried
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            _LOG.exception("the periodic work failed; next try in %d s", pause)


def _ordered_within(seconds: float, orders: queue.SimpleQueue[int]) -> bool:
    try:
        orders.get(timeout=seconds)
    except queue.Empty:
        return False
    return True


if __name__ == "__main__":
    sys.exit(run_member(sys.argv[1:], control))
