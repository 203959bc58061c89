"""A batch job: the lines of one file through a deployment into another file, in their order."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from modelyard.core.automation.batch import BatchDefinition
from modelyard.core.automation.payloads import Record, write_answer, write_error
from modelyard.core.automation.running import Work
from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition
from modelyard.runner.asking import Deployment
from modelyard.runner.lines import Line, lines_of
from modelyard.runner.progress import Progress

T = TypeVar("T")

_AHEAD = 2
"""Chunks under way for each connection: while some wait for a slow one, others need not."""


class BatchRun:
    """One batch job. ``limit`` is how many bytes its output may have."""

    def __init__(  # what it works with
        self, work: Work, definition: BatchDefinition, deployment: Deployment, progress: Progress, limit: int
    ) -> None:
        self._work = work
        self._definition = definition
        self._deployment = deployment
        self._progress = progress
        self._limit = limit
        self._first_error: str | None = None

    async def run(self, source: Path, target: IO[bytes]) -> str | None:
        """Write one line of answer for each line of input; returns why not one of them went well, if so."""
        lines = lines_of(source, self._definition, self._work.inputs)
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
        good = [line for line in chunk if line.error is None]
        try:
            outputs = await self._together(good)
        except DomainError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            outputs = await self._one_by_one(good) if len(good) > 1 else {line.number: error for line in good}
        return [self._answer(line, outputs.get(line.number)) for line in chunk]

    async def _together(self, lines: Sequence[Line]) -> dict[int, list[Record] | DomainError]:
        """The outputs of several lines, asked for in one request."""
        records = [record for line in lines for record in line.rows.records]
        outputs = iter(await self._deployment.ask(records) if records else [])
        return {line.number: list(islice(outputs, len(line.rows.records))) for line in lines}

    async def _one_by_one(self, lines: Sequence[Line]) -> dict[int, list[Record] | DomainError]:
        """The same where something was wrong with one of them: it alone has to fail."""
        found: dict[int, list[Record] | DomainError] = {}
        for line in lines:
            try:
                found[line.number] = await self._deployment.ask(line.rows.records)
            except DomainError as error:
                if error.kind is not ErrorKind.INVALID:
                    raise
                found[line.number] = error
        return found

    def _answer(self, line: Line, outputs: list[Record] | DomainError | None) -> Any:
        error = outputs.message if isinstance(outputs, DomainError) else line.error
        tags = {"batch_id": self._work.job.uid, "batch_index": line.number}
        self._progress.done += 1
        if error is not None or not isinstance(outputs, list):
            self._progress.failed += 1
            self._first_error = self._first_error or error
            return write_error(line.rows.manner, error or "no answer", tags)
        return write_answer(line.rows.manner, outputs, self._work.pipeline, tags)


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(islice(items, size)):
        yield chunk
