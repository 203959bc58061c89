"""A load client in a process of its own: ``wrk`` where it is installed, else a small asyncio one."""

import asyncio
import itertools
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PLACE = b"@NNNNNNNN"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered: requests a second, the median time in microseconds, and answers other than 2xx."""

    rps: float
    p50_us: float
    failures: int


def run(  # one load
    url: str, body: bytes, headers: Mapping[str, str], connections: int, seconds: float, method: str = "POST"
) -> Load:
    """Send the same request over keep-alive connections, as fast as it is answered.

    ``@N`` in the body is replaced by a number of nine digits that grows with each request.
    """
    if shutil.which("wrk"):
        return _wrk(url, body, headers, connections, seconds, method)
    with tempfile.NamedTemporaryFile(suffix=".http") as file:
        file.write(request(url, body, headers, method))
        file.flush()
        command = [sys.executable, __file__, url, file.name, str(connections), str(seconds)]
        output = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return Load(float(output[0]), float(output[1]), int(output[2]))


def request(url: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> bytes:
    """The bytes of the request; ``@N`` takes the room of its number."""
    body = body.replace(b"@N", _PLACE)
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", ""]).encode() + body


def _wrk(url: str, body: bytes, headers: Mapping[str, str], connections: int, seconds: float, method: str) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        payload, script = Path(folder, "body"), Path(folder, "load.lua")
        payload.write_bytes(body)
        lines = [f'wrk.method = "{method}"', f'wrk.body = io.open("{payload}", "rb"):read("*a")']
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        if b"@N" in body:
            lines += ["local n, template = 100000000, wrk.body", "request = function()", "  n = n + 1"]
            lines += ['  return wrk.format(nil, nil, nil, (string.gsub(template, "@N", tostring(n))))', "end"]
        script.write_text("\n".join(lines))
        command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), url]
        text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    number, unit = _found(r"50%\s+([\d.]+)(us|ms|s)", text)
    p50 = float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return Load(float(_found(r"Requests/sec:\s+([\d.]+)", text)[0]), p50, int(failed[1]) if failed else 0)


def _found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"unexpected output of the load client:\n{text}")
    return match.groups()


class _Client(asyncio.Protocol):
    """One connection: sends the request again each time its answer is complete."""

    def __init__(self, payload: bytes, until: float, times: list[float]) -> None:
        self._payload, self._until, self._times = payload, until, times
        self._buffer = b""
        self.failures = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, rest = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not gap or length is None or len(rest) < int(length[1]):
            return
        self._times.append(time.perf_counter() - self._began)
        self.failures += not head.startswith(b"HTTP/1.1 2")
        self._buffer = rest[int(length[1]) :]
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.failures += 1
            self.done.set_result(None)

    def _send(self) -> None:
        self._began = time.perf_counter()
        number = b"%d" % (100_000_000 + next(_numbers))
        self._transport.write(self._payload.replace(_PLACE, number) if _PLACE in self._payload else self._payload)


async def _main(url: str, payload: bytes, connections: int, seconds: float) -> Load:
    parts, times = urlsplit(url), list[float]()
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Client(payload, until, times), parts.hostname, parts.port)
        for _ in range(connections)
    ]
    clients = [client for _, client in made]
    await asyncio.gather(*(client.done for client in clients))
    return Load(len(times) / seconds, statistics.median(times) * 1e6, sum(client.failures for client in clients))


if __name__ == "__main__":
    load = asyncio.run(_main(sys.argv[1], Path(sys.argv[2]).read_bytes(), int(sys.argv[3]), float(sys.argv[4])))
    print(load.rps, load.p50_us, load.failures)
