"""A process that runs jobs."""

from modelyard.bootstrap.data_folder import open_store
from modelyard.bootstrap.job_files import job_files
from modelyard.runner.connection import Address
from modelyard.runner.runner import Runner
from modelyard.settings import Settings


def build(settings: Settings, name: str) -> Runner:
    """What runs jobs under this name until none waits."""
    address = Address.of(settings.host, settings.port)
    return Runner(open_store(settings), job_files(settings), address, name, settings.max_upload_bytes)
