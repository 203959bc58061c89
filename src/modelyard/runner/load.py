"""A load test: the same request again and again over some connections, and how long the answers take."""

import asyncio
import time
from typing import Any

import numpy as np

from modelyard.core.automation.load import LoadDefinition
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.runner.connection import Address, Connection
from modelyard.runner.progress import Progress
from modelyard.runner.wire import Wire

_NOT_ALLOWED = frozenset({401, 403, 404})
_PAUSE = 0.05  # after a failed connection, so that a server that is away is not called in vain a million times


class LoadRun:
    """One load test; ``body`` is the request as the wire has it."""

    def __init__(self, wire: Wire, address: Address, token: str, definition: LoadDefinition, progress: Progress):
        headers = {"authorization": f"Bearer {token}", "seldon-skip-logging": "true"}
        self._wire = wire
        self._definition = definition
        self._progress = progress
        self._connections = [Connection(address, headers) for _ in range(definition.connections)]
        self._left = definition.requests
        self._seconds: list[float] = []
        self._first_error: str | None = None

    async def run(self, body: bytes) -> dict[str, Any]:
        """Send until there were so many requests or seconds; what was measured, latencies in milliseconds."""
        began = time.monotonic()
        end = began + self._definition.seconds
        await asyncio.gather(*(self._send(connection, body, end) for connection in self._connections))
        return self._measured(time.monotonic() - began)

    async def _send(self, connection: Connection, body: bytes, end: float) -> None:
        while self._left > 0 and time.monotonic() < end:
            self._left -= 1
            began = time.perf_counter()
            try:
                answer = await connection.post(self._wire.path, body)
            except OSError as error:
                self._note_failure(str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status in _NOT_ALLOWED:
                raise DomainError(ErrorKind.FORBIDDEN, self._wire.message(answer.body))
            if answer.status != 200:
                self._note_failure(f"status {answer.status}: {self._wire.message(answer.body)}")
                continue
            self._progress.done += 1
            self._seconds.append(time.perf_counter() - began)

    def _note_failure(self, why: str) -> None:
        self._progress.done += 1
        self._progress.failed += 1
        self._first_error = self._first_error or why

    def _measured(self, seconds: float) -> dict[str, Any]:
        latencies = np.percentile(self._seconds, (50, 90, 99)) * 1000 if self._seconds else [None] * 3
        p50, p90, p99 = (None if value is None else round(float(value), 3) for value in latencies)
        done, failed = self._progress.done, self._progress.failed
        return {
            "requests": done,
            "errors": failed,
            "firstError": self._first_error,
            "seconds": round(seconds, 3),
            "requestsPerSecond": round((done - failed) / seconds, 1) if seconds else 0.0,
            "latencyMilliseconds": {"p50": p50, "p90": p90, "p99": p99},
        }

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()
