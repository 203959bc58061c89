"""The process that keeps the processes of models running."""

from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.data_folder import open_store, server_id
from modelyard.bootstrap.environments import open_environments
from modelyard.engines.process.host import Host
from modelyard.engines.process.launching import Launcher
from modelyard.engines.sandbox import Level
from modelyard.settings import Settings


def build(settings: Settings) -> Host:
    """What keeps them running until none is wanted."""
    store, launcher = open_store(settings), model_launcher(settings)
    return Host(
        store,
        server_id(settings),
        settings.data.absolute(),
        launcher,
        settings.model_hang_seconds,
        settings.drain_seconds,
        settings.rollout_standby,
    )


def model_launcher(settings: Settings) -> Launcher:
    """What starts processes of models."""
    data, least = settings.data.absolute(), Level.named(settings.sandbox_minimum)
    return Launcher(data, LocalArtifacts(data / "blobs"), open_environments(settings).ensure, least)
