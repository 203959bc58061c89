"""One process of the tree as the supervisor sees it: started, ready, dead, started again after a pause."""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

from modelyard.server.handover import hand_over
from modelyard.settings import Settings

# Exit code of a child that has told on standard error why it cannot go on: the supervisor need not guess.
REASON_TOLD = 3

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_HEALTHY_SECONDS = 30.0


class Child:
    """``role`` is the module that runs, ``controller`` or ``worker``; ``inherited`` descriptors go by number."""

    def __init__(self, role: str, name: str, settings: Settings, application: str, inherited: tuple[int, ...]) -> None:
        self.name = name
        self.ready = False
        self._role = role
        self._settings = settings if role == "controller" else without_secrets(settings)
        self._application = application
        self._inherited = inherited
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._restart_at = 0.0

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def start(self) -> int | None:
        """Start the process; returns the descriptor on which it says that it is ready, ``None`` if none started."""
        self._started = time.monotonic()
        reading, writing = os.pipe()
        settings = hand_over(self._settings)
        try:
            self._process = self._spawn(settings, writing)
        except OSError as error:  # no memory, no more processes
            _LOG.error("%s cannot be started: %s", self.name, error.strerror)
            os.close(reading)
            self._pause()
            return None
        finally:
            os.close(settings)
            os.close(writing)
        return reading

    def _spawn(self, settings: int, report: int) -> "subprocess.Popen[bytes]":
        arguments = [self.name, os.getpid(), self._application, settings, report, *self._inherited]
        return subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
            [sys.executable, "-P", "-m", f"modelyard.server.{self._role}", *map(str, arguments)],
            pass_fds=(settings, report, *self._inherited),
            stdin=subprocess.DEVNULL,
            env={**_MEMORY, **os.environ},
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then ends its children in order
        )

    def reap(self) -> int | None:
        """The exit status of a process that has ended since (negative: the signal), otherwise ``None``."""
        status = self._process.poll() if self._process else None
        if status is None:
            return None
        self._process, self.ready = None, False
        self._pause()
        return status

    def _pause(self) -> None:
        """Before the next start: longer with each process that did not last."""
        now = time.monotonic()
        self._failures = 0 if now - self._started > _HEALTHY_SECONDS else self._failures + 1
        self._restart_at = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** max(0, self._failures - 1))

    def due_in(self) -> float | None:
        """Seconds until a dead process is to be started again; ``None`` while it lives."""
        return None if self.alive else max(0.0, self._restart_at - time.monotonic())

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if there is a process."""
        if self._process:
            self._process.send_signal(number)


# glibc: memory for one password hash (19 MiB) goes back to the system instead of staying with each worker for good.
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(16 * 2**20)}


def without_secrets(settings: Settings) -> Settings:
    """The settings for a process that makes nothing up at the first start."""
    return replace(settings, admin_password=None, api_client_secret=None)


def end_of(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with exit code {status}"
    return f"was ended by {signal.Signals(-status).name}"
