"""The only place that chooses implementations, one module for each kind of process.

The functions import what they need when they are called: a process pays only for what it runs.
"""

# ruff: noqa: PLC0415
from typing import TYPE_CHECKING

from modelyard.settings import Settings

if TYPE_CHECKING:
    from modelyard.bootstrap.controller import Controller
    from modelyard.bootstrap.worker import Application
    from modelyard.runner.runner import Runner


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


def build_runner(settings: Settings, name: str) -> "Runner":
    """What runs jobs under this name until none waits."""
    from modelyard.bootstrap.runner import build

    return build(settings, name)
