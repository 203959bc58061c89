"""A client of HTTP/2 that shows what gRPC's own hides: frames of a call one by one, windows, resets."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from modelyard.web.grpc.server import GrpcServer

_SECONDS = 10


@dataclass
class Answer:
    """What came of a call."""

    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    is_over: bool = False

    @property
    def message(self) -> bytes:
        """The only message of the body."""
        (length,) = struct.unpack(">I", self.body[1:5])
        assert len(self.body) == 5 + length
        return self.body[5:]


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.answers: dict[int, Answer] = {}
        self.went_away: int | None = None
        self.takes_data = True
        self.http.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        self.writer.write(self.http.data_to_send())

    def begin(self, path: str, **more: str) -> int:
        """The head of a call; its stream."""
        stream = self.http.get_next_available_stream_id()
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "here"}
        fields |= {"content-type": "application/grpc", "te": "trailers"}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        self.answers[stream] = Answer()
        self.http.send_headers(stream, list(fields.items()))
        self.flush()
        return stream

    async def send(self, stream: int, data: bytes, *, last: bool = True) -> None:
        """Data of a call, as the server's windows let it."""
        while data:
            room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size, len(data))
            if not room:
                await self.take()
                continue
            self.http.send_data(stream, data[:room])
            data = data[room:]
            self.flush()
        if last:
            self.http.end_stream(stream)
            self.flush()

    async def take(self) -> None:
        """Read once, and note what came."""
        data = await asyncio.wait_for(self.reader.read(2**16), _SECONDS)
        if not data:
            raise EOFError
        for event in self.http.receive_data(data):
            self._note(event)
        self.flush()

    async def answered(self, stream: int) -> Answer:
        """The answer, once it is complete."""
        answer = self.answers[stream]
        while not answer.is_over:
            await self.take()
        return answer

    async def call(self, path: str, message: bytes = b"", **more: str) -> Answer:
        """A whole call with one message."""
        stream = self.begin(path, **more)
        await self.send(stream, struct.pack(">BI", 0, len(message)) + message)
        return await self.answered(stream)

    async def closed(self) -> bool:
        """Whether the server closes the connection."""
        try:
            while True:
                await self.take()
        except (EOFError, ConnectionError):
            return True

    def _note(self, event: Any) -> None:
        match event:
            case ConnectionTerminated():
                self.went_away = int(event.error_code or 0)
            case ResponseReceived() | TrailersReceived():
                self.answers[event.stream_id].fields |= dict(event.headers)
            case DataReceived():
                self.answers[event.stream_id].body += event.data
                if self.takes_data:
                    self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.answers[event.stream_id].is_over = True
            case StreamReset():
                self.answers[event.stream_id].reset = int(event.error_code)
                self.answers[event.stream_id].is_over = True


class Application:
    """Methods for tests: ``/echo`` answers at once, ``/task`` in a task, ``/wait`` when it is told to ``go_on``."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.gone: asyncio.Queue[str] = asyncio.Queue()

    def at_once(self, scope: Any, body: bytes) -> Any:
        """The body again, for ``/echo`` and ``/refuse``."""
        if scope["path"] == "/echo":
            return Response([(b"x-size", b"%d" % len(body)), (b"content-length", b"7")], body)
        if scope["path"] == "/refuse":
            return Response([(b"grpc-status", b"5"), (b"grpc-message", b"nothing")], b"")
        return None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        if scope["path"] == "/broken":
            raise ZeroDivisionError("inner detail")
        if scope["path"] == "/large":
            body = bytes(int(body))
        if scope["path"] == "/wait":
            left = asyncio.ensure_future(receive())
            told = asyncio.ensure_future(self.go_on.wait())
            await asyncio.wait([left, told], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if left.done():
                assert left.result() == {"type": "http.disconnect"}
                self.gone.put_nowait(scope["path"])
                return
            left.cancel()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Response:
    """What is answered at once."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass
class Stand:
    """A server, and ways to it."""

    application: Application
    server: GrpcServer
    port: int
    clients: list[Client]

    async def client(self) -> Client:
        """A new connection."""
        made = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(made)
        return made


@asynccontextmanager
async def standing(limit: int = 2**24) -> AsyncIterator[Stand]:
    """A server whose messages have ``limit`` bytes at most."""
    application = Application()
    server = GrpcServer(application, limit)
    await server.start("127.0.0.1", 0)
    assert server._server is not None
    stand = Stand(application, server, server._server.sockets[0].getsockname()[1], [])
    try:
        yield stand
    finally:
        for client in stand.clients:
            client.writer.close()
        await server.stop(1)


def fields(answer: Answer, *names: str) -> Mapping[str, str | None]:
    """Those fields of it."""
    return {name: answer.fields.get(name) for name in names}
