"""One gRPC call: who makes it, about which deployment, and how an error is told."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import grpc

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import ErrorKind
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE
from modelyard.dialects.open_inference.names import Address
from modelyard.web.services import Services

T = TypeVar("T")

STATUS: Final = {
    ErrorKind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.CONFLICT: grpc.StatusCode.ABORTED,
    ErrorKind.FAILED_PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorKind.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.INTERNAL: grpc.StatusCode.INTERNAL,
}
"""How gRPC says each kind of error."""


@dataclass(slots=True)
class GrpcCall:
    """A call of ``method``; ``metadata`` are its headers, ``context`` is gRPC's own, ``loop`` is the worker's."""

    method: str
    metadata: dict[str, str | bytes]
    context: Any
    services: Services
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives once it is done; it is done on the worker's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def header(self, name: str) -> bytes | None:
        """One header, as HTTP would bring it."""
        value = self.metadata.get(name)
        return value.encode("latin-1", "replace") if isinstance(value, str) else value

    def text(self, name: str) -> str | None:
        """One header as text."""
        value = self.metadata.get(name)
        return value.decode("latin-1") if isinstance(value, bytes) else value

    @property
    def scope(self) -> dict[str, Any]:
        """What the record of refusals says of the call."""
        peer = unquote(self.context.peer()).partition(":")[2]
        host = peer.rpartition(":")[0].strip("[]")
        return {"method": "gRPC", "path": f"/{SERVICE}/{self.method}", "client": (host, 0) if host else None}

    async def actor(self) -> Actor:
        """Who calls; ``UNAUTHENTICATED`` when nobody known does."""
        caller = await self.services.authenticator.authenticate(self.text("authorization"))
        client = self.scope["client"]
        return caller.for_request(client[0] if client else None)

    def address(self, model: str, version: str) -> Address:
        """Which deployment is meant: ``seldon`` and ``namespace`` in the headers, ``seldon-model``, or the name."""
        deployment, namespace = self.text("seldon"), self.text("namespace")
        if deployment and namespace:
            return Address(model, version or None, (namespace, deployment))
        return Address(self.text("seldon-model") or deployment or model, version or None)
