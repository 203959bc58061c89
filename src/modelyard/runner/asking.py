"""Asking a deployment, again where that may help."""

import asyncio
import time
from collections.abc import Sequence

from modelyard.core.automation.payloads import Record
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.runner.connection import Answer, Channel
from modelyard.runner.wire import Wire

_NOT_ALLOWED = frozenset({401, 403, 404})
_WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 5.0


class Deployment:
    """A deployment over some channels; each waits ``interval`` seconds from one request to the next."""

    def __init__(self, wire: Wire, channels: Sequence[Channel], *, retries: int, interval: float) -> None:
        self.wire = wire
        self._retries = retries
        self._interval = interval
        self._free: asyncio.Queue[Channel] = asyncio.Queue()
        for channel in channels:
            self._free.put_nowait(channel)

    async def ask(self, records: Sequence[Record], request_id: str) -> list[Record]:
        """The outputs of each row; raises as ``send``."""
        outputs = self.wire.outputs(await self.send(self.wire.request(records), request_id))
        if len(outputs) != len(records):
            raise invalid(f"the deployment answered {len(records)} rows with {len(outputs)}")
        return outputs

    async def send(self, body: bytes, request_id: str) -> bytes:
        """The body of the answer to a request that is in the deployment's protocol.

        ``INVALID`` when it is refused or there is no answer however often it is asked, ``FORBIDDEN`` when asking on is
        useless: the job's owner may not infer any longer, or the deployment is gone.
        """
        failure = ""
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(min(_LONGEST_PAUSE, 0.1 * 2**attempt))
            try:
                answer = await self._sent(body, request_id)
            except OSError as error:
                failure = str(error) or type(error).__name__
                continue
            if answer.status == 200:
                return answer.body
            failure = self.wire.message(answer.body)
            if answer.status in _NOT_ALLOWED:
                raise DomainError(ErrorKind.FORBIDDEN, failure)
            if answer.status not in _WORTH_ANOTHER_TRY:
                raise invalid(failure)
        raise invalid(f"no answer after {self._retries + 1} attempts: {failure}")

    async def _sent(self, body: bytes, request_id: str) -> Answer:
        channel = await self._free.get()
        try:
            await asyncio.sleep(channel.free_at - time.monotonic())
            channel.free_at = time.monotonic() + self._interval
            return await channel.post(self.wire.path, body, {self.wire.id_header: request_id})
        finally:
            self._free.put_nowait(channel)

    def close(self) -> None:
        """Close the channels that are free."""
        while not self._free.empty():
            self._free.get_nowait().close()
