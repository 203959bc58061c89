"""The load client for gRPC, in a process of its own: ``load.run`` for calls of ``ModelInfer``.

gRPC's own Python client takes more time for a call than the servers do, and would measure itself. This one writes the
frames of a call (RFC 9113) as they are, and looks of the answers only at the frames' heads and at ``grpc-status``.
"""

import asyncio
import base64
import json
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.load import Load

_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY = 0, 1, 4, 6, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_WINDOW = 2**31 - 1


def run(address: str, body: bytes, headers: Mapping[str, str], calls: int, seconds: float) -> Load:
    """Make the same call over and over, so many at a time, each over a connection of its own.

    ``body`` is a serialized request.
    """
    given = json.dumps([address, base64.b64encode(body).decode(), dict(headers), calls, seconds])
    command = [sys.executable, "-m", "tests.benchmarks.grpc_load", given]
    root = Path(__file__).parents[2]
    output = subprocess.run(command, capture_output=True, check=True, text=True, cwd=root).stdout.split()
    return Load(float(output[0]), float(output[1]), int(output[2]))


class _Client(asyncio.Protocol):
    """One connection: makes the call again each time its answer is complete."""

    def __init__(self, headers: bytes, body: bytes, until: float, times: list[float]) -> None:
        self._headers, self._until, self._times = headers, until, times
        self._message = struct.pack(">BI", 0, len(body)) + body
        self._buffer, self._stream, self._answered = b"", -1, False
        self.failures = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        settings = _frame(_SETTINGS, 0, 0, struct.pack(">HIHI", 1, 0, 4, _WINDOW))  # no dynamic table, a large window
        more = _frame(8, 0, 0, struct.pack(">I", _WINDOW - 65_535))
        transport.write(_PREFACE + settings + more)
        self._call()

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while len(data) >= at + 9:
            length, kind, flags = int.from_bytes(data[at : at + 3], "big"), data[at + 3], data[at + 4]
            if len(data) < at + 9 + length:
                break
            self._take(kind, flags, data[at + 9 : at + 9 + length])
            at += 9 + length
        self._buffer = data[at:]

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.failures += 1
            self.done.set_result(None)

    def _take(self, kind: int, flags: int, payload: bytes) -> None:
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._transport.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _GOAWAY:
            self._transport.close()
        elif kind == _DATA:
            self._answered = True
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            self._end()

    def _end(self) -> None:
        self._times.append(time.perf_counter() - self._began)
        self.failures += not self._answered  # an error has no message
        if time.perf_counter() < self._until:
            self._call()
        else:
            self._transport.close()
            self.done.set_result(None)

    def _call(self) -> None:
        self._began, self._answered = time.perf_counter(), False
        self._stream += 2
        head = _frame(_HEADERS, _END_HEADERS, self._stream, self._headers)
        self._transport.write(head + _frame(_DATA, _END_STREAM, self._stream, self._message))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def _block(address: str, headers: Mapping[str, str]) -> bytes:
    """The headers of a call, each as a literal that is not indexed (RFC 7541, 6.2.2)."""
    fixed = {":method": "POST", ":scheme": "http", ":path": _METHOD, ":authority": address}
    fixed |= {"te": "trailers", "content-type": "application/grpc"}
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in (fixed | dict(headers)).items())


def _text(text: str) -> bytes:
    """A string with its length as an integer with a prefix of seven bits (RFC 7541, 5.1)."""
    data = text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, length = [127], len(data) - 127
    while length >= 128:
        rest.append(length % 128 + 128)
        length //= 128
    return bytes([*rest, length]) + data


async def _main(address: str, body: bytes, headers: dict[str, str], calls: int, seconds: float) -> Load:
    host, _, port = address.rpartition(":")
    times, until = list[float](), time.perf_counter() + seconds
    loop, block = asyncio.get_running_loop(), _block(address, headers)
    made = [
        await loop.create_connection(lambda: _Client(block, body, until, times), host, int(port)) for _ in range(calls)
    ]
    clients = [client for _, client in made]
    await asyncio.gather(*(client.done for client in clients))
    return Load(len(times) / seconds, statistics.median(times) * 1e6, sum(client.failures for client in clients))


if __name__ == "__main__":
    address, text, headers, calls, seconds = json.loads(sys.argv[1])
    load = asyncio.run(_main(address, base64.b64decode(text), headers, calls, seconds))
    print(load.rps, load.p50_us, load.failures)
