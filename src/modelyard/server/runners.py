"""The processes that run jobs: started by the controller when jobs wait, ended with it."""

import logging
import os
import secrets
import subprocess
import sys
import time

from modelyard.server.children import end_of, without_secrets
from modelyard.server.handover import hand_over
from modelyard.server.membership import Periodic
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)
_END_SECONDS = 5.0
_PAUSE_SECONDS = 2.0
"""After one that died: what killed it may kill the next."""


class Runners:
    """Keeps as many runners as ``periodic`` wants; a runner ends by itself when there is nothing left to do."""

    def __init__(self, periodic: Periodic, settings: Settings, application: str) -> None:
        self._periodic = periodic
        self._settings = without_secrets(settings)
        self._application = application
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before = 0.0

    def run_once(self) -> None:
        """Bury runners that have ended, start those that are missing."""
        ended = {name: process.returncode for name, process in self._running.items() if process.poll() is not None}
        for name, status in ended.items():
            if status:
                _LOG.error("%s %s", name, end_of(status))
                self._not_before = time.monotonic() + _PAUSE_SECONDS
            del self._running[name]
        if ended:
            self._periodic.bury_runners(list(ended))
        if time.monotonic() >= self._not_before:
            for _ in range(self._periodic.wanted_runners(len(self._running)) - len(self._running)):
                self._start()

    def close(self) -> None:
        """End them; what they were at is done anew when there is a server again."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._running:
            self._periodic.bury_runners(list(self._running), blamed=False)

    def _start(self) -> None:
        name = f"runner-{secrets.token_hex(4)}"
        settings, nobody = hand_over(self._settings), os.open(os.devnull, os.O_WRONLY)
        try:
            arguments = [name, os.getpid(), self._application, settings, nobody]
            self._running[name] = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                [sys.executable, "-P", "-m", "modelyard.server.runner", *map(str, arguments)],
                pass_fds=(settings, nobody),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:  # no memory, no more processes: the next round tries again
            _LOG.error("%s cannot be started: %s", name, error.strerror)
        finally:
            os.close(settings)
            os.close(nobody)
