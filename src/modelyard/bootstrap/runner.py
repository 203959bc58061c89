"""A process that runs jobs."""

import importlib
from functools import partial

from modelyard.bootstrap.data_folder import SEALING_KEYS, open_store
from modelyard.bootstrap.job_files import job_files
from modelyard.runner.channels import GrpcTo, Ways
from modelyard.runner.connection import Address
from modelyard.runner.runner import Runner
from modelyard.settings import Settings
from modelyard.storage.sealing import KeyFolder


def build(settings: Settings, name: str) -> Runner:
    """What runs jobs under this name until none waits.

    It opens secrets with the keys of the data folder, as a worker does: nothing of them goes through its environment.
    """
    ways = Ways(Address.of(settings.host, settings.port), _grpc(settings))
    sealer = KeyFolder.open(settings.data / SEALING_KEYS)
    return Runner(open_store(settings), job_files(settings), sealer, ways, name, settings.max_upload_bytes)


def _grpc(settings: Settings) -> GrpcTo | None:
    """How the gRPC port is asked, where there is one."""
    if not settings.grpc_port:
        return None
    module = importlib.import_module("modelyard.dialects.open_inference.grpc_service.channel")  # grpcio is an extra
    return partial(module.GrpcChannel, Address.of(settings.host, settings.grpc_port))
