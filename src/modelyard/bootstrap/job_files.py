"""Which files jobs may read and write."""

from modelyard.artifacts.data_files import LocalFiles
from modelyard.settings import Settings


def job_files(settings: Settings) -> LocalFiles:
    """Those below the folders that the settings open."""
    return LocalFiles(settings.data_roots, settings.data, settings.max_upload_bytes)
