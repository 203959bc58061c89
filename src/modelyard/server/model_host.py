"""The process that keeps the processes of models running: started by the controller when there is a use for it."""

import logging
import os
import subprocess
import sys
import time

from modelyard.server.children import end_of, without_secrets
from modelyard.server.handover import hand_over
from modelyard.server.membership import Periodic
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)
_END_SECONDS = 8.0
_PAUSE_SECONDS = 1.0
"""After one that died."""
_LOOK_SECONDS = 0.1


class ModelHostKeeper:
    """Keeps it running while ``periodic`` wants models; it ends by itself when there is nothing left to do."""

    def __init__(self, periodic: Periodic, settings: Settings, application: str) -> None:
        self._periodic = periodic
        self._settings = without_secrets(settings)
        self._application = application
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def run_once(self) -> None:
        """Start it where it is missing."""
        status = self._process.poll() if self._process else None
        if status is not None:
            self._process = None
            if status:
                _LOG.error("the host of models %s", end_of(status))
                self._periodic.abandon_models()
                self._not_before = time.monotonic() + _PAUSE_SECONDS
        if self._process is None and time.monotonic() >= self._not_before and self._periodic.wants_models():
            self._start()

    def close(self) -> None:
        """End it, once no worker is left that may ask a model."""
        if self._process is None:
            return
        until = time.monotonic() + self._settings.drain_seconds + _LOOK_SECONDS
        while time.monotonic() < until and self._process.poll() is None and self._periodic.has_workers():
            time.sleep(_LOOK_SECONDS)
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        settings, nobody = hand_over(self._settings), os.open(os.devnull, os.O_WRONLY)
        try:
            arguments = ["models", os.getpid(), self._application, settings, nobody]
            self._process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                [sys.executable, "-P", "-m", "modelyard.server.models", *map(str, arguments)],
                pass_fds=(settings, nobody),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:  # no memory, no more processes: the next round tries again
            _LOG.error("the host of models cannot be started: %s", error.strerror)
        finally:
            os.close(settings)
            os.close(nobody)
