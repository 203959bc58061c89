"""Keeps what one process holds in memory true to the store.

Every change of rights or routes raises a generation in the store. The process that made the change hears of it at
once, the others by asking four times a second: a change is in force everywhere within a second.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store, Topic

_LOG = logging.getLogger(__name__)
_INTERVAL = 0.25


class Watcher:
    """Runs ``reload[topic]`` (in a thread, one at a time) whenever the generation of its topic grows.

    What changes all the time, and need not be known at once in the process that changed it, is ``patient``.
    """

    def __init__(
        self, store: Store, reload: Mapping[Topic, Callable[[], None]], patient: frozenset[Topic] = frozenset()
    ) -> None:
        self._store = store
        self._reload = reload
        self._patient = patient
        self._seen: dict[Topic, int] = {}
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        store.on_touch(self._touched)

    async def load(self) -> None:
        """Load every topic once; raises what a reload raises."""
        generations = await asyncio.to_thread(self._store.generations)
        for topic, reload in self._reload.items():
            await asyncio.to_thread(reload)
            self._seen[topic] = generations[topic]

    async def run(self) -> None:
        """Watch until cancelled. A failure is told once and tried again: who stops looking goes on with old rights."""
        failing = False
        while True:
            try:
                await self._look()
                failing = False
            except Exception as error:  # noqa: BLE001  # whatever it was, looking goes on
                if not failing:
                    _LOG.warning("cannot look for changes: %s", error, exc_info=not isinstance(error, DomainError))
                failing = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _INTERVAL)
            self._wake.clear()

    async def _look(self) -> None:
        generations = await asyncio.to_thread(self._store.generations)
        for topic, reload in self._reload.items():
            if generations[topic] != self._seen.get(topic):
                await asyncio.to_thread(reload)
                self._seen[topic] = generations[topic]

    def _touched(self, topics: set[Topic]) -> None:
        if topics - self._patient:
            self._loop.call_soon_threadsafe(self._wake.set)


async def every(seconds: float, task: Callable[[], None], name: str) -> None:
    """Run ``task`` in a thread now and again, until cancelled. A failure is told once and tried again."""
    told = ""
    while True:
        try:
            await asyncio.to_thread(task)
            told = ""
        except Exception as error:  # noqa: BLE001  # the next time it may work
            if told != str(error):
                _LOG.warning("%s failed: %s", name, error, exc_info=not isinstance(error, DomainError))
            told = str(error)
        await asyncio.sleep(seconds)
