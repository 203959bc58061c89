"""HTTP/1.1 to the server's own address (RFC 9112): one connection, one request at a time, nothing but POST."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_SECONDS = 60.0
_IDLE_SECONDS = 30.0
"""A connection that lay idle for longer is opened anew: the server may have closed it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, as this machine reaches it."""

    host: str
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> "Address":
        """The address to call for one to listen on: all addresses include the loopback's."""
        return cls({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    body: bytes


class Channel(Protocol):
    """One way to the server, for one request at a time.

    ``free_at`` is the moment (monotonic) from which it may be used again.
    """

    free_at: float

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send and wait; ``OSError`` (``TimeoutError`` among them) when there is no whole answer."""

    def close(self) -> None:
        """Close it; the next request opens it again."""


class Connection:
    """See ``Channel``. ``headers`` go with every request."""

    def __init__(self, address: Address, headers: Mapping[str, str]) -> None:
        self.free_at = 0.0
        self._address = address
        fields = {"host": f"{address.host}:{address.port}", "content-type": "application/json", **headers}
        self._fields = _lines(fields)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send and wait; ``OSError`` (``TimeoutError`` among them) when there is no whole answer."""
        fields = f"{self._fields}{_lines(headers)}content-length: {len(body)}"
        head = f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode()
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await self._opened()
                writer.write(head + body)
                await writer.drain()
                answer = await _answer(reader)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self.close()
            raise ConnectionError("the server closed the connection before it had answered") from error
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        return answer

    def close(self) -> None:
        """Close it; the next request opens it again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._address.host, self._address.port)
        return self._streams


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, *fields = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    pairs = [field.partition(b":") for field in fields]
    length = next((int(value) for name, _, value in pairs if name.lower() == b"content-length"), None)
    if length is None:
        raise ConnectionError("the server's answer does not say how long it is")
    return Answer(int(first.split(b" ")[1]), await reader.readexactly(length))
