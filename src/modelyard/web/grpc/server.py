"""Listening for gRPC on the event loop of a worker."""

import asyncio

from modelyard.web.grpc.call import Application
from modelyard.web.grpc.connection import Connection

_BACKLOG = 2048
_LOOK_SECONDS = 0.05


class GrpcServer:
    """All workers listen on one port: the kernel deals connections out among them (SO_REUSEPORT)."""

    def __init__(self, application: Application, limit: int) -> None:
        """``limit``: bytes that a message may have."""
        self._application = application
        self._limit = limit
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen from here on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, reuse_port=True, backlog=_BACKLOG)

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and give those under way so long to end."""
        assert self._server is not None  # noqa: S101  # it was started
        self._server.close()
        for connection in list(self._connections):
            connection.leave()
        until = asyncio.get_running_loop().time() + seconds
        while self._connections and asyncio.get_running_loop().time() < until:
            for connection in [each for each in self._connections if each.is_idle]:
                connection.close()
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in list(self._connections):
            connection.close()

    def _connection(self) -> Connection:
        made = Connection(self._application, self._limit, self._connections.discard)
        self._connections.add(made)
        return made
