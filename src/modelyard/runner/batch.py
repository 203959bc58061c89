"""A batch job: the lines of one file through a deployment into another file, in their order."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any

import msgspec

from modelyard.core.automation.batch import BatchDefinition
from modelyard.core.automation.payloads import write_answer, write_error
from modelyard.core.automation.running import Work
from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.runner.answering import Answering, Given, Some, Whole
from modelyard.runner.asking import Deployment
from modelyard.runner.lines import Line, Reading, lines_of
from modelyard.runner.progress import Progress

_CHUNK_BYTES = 4 * 2**20
_AHEAD = 2
"""Chunks under way for each connection: while some wait for a slow one, others need not."""


class BatchRun:
    """One batch job. ``limit`` is how many bytes its output may have."""

    def __init__(  # what it works with
        self, work: Work, definition: BatchDefinition, deployment: Deployment, progress: Progress, limit: int
    ) -> None:
        self._work = work
        self._definition = definition
        self._answering = Answering(deployment, work.job.uid)
        self._progress = progress
        self._limit = limit
        self._first_error: str | None = None

    async def run(self, source: IO[bytes], name: str, target: IO[bytes]) -> str | None:
        """Write one line of answer for each line of input; returns why not one of them went well, if so.

        ``name`` is that of the input's file.
        """
        reading = Reading(self._definition, self._work.inputs, self._answering.wire.manner)
        lines = lines_of(source, name, reading)
        under_way: deque[asyncio.Task[list[Any]]] = deque()
        try:
            for chunk in _chunks(lines, self._definition.size):
                under_way.append(asyncio.create_task(self._answers(chunk)))
                if len(under_way) >= _AHEAD * self._definition.workers:
                    self._write(target, await under_way.popleft())
            while under_way:
                self._write(target, await under_way.popleft())
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        done = self._progress.done
        if done and done == self._progress.failed:
            return f"not one of {done} lines went well; the first: {self._first_error}"
        return None

    def _write(self, target: IO[bytes], answers: Sequence[Any]) -> None:
        for answer in answers:
            target.write(msgspec.json.encode(answer) + b"\n")
        if target.tell() > self._limit:
            raise failed_precondition(f"the output has more than {self._limit} bytes (max_upload_bytes)")

    async def _answers(self, chunk: Sequence[Line]) -> list[Any]:
        found = await self._answering.answers(chunk)
        return [self._answer(line, found.get(line.number)) for line in chunk]

    def _answer(self, line: Line, given: Given | None) -> Any:
        error = given.message if isinstance(given, DomainError) else line.error
        tags = {"batch_id": self._work.job.uid, "batch_index": line.number}
        self._progress.done += 1
        if isinstance(given, Whole):
            return self._answering.wire.marked(given.answer, given.request_id, tags)
        if isinstance(given, Some):
            tags["request_id"] = given.request_id
            return write_answer(line.rows.manner, given.outputs, self._work.pipeline, tags)
        self._progress.failed += 1
        self._first_error = self._first_error or error
        return write_error(line.rows.manner, error or "no answer", tags)


def _chunks(lines: Iterator[Line], most: int) -> Iterator[list[Line]]:
    """The lines, so many at a time, but fewer where they are long."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += line.size
        if len(chunk) >= most or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
