"""The answers to some lines: rows share a request, a whole request is sent as it came."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modelyard.core.automation.payloads import Record
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.runner.asking import Deployment
from modelyard.runner.lines import Line
from modelyard.runner.wire import Wire


@dataclass(frozen=True, slots=True)
class Whole:
    """The deployment's own answer to a line."""

    answer: dict[str, Any]
    request_id: str


@dataclass(frozen=True, slots=True)
class Some:
    """What the answer to a request of several lines says of one: a record of outputs a row."""

    outputs: list[Record]
    request_id: str


Given = Whole | Some | DomainError


class Answering:
    """Asks for lines of the job ``uid``. Requests are named in the log by it and the number of their first line."""

    def __init__(self, deployment: Deployment, uid: str) -> None:
        self._deployment = deployment
        self._uid = uid

    @property
    def wire(self) -> Wire:
        """How the deployment is asked."""
        return self._deployment.wire

    async def answers(self, chunk: Sequence[Line]) -> dict[int, Given]:
        """By number, what there is for each line that could be read."""
        whole = [line for line in chunk if line.body is not None]
        rows = [line for line in chunk if line.body is None and line.error is None]
        found = await asyncio.gather(self._shared(rows), *map(self._whole, whole))
        return {number: given for part in found for number, given in part.items()}

    async def _whole(self, line: Line) -> dict[int, Given]:
        name = self._name(line)
        try:
            answer = self.wire.answer(await self._deployment.send(line.body or b"", name))
        except DomainError as error:
            return {line.number: _of_the_line(error)}
        return {line.number: Whole(answer, name)}

    async def _shared(self, lines: Sequence[Line]) -> dict[int, Given]:
        if not lines:
            return {}
        try:
            return await self._together(lines)
        except DomainError as error:
            first = _of_the_line(error)
        if len(lines) == 1:
            return {lines[0].number: first}
        return {line.number: await self._alone(line) for line in lines}

    async def _together(self, lines: Sequence[Line]) -> dict[int, Given]:
        records, name = [record for line in lines for record in line.rows.records], self._name(lines[0])
        outputs = iter(await self._deployment.ask(records, name))
        return {line.number: Some(list(islice(outputs, len(line.rows.records))), name) for line in lines}

    async def _alone(self, line: Line) -> Given:
        """The same where something was wrong with one of them: it alone has to fail."""
        name = self._name(line)
        try:
            return Some(await self._deployment.ask(line.rows.records, name), name)
        except DomainError as error:
            return _of_the_line(error)

    def _name(self, line: Line) -> str:
        return f"{self._uid}-{line.number}"


def _of_the_line(error: DomainError) -> DomainError:
    """The error, where it is the fault of what was sent; otherwise asking on is useless."""
    if error.kind is not ErrorKind.INVALID:
        raise error
    return error
