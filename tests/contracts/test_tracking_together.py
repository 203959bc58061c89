"""The same things logged and changed by many at once, on every engine."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.identity.clients import FirstAccounts, ensure_accounts
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.first_start import ensure_tracking
from modelyard.core.tracking.log import log_batch
from modelyard.core.tracking.recording import Batch
from modelyard.core.tracking.runs import NewRun, create_run, get_run
from modelyard.storage.store import SqlStore
from stores import migrated

_ROUNDS, _AT_ONCE = 5, 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """One in which an administrator may track."""
    sqlite = request.param == "sqlite"
    made = SqlStore(migrated(tmp_path / "db") if sqlite else request.getfixturevalue("migrated_postgres_url"))
    made.run_write(ensure_accounts, FirstAccounts("admin", "a@x.io", "hash", "hash"))
    made.run_write(ensure_tracking, Role.READ)
    yield made
    made.close()


@pytest.fixture
def admin(store: SqlStore) -> Actor:
    user = store.run_read(lambda tx: tx.first(User, username="admin"))
    assert user is not None
    return store.run_read(load_actor, user.id, None)


def _at_once(log: Callable[[int], object]) -> list[ErrorKind | None]:
    start = threading.Barrier(_AT_ONCE)

    def one(number: int) -> ErrorKind | None:
        start.wait()
        try:
            log(number)
        except DomainError as error:
            return error.kind
        return None

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(one, range(_AT_ONCE)))


def test_the_same_param_from_many_at_once_is_logged_and_another_value_is_not(store: SqlStore, admin: Actor) -> None:
    for _ in range(_ROUNDS):
        run_id = store.run_write(create_run, admin, NewRun("0")).run.id
        same = _at_once(lambda _, run=run_id: store.run_write(log_batch, admin, run, Batch(params={"same": "1"})))
        assert same == [None] * _AT_ONCE
        other = _at_once(lambda n, run=run_id: store.run_write(log_batch, admin, run, Batch(params={"own": str(n)})))
        assert sorted(map(str, other)) == sorted(["None", *[str(ErrorKind.INVALID)] * (_AT_ONCE - 1)])
        assert set(store.run_read(get_run, admin, run_id).params) == {"same", "own"}


def test_who_finds_a_name_taken_meanwhile_tries_again(migrated_postgres_url: str) -> None:
    store, tries = SqlStore(migrated_postgres_url), []

    def add(tx: Tx, name: str) -> None:
        tx.insert(Workspace(0, name, name, False, NOW, "u"))

    def take_over(tx: Tx) -> None:
        tries.append(tx.delete(Workspace, name="b"))
        if len(tries) == 1:
            store.run_write(add, "b")
        tx.change(Workspace, {"name": "b"}, name="a")

    store.run_write(add, "a")
    store.run_write(take_over)
    assert tries == [0, 1]
    assert [workspace.name for workspace in store.run_read(lambda tx: tx.find(Workspace))] == ["b"]
    store.close()


def test_processes_that_change_the_same_row_all_get_their_turn(migrated_postgres_url: str) -> None:
    stores = [SqlStore(migrated_postgres_url) for _ in range(3)]  # each stands for a process: they share no lock
    key = stores[0].run_write(lambda tx: tx.insert(Workspace(0, "0", "w", False, NOW, "u"))).id

    def count(tx: Tx) -> None:
        seen = tx.get(Workspace, key)
        assert seen is not None
        time.sleep(0.002)  # what another writes meanwhile collides with what was read
        tx.update(Workspace, key, lambda old: replace(old, name=str(int(seen.name) + 1)))

    def many(number: int) -> None:
        for _ in range(10):
            stores[number % 3].run_write(count)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(many, range(12)))
    counted = stores[0].run_read(lambda tx: tx.get(Workspace, key))
    for store in stores:
        store.close()
    assert counted is not None
    assert counted.name == "120"


def test_a_write_that_collided_is_alone_the_second_time(migrated_postgres_url: str) -> None:
    store, beside = SqlStore(migrated_postgres_url), SqlStore(migrated_postgres_url)
    key = store.run_write(lambda tx: tx.insert(Workspace(0, "0", "w", False, NOW, "u"))).id
    tries, over = [], threading.Event()

    def long(tx: Tx) -> None:
        tries.append(tx.get(Workspace, key))
        time.sleep(0.1)
        tx.update(Workspace, key, lambda old: replace(old, created_by="long"))

    def again_and_again() -> None:
        while not over.is_set():
            beside.run_write(lambda tx: tx.update(Workspace, key, lambda old: replace(old, name=old.name + "1")))

    with ThreadPoolExecutor(2) as threads:
        others = threads.submit(again_and_again)
        for _ in range(5):
            store.run_write(long)
        over.set()
        others.result()
    assert 5 < len(tries) <= 10
    store.close()
    beside.close()
