"""Many writes at once: each takes effect whole or not at all, whoever shares its transaction."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.errors import DomainError, conflict
from modelyard.core.kernel.store import Topic, Tx
from modelyard.storage.store import SqlStore
from stores import migrated

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A migrated store on either engine."""
    sqlite = request.param == "sqlite"
    made = SqlStore(migrated(tmp_path / "db") if sqlite else request.getfixturevalue("migrated_postgres_url"))
    yield made
    made.close()


def add(tx: Tx, name: str) -> int:
    return tx.insert(Workspace(0, name, name, False, NOW, "u")).id


def add_then_fail(tx: Tx, name: str) -> int:
    add(tx, name)
    raise conflict("no")


def add_then_break(tx: Tx, name: str) -> int:
    add(tx, name)
    raise ZeroDivisionError


def names(store: SqlStore) -> set[str]:
    return {workspace.name for workspace in store.run_read(lambda tx: tx.find(Workspace))}


def test_of_many_writes_at_once_only_those_that_fail_leave_nothing(store: SqlStore) -> None:
    async def all_at_once() -> list[object]:
        writes = [store.write((add, add_then_fail, add_then_break)[number % 3], f"w{number}") for number in range(60)]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    results = asyncio.run(all_at_once())
    assert names(store) == {f"w{number}" for number in range(0, 60, 3)}
    assert all(isinstance(result, int) for result in results[0::3])
    assert all(isinstance(result, DomainError) for result in results[1::3])
    assert all(isinstance(result, ZeroDivisionError) for result in results[2::3])


def test_a_unique_name_is_given_once_among_many_who_want_it_at_once(store: SqlStore) -> None:
    async def all_at_once() -> list[object]:
        return list(await asyncio.gather(*(store.write(add, "same") for _ in range(20)), return_exceptions=True))

    results = asyncio.run(all_at_once())
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, DomainError) for result in results) == 19


def test_a_write_is_answered_after_it_can_be_read(store: SqlStore) -> None:
    async def write_and_read(number: int) -> bool:
        await store.write(add, f"w{number}")
        return f"w{number}" in await store.read(lambda tx: {w.name for w in tx.find(Workspace)})

    async def all_at_once() -> list[bool]:
        return list(await asyncio.gather(*(write_and_read(number) for number in range(40))))

    assert all(asyncio.run(all_at_once()))


def test_a_write_whose_caller_went_away_harms_no_other(store: SqlStore) -> None:
    async def leave_one() -> None:
        tasks = [asyncio.create_task(store.write(add, f"w{number}")) for number in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.write(add, "later")

    asyncio.run(leave_one())
    assert {f"w{number}" for number in range(10) if number != 3} | {"later"} <= names(store)


def test_what_a_failed_write_touched_is_not_announced(store: SqlStore) -> None:
    def touch_and_fail(tx: Tx) -> None:
        tx.touch(Topic.ACCESS)
        raise conflict("no")

    before = store.generations()
    told: list[set[Topic]] = []
    store.on_touch(told.append)

    async def both() -> None:
        await asyncio.gather(
            store.write(touch_and_fail), store.write(lambda tx: tx.touch(Topic.ROUTES)), return_exceptions=True
        )

    asyncio.run(both())
    after = store.generations()
    assert after[Topic.ACCESS] == before[Topic.ACCESS]
    assert after[Topic.ROUTES] == before[Topic.ROUTES] + 1
    assert set().union(*told) == {Topic.ROUTES}
