"""The controller process: prepares the data folder once, then does the application's periodic work."""

import logging
import os
import queue
import signal
import sys
from collections.abc import Callable

from modelyard.server.children import REASON_TOLD
from modelyard.server.membership import Membership, end_with, keep_what_is_loaded, reason, run_member
from modelyard.server.model_host import ModelHostKeeper
from modelyard.server.runners import Runners

_LOG = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


def control(member: Membership) -> int:
    """Prepare, tell that it is done, and work until told to end."""
    member.application.load_controller()
    keep_what_is_loaded()
    if not _prepared(member):
        return REASON_TOLD
    periodic = member.application.build_controller(member.settings)
    runners = Runners(periodic, member.settings, member.module)
    models = ModelHostKeeper(periodic, member.settings, member.module)

    def work_once() -> None:
        periodic.run_once()
        models.run_once()
        runners.run_once()

    orders: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put may interrupt its get, unlike an Event's set
    signal.signal(signal.SIGTERM, lambda number, _: orders.put(number))
    member.tell_ready()
    _repeat(work_once, orders)
    runners.close()
    models.close()
    return 0


def _prepared(member: Membership) -> bool:
    """Prepare in a process of its own: what only that needs (migrations, password hashing) leaves with it.

    What both need is loaded before, so that it is loaded once.
    """
    controller = os.getpid()
    child = os.fork()
    if child == 0:
        end_with(controller)  # else it would go on in a folder that another server may take
        try:
            member.application.prepare(member.settings)
        except Exception as error:  # noqa: BLE001 - the supervisor's log must say why
            _LOG.critical("%s", reason(error))
            os._exit(REASON_TOLD)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _repeat(work_once: Callable[[], None], orders: queue.SimpleQueue[int]) -> None:
    pause = _PERIOD_SECONDS
    while not _ordered_within(pause, orders):
        try:
            work_once()
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
