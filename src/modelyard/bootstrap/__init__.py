"""The only place that chooses implementations, one module for each kind of process.

The functions import what they need when they are called: a process pays only for what it runs.
"""

# ruff: noqa: PLC0415
from typing import TYPE_CHECKING

from modelyard.settings import Settings

if TYPE_CHECKING:
    from modelyard.bootstrap.controller import Controller
    from modelyard.bootstrap.runner import Worker
    from modelyard.bootstrap.worker import Application
    from modelyard.engines.process.host import Host


def load_controller() -> None:
    """Import what the controller needs, which most of ``prepare`` needs as well."""
    import modelyard.bootstrap.controller  # noqa: F401


def prepare(settings: Settings) -> None:
    """Bring the data folder and the database to where this program expects them, and show what was made up."""
    from modelyard.bootstrap import preparation

    preparation.prepare(settings)


def build_application(settings: Settings, worker_id: str) -> "Application":
    """The ASGI application of one worker."""
    from modelyard.bootstrap.worker import Application

    return Application(settings, worker_id)


def build_controller(settings: Settings) -> "Controller":
    """The periodic work that one process does for all."""
    from modelyard.bootstrap.controller import Controller

    return Controller(settings)


def build_runner(settings: Settings, name: str) -> "Worker":
    """What runs jobs and prepares models under this name until nothing waits."""
    from modelyard.bootstrap.runner import build

    return build(settings, name)


def build_model_host(settings: Settings) -> "Host":
    """What keeps the processes of models running until none is wanted."""
    from modelyard.bootstrap.models import build

    return build(settings)
