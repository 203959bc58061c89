"""Which files jobs may read and write."""

from modelyard.artifacts.data_files import LocalFiles
from modelyard.artifacts.job_data import JobData
from modelyard.artifacts.s3 import Buckets
from modelyard.settings import Settings


def job_files(settings: Settings) -> JobData:
    """Those below the folders that the settings open, and in buckets of the stores that they name."""
    limit = settings.max_upload_bytes
    files = LocalFiles(settings.data_roots, settings.data, limit)
    buckets = Buckets(settings.s3_endpoint, settings.s3_endpoints, "file")
    return JobData(files, buckets, settings.data, limit)
