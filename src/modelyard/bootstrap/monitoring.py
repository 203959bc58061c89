"""Monitoring beside the controller's other work, which must not wait for it."""

import logging
import threading
from collections.abc import Callable

from modelyard.bootstrap.archiving import ARCHIVE, Archiving
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.monitoring.entities import DetectorProgress
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)


class Monitoring:
    """Its ``run_once`` is called about once a second and returns at once; a round that takes longer is waited for."""

    def __init__(self, settings: Settings, store: Store) -> None:
        url = settings.alert_webhook_url
        self._work: list[Callable[[], None]] = [Detecting(settings, store).run_once, Archiving(settings).run_once]
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


class Detecting:
    """Runs detectors where there are any: only then are numpy and the log's readers loaded."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._detect: Callable[[], None] | None = None

    def run_once(self) -> None:
        """Let each detector judge one window, if there is one."""
        if self._detect is None:
            if not self._store.run_read(_has_detectors):
                return
            self._detect = _detect(self._settings, self._store)
        self._detect()


def _has_detectors(tx: Tx) -> bool:
    return bool(tx.find(DetectorProgress, order_by="detector_id", limit=1))


def _detect(settings: Settings, store: Store) -> Callable[[], None]:
    from modelyard.archive.reader import LogArchiveReader  # noqa: PLC0415
    from modelyard.core.monitoring.detection import Detection  # noqa: PLC0415

    logs = LogArchiveReader(store, settings.data / "logs", settings.data / ARCHIVE)
    return Detection(store, logs, notified=settings.alert_webhook_url is not None).run_once


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001  # the next round may do better
        _LOG.exception("monitoring failed")
