"""The store's contract, on every engine. Each test names one promise of ``core.kernel.store``."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from modelyard.core.access.grants import Grant
from modelyard.core.catalogue.entities import Model, Workspace
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Between, Contains, Granted, StartsWith, Topic, Tx
from modelyard.storage.migrate import is_current, migrate
from modelyard.storage.schema import metadata
from modelyard.storage.store import SqlStore, sqlite_url
from stores import migrated

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return migrated(tmp_path / "store.db")
    return str(request.getfixturevalue("migrated_postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store.db")
    return str(request.getfixturevalue("fresh_postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    made = SqlStore(url, clock=lambda: NOW)
    yield made
    made.close()


def workspace(name: str = "fraud") -> Workspace:
    return Workspace(0, name, name, archived=False, created_at=NOW, created_by="u1")


def add(tx: Tx, name: str = "fraud") -> Workspace:
    return tx.insert(workspace(name))


def grant(tx: Tx, user: str, workspace_id: int, role: str) -> Grant:
    return tx.insert(Grant(0, user, "workspace", str(workspace_id), None, role, NOW))


def test_an_inserted_entity_comes_back_equal_with_its_new_id(store: SqlStore) -> None:
    made = store.run_write(add)
    assert made.id > 0
    assert store.run_read(lambda tx: tx.get(Workspace, made.id)) == made


def test_an_unknown_key_gives_none(store: SqlStore) -> None:
    assert store.run_read(lambda tx: tx.get(Workspace, 4711)) is None


def test_a_failing_use_case_leaves_nothing(store: SqlStore) -> None:
    def half_done(tx: Tx) -> None:
        add(tx)
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        store.run_write(half_done)
    assert store.run_read(lambda tx: tx.find(Workspace)) == []


def test_a_taken_unique_field_is_a_conflict(store: SqlStore) -> None:
    store.run_write(add)
    with pytest.raises(DomainError) as caught:
        store.run_write(add)
    assert caught.value.kind is ErrorKind.CONFLICT


def test_reading_transactions_cannot_write(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"read.?only|cannot be reached"):
        store.run_read(add)
    assert store.run_read(lambda tx: tx.find(Workspace)) == []


def test_update_changes_only_what_the_function_changed(store: SqlStore) -> None:
    made = store.run_write(add)
    store.run_write(lambda tx: tx.update(Workspace, made.id, lambda w: replace(w, name="risk")))
    assert store.run_read(lambda tx: tx.get(Workspace, made.id)) == replace(made, name="risk")


def test_updating_what_is_not_there_is_not_found(store: SqlStore) -> None:
    with pytest.raises(DomainError) as caught:
        store.run_write(lambda tx: tx.update(Workspace, 9, lambda w: w))
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_ids_are_never_given_twice(store: SqlStore) -> None:
    first = store.run_write(add)
    store.run_write(lambda tx: tx.delete(Workspace, id=first.id))
    assert store.run_write(add).id > first.id


def test_change_sets_fields_of_all_that_fit_also_where_conditions_name_the_same_fields(store: SqlStore) -> None:
    first, second, third = (store.run_write(add, name) for name in ("a", "b", "c"))
    where = {"id": [first.id, second.id], "created_by": "u1"}
    assert store.run_write(lambda tx: tx.change(Workspace, {"created_by": "u2", "archived": True}, **where)) == 2
    assert store.run_write(lambda tx: tx.change(Workspace, {"created_by": None}, created_by="nobody")) == 0
    found = store.run_read(lambda tx: tx.find(Workspace, order_by="name"))
    assert [(each.created_by, each.archived) for each in found] == [("u2", True), ("u2", True), ("u1", False)]
    assert found[2] == third


def test_delete_counts_and_refuses_to_empty_a_table(store: SqlStore) -> None:
    made = store.run_write(add)
    assert store.run_write(lambda tx: tx.delete(Workspace, id=[made.id, 99])) == 1
    with pytest.raises(ValueError, match="condition"):
        store.run_write(lambda tx: tx.delete(Workspace))


def test_conditions_mean_what_they_say(store: SqlStore) -> None:
    for name in ("a-fraud", "b_Fraud", "c"):
        store.run_write(add, name)

    def names(**where: object) -> list[str]:
        return [w.name for w in store.run_read(lambda tx: tx.find(Workspace, order_by="name", **where))]

    assert names(name="c") == ["c"]
    assert names(name=["c", "a-fraud"]) == ["a-fraud", "c"]
    assert names(name=[]) == []
    assert names(name=Contains("FRAUD")) == ["a-fraud", "b_Fraud"]
    assert names(name=Contains("_")) == ["b_Fraud"]
    assert names(created_at=Between(at_least=NOW)) == ["a-fraud", "b_Fraud", "c"]
    assert names(created_at=Between(at_most=NOW.replace(year=2000))) == []
    assert [w.name for w in store.run_read(lambda tx: tx.find(Workspace, order_by="-name", limit=1))] == ["c"]


@pytest.mark.parametrize("where", [{"name": "a\0"}, {"name": ["a\0"]}, {"name": Contains("\0")}])
def test_text_with_the_character_nul_is_refused_on_the_way_in_and_in_questions(
    store: SqlStore, where: dict[str, object]
) -> None:
    for use_case in (lambda tx: add(tx, "a\0b"), lambda tx: tx.find(Workspace, **where)):
        with pytest.raises(DomainError) as caught:
            store.run_write(use_case)
        assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_beyond_64_bits_equals_nothing(store: SqlStore, number: int) -> None:
    made = store.run_write(add)
    assert store.run_read(lambda tx: tx.get(Workspace, number)) is None
    assert store.run_read(lambda tx: tx.find(Workspace, id=[made.id, number])) == [made]


def test_texts_are_compared_by_their_characters_in_ranges_too(store: SqlStore) -> None:
    for name in ("a", "a/b", "a/é", "a0", "A/b", "b"):
        store.run_write(add, name)

    def found(condition: Between | StartsWith) -> list[str]:
        return [name for (name,) in store.run_read(lambda tx: tx.values(Workspace, ("name",), name=condition))]

    assert found(StartsWith("a/")) == ["a/b", "a/é"]
    assert found(Between("A/b", "a")) == ["a", "A/b"]
    assert store.run_write(lambda tx: tx.delete(Workspace, name=StartsWith("a/"))) == 2


def test_granted_keeps_only_resources_the_user_holds_a_role_on(store: SqlStore) -> None:
    def seed(tx: Tx) -> tuple[int, int]:
        mine, theirs = add(tx, "mine"), add(tx, "theirs")
        grant(tx, "u1", mine.id, "OWNER")
        grant(tx, "u1", theirs.id, "READER")
        return mine.id, theirs.id

    mine, theirs = store.run_write(seed)

    def seen(*roles: str) -> list[int]:
        return [
            w.id
            for w in store.run_read(lambda tx: tx.find(Workspace, granted=Granted(("u1",), roles, (), (), scope="id")))
        ]

    assert seen("OWNER") == [mine]
    assert seen("OWNER", "READER") == [mine, theirs]
    assert seen() == []


def test_values_gives_the_named_fields(store: SqlStore) -> None:
    made = store.run_write(add)
    store.run_write(lambda tx: tx.insert(Model(0, made.id, "ccfraud", "u1", NOW, NOW)))
    assert store.run_read(lambda tx: tx.values(Model, ("workspace_id", "name"))) == [(made.id, "ccfraud")]


def test_touch_raises_the_generation_once_committed_and_tells_listeners(store: SqlStore) -> None:
    told: list[set[Topic]] = []
    store.on_touch(told.append)
    before = store.generations()
    store.run_write(lambda tx: tx.touch(Topic.ROUTES))
    after = store.generations()
    assert after[Topic.ROUTES] == before[Topic.ROUTES] + 1
    assert after[Topic.ACCESS] == before[Topic.ACCESS]
    assert told == [{Topic.ROUTES}]


def test_writers_that_collide_all_succeed_one_after_another(store: SqlStore) -> None:
    made = store.run_write(add, "0")

    def count(tx: Tx) -> None:
        current = tx.get(Workspace, made.id)
        assert current is not None
        tx.update(Workspace, made.id, lambda w: replace(w, name=str(int(current.name) + 1)))

    threads = [threading.Thread(target=lambda: [store.run_write(count) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = store.run_read(lambda tx: tx.get(Workspace, made.id))
    assert final is not None
    assert final.name == "20"


def test_use_cases_run_away_from_the_event_loop(store: SqlStore) -> None:
    async def main() -> tuple[int, int]:
        return await store.write(lambda _: threading.get_ident()), threading.get_ident()

    ran_in, loop_in = asyncio.run(main())
    assert ran_in != loop_in


def test_a_second_store_on_the_same_database_sees_commits_at_once(store: SqlStore, url: str) -> None:
    other = SqlStore(url)
    made = store.run_write(add)
    assert other.run_read(lambda tx: tx.get(Workspace, made.id)) == made
    other.close()


def test_a_migrated_database_equals_a_fresh_one(store: SqlStore) -> None:
    with store.connection() as connection, connection.begin():
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert is_current(store)


def test_migrating_twice_changes_nothing(store: SqlStore) -> None:
    store.run_write(add)
    migrate(store)
    assert len(store.run_read(lambda tx: tx.find(Workspace))) == 1


def test_a_failing_migration_leaves_the_database_as_it_was(empty_url: str) -> None:
    store = SqlStore(empty_url)
    with store.connection() as connection, connection.begin():
        connection.execute(text("CREATE TABLE workspaces (id INTEGER)"))
    with pytest.raises(Exception, match="workspaces"):
        migrate(store)
    assert not is_current(store)
    store.close()
