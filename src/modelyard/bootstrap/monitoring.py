"""Monitoring beside the controller's other work, which must not wait for it."""

import logging
import threading
from collections.abc import Callable

from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.detection import Detection
from modelyard.segments.reader import SegmentReader
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)


class Monitoring:
    """Its ``run_once`` is called about once a second and returns at once; a round that takes longer is waited for."""

    def __init__(self, settings: Settings, store: Store) -> None:
        logs = SegmentReader(settings.data / "logs")
        url = settings.alert_webhook_url
        self._work: list[Callable[[], None]] = [Detection(store, logs, notified=url is not None).run_once]
        if url is not None:
            from modelyard.bootstrap.alert_webhook import AlertWebhook  # noqa: PLC0415  # only who sends alerts pays

            self._work.append(AlertWebhook(store, url).run_once)
        self._threads: dict[int, threading.Thread] = {}

    def run_once(self) -> None:
        """Begin what does not run any more."""
        for number, work in enumerate(self._work):
            thread = self._threads.get(number)
            if thread is None or not thread.is_alive():
                thread = self._threads[number] = threading.Thread(target=_run, args=(work,), daemon=True)
                thread.start()


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001  # the next round may do better
        _LOG.exception("monitoring failed")
