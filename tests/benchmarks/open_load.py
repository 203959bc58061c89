"""A load client that does not wait: so many requests a second begin, whatever becomes of those before.

Each takes a connection that is free, or a new one; times count from when a request was due.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from tests.benchmarks.load import request

_MOST = 2000
"""Connections; requests beyond wait for one in the client, which counts as time of theirs."""
_SLICE_SECONDS = 0.005
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """Answers with 200 and with 429 a second, other ends altogether, and times in ms at the median and the 99th.

    ``first_other`` is the first of the other answers, or how a connection ended.
    """

    good: float
    refused: float
    others: int
    good_p50_ms: float
    good_p99_ms: float
    refused_p50_ms: float
    refused_p99_ms: float
    first_other: str


def run(url: str, body: bytes, headers: Mapping[str, str], rate: float, seconds: float) -> OpenLoad:
    """Begin ``rate`` requests a second, from a process of its own."""
    given = json.dumps([url, body.decode(), dict(headers), rate, seconds])
    command = [sys.executable, "-m", "tests.benchmarks.open_load", given]
    root = Path(__file__).parents[2]
    output = subprocess.run(command, capture_output=True, check=True, text=True, cwd=root).stdout
    return OpenLoad(**json.loads(output))


class _Connection(asyncio.Protocol):
    """Sends a request when it is told to, and notes the answer."""

    def __init__(self, crowd: "_Crowd") -> None:
        self._crowd = crowd
        self._buffer = b""
        self._due = 0.0

    def connection_made(self, transport: Any) -> None:  # uvloop's are no subclasses of asyncio's
        self._transport = transport

    def send(self, due: float) -> None:
        self._due = due
        self._transport.write(self._crowd.payload)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, rest = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if gap and length is not None and len(rest) >= int(length[1]):
            self._buffer = b""
            if head[9:12] not in (b"200", b"429"):
                self._crowd.note(f"{head[9:12].decode()} {rest[:300].decode(errors='replace')}")
            self._crowd.answered(self, head[9:12], time.perf_counter() - self._due)

    def connection_lost(self, reason: Exception | None) -> None:
        self._crowd.lost += 1
        self._crowd.note(f"lost: {reason}")


class _Crowd:
    """All connections, and what they were answered."""

    def __init__(self, url: str, payload: bytes) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self.payload = payload
        self.times: dict[bytes, list[float]] = {}
        self.lost = 0
        self.first_other = ""
        self._free: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self._made = 0

    def note(self, other: str) -> None:
        self.first_other = self.first_other or other

    def begin(self, due: float) -> None:
        if self._free:
            self._free.popleft().send(due)
        else:
            self._due.append(due)

    def answered(self, connection: _Connection, status: bytes, seconds: float) -> None:
        self.times.setdefault(status, []).append(seconds)
        if self._due:
            connection.send(self._due.popleft())
        else:
            self._free.append(connection)

    async def grow(self, count: int) -> None:
        """Make so many connections before anything is asked."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self), *self._address)
            self._free.append(connection)


async def _main(url: str, payload: bytes, rate: float, seconds: float) -> OpenLoad:
    crowd = _Crowd(url, payload)
    await crowd.grow(min(_MOST, max(64, int(rate / 5))))
    began, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * rate:
            crowd.begin(began + sent / rate)
            sent += 1
        await asyncio.sleep(_SLICE_SECONDS)
    times = crowd.times
    good, refused = times.pop(b"200", []), times.pop(b"429", [])
    others = crowd.lost + sum(map(len, times.values()))
    quantiles = [_ms(part, share) for part in (good, refused) for share in (0.5, 0.99)]
    return OpenLoad(len(good) / seconds, len(refused) / seconds, others, *quantiles, crowd.first_other)


def _ms(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)] * 1000 if times else 0.0


if __name__ == "__main__":
    url, body, headers, rate, seconds = json.loads(sys.argv[1])
    made = request(url, body.encode(), headers)
    print(json.dumps(asdict(uvloop.run(_main(url, made, rate, seconds)))))
