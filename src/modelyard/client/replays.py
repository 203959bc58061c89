"""Replays: logged inputs answered by another version of their pipeline."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from modelyard.client.errors import UnreachableError
from modelyard.client.pipelines import Pipeline
from modelyard.client.times import format_time
from modelyard.client.transport import Transport, reading

_PAUSE_SECONDS = 0.5
_ENDED = frozenset({"Succeeded", "Failed", "Error"})


@dataclass(frozen=True)
class Replay:
    """A replay; ``report`` says how the answers differ, once it has ended."""

    name: str
    state: str
    done: int
    failed: int
    error: str | None
    report: dict[str, Any] | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _ENDED

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read it as the API gives it."""
        fields = (row["name"], row["state"], row["done"], row["failed"], row["error"])
        return cls(*fields, row.get("report"))


@dataclass(frozen=True)
class ReplayOf:
    """Which rows (oldest first, aware times) and which version answers them: without one the newest."""

    version: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 10_000
    tolerance: float = 1e-6

    def body(self) -> dict[str, Any]:
        """The same as the API takes it."""
        times = {name: format_time(at) for name, at in (("start", self.start), ("end", self.end)) if at is not None}
        version = {} if self.version is None else {"version": self.version}
        return version | times | {"limit": self.limit, "tolerance": self.tolerance}


class Replays:
    """The part of a client that replays logs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, pipeline: Pipeline, wanted: ReplayOf = ReplayOf()) -> Replay:  # frozen
        """Have it done."""
        answer = self._transport.call(_path(pipeline), wanted.body())
        with reading("replay"):
            return Replay.of(answer)

    def get(self, pipeline: Pipeline, name: str) -> Replay:
        """How it is, with its report if it has one."""
        answer = self._transport.send("GET", f"{_path(pipeline)}/{name}")
        with reading("replay"):
            return Replay.of(answer.json())

    def wait(self, pipeline: Pipeline, replay: Replay, timeout_seconds: float = 600.0) -> Replay:
        """Wait until it has ended. Raises UnreachableError when it takes longer."""
        until = time.monotonic() + timeout_seconds
        while not replay.ended:
            if time.monotonic() > until:
                raise UnreachableError(f"{replay.name} has not ended within {timeout_seconds:g} s; it goes on.")
            time.sleep(_PAUSE_SECONDS)
            replay = self.get(pipeline, replay.name)
        return replay


def _path(pipeline: Pipeline) -> str:
    return f"/api/v1/deployments/{pipeline.workspace_id}/{pipeline.name}/replay"
