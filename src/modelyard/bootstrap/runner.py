"""A process that runs jobs and prepares models."""

import importlib
from functools import partial

from modelyard.archive.reader import LogArchiveReader
from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.archiving import ARCHIVE
from modelyard.bootstrap.data_folder import LENT, SEALING_KEYS, open_store
from modelyard.bootstrap.job_files import job_files
from modelyard.bootstrap.models import model_launcher
from modelyard.bootstrap.preparing import build_preparer
from modelyard.engines import onnx
from modelyard.engines.process.lent import lent
from modelyard.preparing.preparer import Preparer
from modelyard.runner.channels import GrpcTo, Ways
from modelyard.runner.connection import Address
from modelyard.runner.replay import Loading
from modelyard.runner.runner import Runner
from modelyard.settings import Settings
from modelyard.storage.sealing import KeyFolder


class Worker:
    """Does what waits, jobs first: they are asked for by somebody who waits for rows."""

    def __init__(self, runner: Runner, preparer: Preparer) -> None:
        self._runner = runner
        self._preparer = preparer

    def run_all(self) -> None:
        """Do all until nothing waits."""
        self._runner.run_all()
        while self._preparer.run_next():
            self._runner.run_all()


def build(settings: Settings, name: str) -> Worker:
    """What runs jobs and prepares models under this name until nothing waits.

    It opens secrets with the keys of the data folder, as a worker does: nothing of them goes through its environment.
    """
    ways = Ways(Address.of(settings.host, settings.port), _grpc(settings))
    sealer = KeyFolder.open(settings.data / SEALING_KEYS)
    store = open_store(settings)
    logs = LogArchiveReader(store, settings.data / "logs", settings.data / ARCHIVE)
    lend = partial(lent, model_launcher(settings), folder=settings.data.absolute() / LENT)
    loading = Loading(logs, LocalArtifacts(settings.data / "blobs"), onnx.load, lend)
    runner = Runner(store, job_files(settings), sealer, ways, loading, name, settings.max_upload_bytes)
    return Worker(runner, build_preparer(settings, store, sealer, name))


def _grpc(settings: Settings) -> GrpcTo | None:
    """How the gRPC port is asked, where there is one."""
    if not settings.grpc_port:
        return None
    module = importlib.import_module("modelyard.dialects.open_inference.grpc_service.channel")  # grpcio is an extra
    return partial(module.GrpcChannel, Address.of(settings.host, settings.grpc_port))
