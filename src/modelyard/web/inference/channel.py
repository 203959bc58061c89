"""From the thread that makes an answer to the event loop that sends it, piece by piece and never many ahead."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from modelyard.core.kernel.errors import timed_out
from modelyard.core.serving.deadlines import Deadline
from modelyard.web.inference.lanes import Gone

T = TypeVar("T")

_AHEAD = 64
"""So many pieces may wait for a client that reads slowly; the model does not go on before it has read some."""
_LOOK_SECONDS = 0.25


class Channel(Generic[T]):
    """One answer. Made on the event loop; ``put`` is for one other thread, all else for the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[T | BaseException] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self.is_left = False

    def put(self, piece: T, deadline: Deadline) -> None:
        """Have the piece sent; ``Gone`` when nobody waits for it, ``TIMED_OUT`` when it is not read."""
        while not self._room.acquire(timeout=_LOOK_SECONDS):
            if deadline.is_over() and not self.is_left:
                raise timed_out(f"what came was not read within {deadline.seconds:g} s; read faster", by_caller=True)
            self._require_client()
        self._require_client()
        self._loop.call_soon_threadsafe(self._items.put_nowait, piece)

    def complete(self, future: Future[Any]) -> None:
        """What the thread ended with comes last; to be called when the future is done, on any thread."""
        if not future.cancelled():
            last = future.exception() or future.result()
            self._loop.call_soon_threadsafe(self._items.put_nowait, last)

    def leave(self, _: Any = None) -> None:
        """The client has gone."""
        self.is_left = True
        self._items.put_nowait(Gone())

    async def get(self, seconds: float) -> T | None:
        """The next item, or None when there was none for so long; raises what the thread raised, or ``Gone``."""
        try:
            item = await asyncio.wait_for(self._items.get(), seconds)
        except TimeoutError:
            return None
        self._room.release()
        if isinstance(item, BaseException):
            raise item
        return item

    def _require_client(self) -> None:
        if self.is_left:
            raise Gone
