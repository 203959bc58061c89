"""A child process's side of belonging to the tree: its settings, its word that it is ready, a common end."""

import ctypes
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from modelyard.core.kernel.errors import DomainError
from modelyard.server.children import REASON_TOLD
from modelyard.server.handover import take_over
from modelyard.server.logs import configure_logging
from modelyard.settings import Settings

_LOG = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Periodic(Protocol):
    """What the controller does again and again."""

    def run_once(self) -> object:
        """Do one round."""

    def wanted_runners(self, running: int) -> int:
        """How many processes that run jobs there should be, where so many are at work."""

    def bury_runners(self, names: Sequence[str], *, blamed: bool = True) -> object:
        """These have ended, by themselves (``blamed``) or because the server ends."""

    def wants_models(self) -> bool:
        """Whether the process that keeps the processes of models running is needed."""

    def abandon_models(self) -> object:
        """That process is dead, and so are those that it kept running."""

    def has_workers(self) -> bool:
        """Whether a worker of this server is alive."""


class JobRunner(Protocol):
    """What a process that runs jobs does."""

    def run_all(self) -> object:
        """Run jobs until none waits."""


class ModelHost(Protocol):
    """What keeps the processes of models running."""

    def run(self) -> object:
        """Keep them running until none is wanted."""

    def stop(self) -> object:
        """End ``run``, from a signal handler."""


class Application(Protocol):
    """The module that is served: ``modelyard.bootstrap``, or a small stand-in in tests of this package."""

    def load_controller(self) -> None:
        """Import what the controller needs, which most of ``prepare`` needs as well."""

    def prepare(self, settings: Settings) -> None:
        """Bring the data folder to where the program expects it; ``DomainError`` tells why that is impossible."""

    def build_application(self, settings: Settings, worker_id: str) -> Any:
        """The ASGI application (lifespan and HTTP) of one worker.

        It is built while the data folder is being prepared, and may look into it when its lifespan starts.
        """

    def build_controller(self, settings: Settings) -> Periodic:
        """The periodic work of the controller."""

    def build_runner(self, settings: Settings, name: str) -> JobRunner:
        """What runs jobs under this name."""

    def build_model_host(self, settings: Settings) -> ModelHost:
        """What keeps the processes of models running."""


@dataclass(frozen=True)
class Membership:
    """What the supervisor gave this process.

    ``module`` is the application's name, ``inherited`` are descriptors that the role knows how to use.
    """

    name: str
    application: Application
    module: str
    settings: Settings
    report: int
    inherited: tuple[int, ...]

    def tell_ready(self) -> None:
        """Tell the supervisor, once."""
        os.write(self.report, b"1")
        os.close(self.report)


def run_member(arguments: Sequence[str], role: Callable[[Membership], int]) -> int:
    """Join the tree, do ``role``, and return the exit code; a failure is told in one line.

    The role says ``keep_what_is_loaded`` once it has built what it runs.
    """
    gc.disable()  # while modules are loaded it would find nothing, again and again: a tenth of the time that it takes
    name, parent, application, settings_fd, report, *inherited = arguments
    end_with(int(parent))
    settings = take_over(int(settings_fd))
    configure_logging(settings, name)
    try:
        module = cast("Application", importlib.import_module(application))
        return role(Membership(name, module, application, settings, int(report), tuple(map(int, inherited))))
    except Exception as error:  # noqa: BLE001 - the supervisor's log must say why a process could not work
        _LOG.debug("%s failed", name, exc_info=True)
        _LOG.critical("%s", reason(error))
        return REASON_TOLD


def keep_what_is_loaded() -> None:
    """From here on the collector works, and never looks at what is there already: that stays."""
    gc.freeze()
    gc.enable()


def reason(error: Exception) -> str:
    """A failure in one line for the operator."""
    return error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"


def end_with(parent: int) -> None:
    """Die at once when the process ``parent`` dies, however it does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it was dead before the kernel knew that we care
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
