"""What a process holds follows the store, whoever changed it, and whatever went wrong before."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.core.kernel.store import Topic
from modelyard.storage.store import SqlStore, sqlite_url
from modelyard.web.watcher import Watcher, every


async def until(condition: Callable[[], bool], seconds: float = 1.0) -> None:
    """Wait for the condition, for at most the second that is promised."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # any condition, not only one that can tell
            await asyncio.sleep(0.01)


def watching(store: SqlStore, reload: Callable[[], None], act: Callable[[], None], done: Callable[[], bool]) -> None:
    async def main() -> None:
        watcher = Watcher(store, {Topic.ACCESS: reload})
        await watcher.load()
        task = asyncio.create_task(watcher.run())
        await asyncio.to_thread(act)
        await until(done)
        task.cancel()

    asyncio.run(main())


def test_a_change_of_another_process_is_in_force_within_a_second(store: SqlStore, tmp_path: Path) -> None:
    calls: list[int] = []
    other = SqlStore(sqlite_url(tmp_path / "store.db"))
    watching(
        store,
        lambda: calls.append(1),
        lambda: other.run_write(lambda tx: tx.touch(Topic.ACCESS)),
        lambda: len(calls) == 2,
    )
    other.close()


def test_an_untouched_topic_is_not_loaded_again(store: SqlStore) -> None:
    calls: list[int] = []
    with pytest.raises(TimeoutError):
        watching(
            store,
            lambda: calls.append(1),
            lambda: store.run_write(lambda tx: tx.touch(Topic.ROUTES)),
            lambda: len(calls) > 1,
        )
    assert calls == [1]


def test_a_reload_that_failed_is_tried_again(store: SqlStore) -> None:
    calls: list[int] = []

    def reload() -> None:
        calls.append(1)
        if len(calls) in (2, 3):
            raise KeyError("an accident")

    watching(store, reload, lambda: store.run_write(lambda tx: tx.touch(Topic.ACCESS)), lambda: len(calls) == 4)


def test_periodic_work_goes_on_after_an_accident() -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise ValueError("an accident")

    async def main() -> None:
        task = asyncio.create_task(every(0.01, work, "the work"))
        await until(lambda: len(calls) >= 3)
        task.cancel()

    asyncio.run(main())


def test_what_changes_all_the_time_is_loaded_now_and_then_not_at_each_change(store: SqlStore) -> None:
    calls: list[int] = []

    async def main() -> None:
        watcher = Watcher(store, {Topic.ROUTERS: lambda: calls.append(1)}, patient=frozenset({Topic.ROUTERS}))
        await watcher.load()
        task = asyncio.create_task(watcher.run())
        for _ in range(50):
            await store.write(lambda tx: tx.touch(Topic.ROUTERS))
        changed = len(calls)
        await until(lambda: len(calls) > changed)
        task.cancel()

    asyncio.run(main())
    assert len(calls) < 25
