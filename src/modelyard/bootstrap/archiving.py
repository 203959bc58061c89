"""Archiving the inference log: a process of its own does it, so that its memory is gone with it and nobody waits."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from modelyard.segments.ownership import unowned_segments
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore, sqlite_url

ARCHIVE = "archive"
"""The folder of archived files in the data folder."""
SEGMENT_SECONDS = 600.0
"""A segment is written no longer than this, so that its rows can be archived."""
_LOOK_SECONDS = 60.0
_SWEEP_SECONDS = 3600.0
_NICENESS = 10

_LOG = logging.getLogger(__name__)


class Archiving:
    """Its ``run_once`` starts the process when segments wait for it, and each hour for what is to be deleted."""

    def __init__(self, settings: Settings) -> None:
        self._logs = settings.data / "logs"
        self._order = {"database": settings.database or sqlite_url(settings.data / "modelyard.db")}
        self._order |= {"data": str(settings.data)}
        self._look_at = time.monotonic() + _LOOK_SECONDS
        self._sweep_at = time.monotonic() + _SWEEP_SECONDS

    def run_once(self) -> None:
        """Wait for the process where there is something to do."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        if now >= self._sweep_at or unowned_segments(self._logs):
            self._sweep_at = now + _SWEEP_SECONDS
            self.work()

    def work(self) -> None:
        """Run the process until there is nothing left to do."""
        command = [sys.executable, "-P", "-m", "modelyard.bootstrap.archiving"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:  # noqa: S603  # all of it is ours
            assert process.stdin is not None  # noqa: S101  # it is a pipe
            process.stdin.write(json.dumps(self._order) + "\n")
            process.stdin.flush()
            status = process.wait()
        if status:
            _LOG.error("archiving the inference log ended with status %s; the next round tries again", status)


def main() -> int:
    """Archive what there is to archive; end at once when whoever started this ends."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_NICENESS)
    from modelyard.archive.archiver import Archiver, spare  # noqa: PLC0415  # the controller does not pay for Parquet

    spare()
    store, data = SqlStore(order["database"]), Path(order["data"])
    try:
        Archiver(store, data / "logs", data / ARCHIVE).run_once()
    except OSError as error:  # as when the disk is full
        _LOG.error("the inference log cannot be archived: %s", error)  # it says enough
        return 1
    finally:
        store.close()
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
