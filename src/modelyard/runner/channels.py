"""The ways to the server that a job may take."""

from collections.abc import Callable
from dataclasses import dataclass

from modelyard.core.automation.running import Work
from modelyard.core.kernel.errors import failed_precondition
from modelyard.runner.connection import Address, Channel, Connection

GrpcTo = Callable[[str, str, str], Channel]
"""A channel to the gRPC port for a workspace's slug, the name of a deployment and a token."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the server listens; ``grpc`` is None where no port is set for gRPC."""

    address: Address
    grpc: GrpcTo | None


@dataclass(frozen=True, slots=True)
class Channels:
    """So many channels for one job, which shows its token on each."""

    ways: Ways
    token: str
    size: int

    def http(self) -> list[Channel]:
        """Over HTTP."""
        headers = {"authorization": f"Bearer {self.token}"}
        return [Connection(self.ways.address, headers) for _ in range(self.size)]

    def grpc(self, work: Work) -> list[Channel]:
        """Over gRPC to the deployment of the job."""
        if self.ways.grpc is None:
            raise failed_precondition(
                "the server offers gRPC no longer: set grpc_port, or use batchTransportProtocol rest"
            )
        return [self.ways.grpc(work.workspace, work.pipeline, self.token) for _ in range(self.size)]
