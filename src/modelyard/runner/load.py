"""A load test: the same request again and again over some connections, and how long the answers take."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelyard.core.automation.load import LoadDefinition
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.runner.connection import Channel
from modelyard.runner.progress import Progress
from modelyard.runner.wire import Wire

_NOT_ALLOWED = frozenset({401, 403, 404})
_UNLOGGED = {"seldon-skip-logging": "true"}
_PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}
_PAUSE = 0.05  # after a failed connection, so that a server that is away is not called in vain a million times


class LoadRun:
    """One load test; ``body`` is the request as the wire has it."""

    def __init__(self, wire: Wire, channels: Sequence[Channel], definition: LoadDefinition, progress: Progress) -> None:
        self._wire = wire
        self._definition = definition
        self._progress = progress
        self._channels = channels
        self._statuses: Counter[str] = Counter()
        self._left = definition.requests
        self._seconds: list[float] = []
        self._first_error: str | None = None

    async def run(self, body: bytes) -> dict[str, Any]:
        """Send until there were so many requests or seconds; what was measured, latencies in milliseconds."""
        began = time.monotonic()
        end = began + self._definition.seconds
        await asyncio.gather(*(self._send(channel, body, end) for channel in self._channels))
        return self._measured(time.monotonic() - began)

    async def _send(self, channel: Channel, body: bytes, end: float) -> None:
        while self._left > 0 and time.monotonic() < end:
            self._left -= 1
            began = time.perf_counter()
            try:
                answer = await channel.post(self._wire.path, body, _UNLOGGED)
            except OSError as error:
                self._note_failure(str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            self._statuses[str(answer.status)] += 1
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
        done, failed = self._progress.done, self._progress.failed
        return {
            "path": self._wire.path,
            "requests": done,
            "errors": failed,
            "firstError": self._first_error,
            "statuses": dict(self._statuses),
            "seconds": round(seconds, 3),
            "requestsPerSecond": round((done - failed) / seconds, 1) if seconds else 0.0,
            "latencyMilliseconds": _latency(self._seconds),
        }

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            channel.close()


def _latency(seconds: list[float]) -> dict[str, float | None]:
    """How long the answered requests took; None where none was."""
    if not seconds:
        return dict.fromkeys(("min", "mean", *_PERCENTILES, "max"))
    percentiles = dict(zip(_PERCENTILES, np.percentile(seconds, list(_PERCENTILES.values())), strict=True))
    found = {"min": min(seconds), "mean": np.mean(seconds), **percentiles, "max": max(seconds)}
    return {name: round(float(value) * 1000, 3) for name, value in found.items()}
