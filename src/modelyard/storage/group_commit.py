"""Group commit: writes that wait for each other share one transaction, and one wait for the disk.

SQLite has one writer at a time, and a commit waits until the disk has it. What arrives while one commit is under way is
run together in the next. Each use-case still takes effect whole or not at all, and is answered only once it is on disk.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from modelyard.core.kernel.errors import DomainError

T = TypeVar("T")

_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Raised:
    """What a use-case raised; nothing of it remains."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class _Waiting:
    use_case: Callable[[Any], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def answer(self, result: Any) -> None:
        """Tell whoever waits, unless they went away; from any thread."""
        with contextlib.suppress(RuntimeError):  # their loop is closed
            self.loop.call_soon_threadsafe(self._settle, result)

    def _settle(self, result: Any) -> None:
        if self.future.done():
            return
        if isinstance(result, Raised):
            self.future.set_exception(result.error)
        else:
            self.future.set_result(result)


class GroupCommit:
    """``together`` runs several use-cases in one transaction, ``alone`` one in its own."""

    def __init__(
        self,
        thread: ThreadPoolExecutor,
        together: Callable[[list[Callable[[Any], Any]]], list[Any]],
        alone: Callable[[Callable[[Any], Any]], Any],
    ) -> None:
        self._thread = thread
        self._together = together
        self._alone = alone
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._lock = Lock()

    async def write(self, use_case: Callable[[Any], T]) -> T:
        """The result of the use-case, once it is committed."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(use_case, loop, loop.create_future())
        with self._lock:
            self._waiting.append(waiting)
            begin, self._busy = not self._busy, True
        if begin:
            self._thread.submit(self._run)
        result: T = await waiting.future
        return result

    def _run(self) -> None:
        """Write until nothing waits."""
        while batch := self._next():
            results = self._alone_each(batch) if len(batch) == 1 else self._together_or_alone(batch)
            for waiting, result in zip(batch, results, strict=True):
                waiting.answer(result)

    def _next(self) -> list[_Waiting]:
        with self._lock:
            batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            self._busy = bool(batch)
        return batch

    def _together_or_alone(self, batch: list[_Waiting]) -> list[Any]:
        """When the database refuses the group as a whole, each gets its own chance and its own error.

        Whatever else happens is told to all: who writes must not die with those that wait for it.
        """
        try:
            return self._together([waiting.use_case for waiting in batch])
        except (DBAPIError, sqlite3.Error, DomainError):
            return self._alone_each(batch)
        except BaseException as error:  # noqa: BLE001  # handed to whoever asked
            return [Raised(error)] * len(batch)

    def _alone_each(self, batch: list[_Waiting]) -> list[Any]:
        return [self._one(waiting.use_case) for waiting in batch]

    def _one(self, use_case: Callable[[Any], Any]) -> Any:
        try:
            return self._alone(use_case)
        except BaseException as error:  # noqa: BLE001  # handed to whoever asked
            return Raised(error)
