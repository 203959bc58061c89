"""One gRPC call that is no inference: who makes it, and about which deployment."""

from dataclasses import dataclass
from functools import cached_property

from starlette.types import Scope

from modelyard.core.kernel.actor import Actor
from modelyard.dialects.open_inference.grpc_service.protocol import address
from modelyard.dialects.open_inference.names import Address
from modelyard.web.inference.protocol import Headers
from modelyard.web.services import Services


@dataclass
class GrpcCall:
    """A call of ``method``; the ``scope`` is that of its request."""

    method: str
    scope: Scope
    services: Services

    @cached_property
    def headers(self) -> Headers:
        """Its metadata."""
        return dict(self.scope["headers"])

    async def actor(self) -> Actor:
        """Who calls; ``UNAUTHENTICATED`` when nobody known does."""
        given = self.headers.get(b"authorization")
        caller = await self.services.authenticator.authenticate(None if given is None else given.decode("latin-1"))
        client = self.scope["client"]
        return caller.for_request(client[0] if client else None)

    def address(self, model: str, version: str) -> Address:
        """Which deployment is meant."""
        return address(self.headers, model, version)
