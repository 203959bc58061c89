"""Asking a deployment for rows, again where that may help."""

import asyncio
import time
from collections.abc import Sequence

from modelyard.core.automation.payloads import Record
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.runner.connection import Address, Answer, Connection
from modelyard.runner.wire import Wire

_NOT_ALLOWED = frozenset({401, 403, 404})
_WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 5.0


class Deployment:
    """A deployment over ``size`` connections; each waits ``interval`` seconds from one request to the next."""

    def __init__(  # how to ask
        self, wire: Wire, address: Address, token: str, *, size: int, retries: int, interval: float
    ) -> None:
        self._wire = wire
        self._retries = retries
        self._interval = interval
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(size):
            self._free.put_nowait(Connection(address, {"authorization": f"Bearer {token}"}))

    async def ask(self, records: Sequence[Record]) -> list[Record]:
        """The outputs of each row.

        ``INVALID`` when the rows are refused or there is no answer however often it is asked, ``FORBIDDEN`` when
        asking on is useless: the job's owner may not infer any longer, or the deployment is gone.
        """
        body, failure = self._wire.request(records), ""
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(min(_LONGEST_PAUSE, 0.1 * 2**attempt))
            try:
                answer = await self._sent(body)
            except OSError as error:
                failure = str(error) or type(error).__name__
                continue
            if answer.status == 200:
                return self._outputs(answer, len(records))
            failure = self._wire.message(answer.body)
            if answer.status in _NOT_ALLOWED:
                raise DomainError(ErrorKind.FORBIDDEN, failure)
            if answer.status not in _WORTH_ANOTHER_TRY:
                raise invalid(failure)
        raise invalid(f"no answer after {self._retries + 1} attempts: {failure}")

    async def _sent(self, body: bytes) -> Answer:
        connection = await self._free.get()
        try:
            await asyncio.sleep(connection.free_at - time.monotonic())
            connection.free_at = time.monotonic() + self._interval
            return await connection.post(self._wire.path, body)
        finally:
            self._free.put_nowait(connection)

    def _outputs(self, answer: Answer, rows: int) -> list[Record]:
        outputs = self._wire.outputs(answer.body)
        if len(outputs) != rows:
            raise invalid(f"the deployment answered {rows} rows with {len(outputs)}")
        return outputs

    def close(self) -> None:
        """Close the connections that are free."""
        while not self._free.empty():
            self._free.get_nowait().close()
