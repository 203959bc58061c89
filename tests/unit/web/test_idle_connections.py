"""A connection stays open while it is used, and is closed once nothing was asked on it for long enough."""

import asyncio
import socket
import time
from typing import Any

import pytest
import uvicorn

from modelyard.server.protocol import OneWriteProtocol
from modelyard.web.inference.app import Response

_IDLE_SECONDS = 1
_REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


class _Application:
    """Answers at once what has no query, and by a task what has one."""

    def at_once(self, scope: Any, body: bytes) -> Response | None:
        return None if scope["query_string"] else Response(200, [(b"content-length", b"2")], body)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await asyncio.sleep(float(scope["query_string"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": body})


async def _ends_after(asked: list[tuple[float, bytes]]) -> float:
    """Send each request when its pause is over and read its answer; the seconds until the connection is closed then."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _Application(),  # type: ignore[arg-type]  # an ASGI application
        http=OneWriteProtocol,
        lifespan="off",
        timeout_keep_alive=_IDLE_SECONDS,
        log_config=None,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    for pause, query in asked:
        await asyncio.sleep(pause)
        writer.write(_REQUEST.replace(b"/ ", b"/%s " % query, 1))
        assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200")
    began = time.monotonic()
    assert await asyncio.wait_for(reader.read(), 10) == b""
    idle = time.monotonic() - began
    writer.close()
    server.should_exit = True
    await serving
    return idle


@pytest.mark.alone
@pytest.mark.parametrize("last", [(0.7, b""), (0.1, b"?1.2")], ids=["at once", "by a task that outlives the timer"])
def test_idle_time_counts_from_the_end_of_the_last_response(last: tuple[float, bytes]) -> None:
    idle = asyncio.run(_ends_after([(0, b""), (0.6, b""), last]))
    assert _IDLE_SECONDS - 0.05 <= idle < _IDLE_SECONDS + 0.5
