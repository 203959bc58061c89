"""The audit log's contract, on every engine: whole under concurrency, append-only, and no tampering goes unnoticed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from audit_chain import ADA, entries, tamper, write
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import GENESIS, digest, record
from modelyard.core.audit.verification import BEGINNING, Anchor, head, verify
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.storage.store import SqlStore
from stores import migrated

_COPIED = (
    "actor_id, actor_name, client_id, address, action, object_type, object_id, outcome, details, previous_hash, hash"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return migrated(tmp_path / "store.db")
    return str(request.getfixturevalue("migrated_postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    made = SqlStore(url)
    yield made
    made.close()


def test_entries_are_numbered_without_gaps_and_each_holds_the_hash_of_the_one_before(store: SqlStore) -> None:
    write(store, 3)
    found = entries(store)
    assert [entry.id for entry in found] == [1, 2, 3]
    assert [entry.previous_hash for entry in found] == [GENESIS, found[0].hash, found[1].hash]
    assert store.run_read(verify).last == store.run_read(head) == Anchor(3, found[2].hash)


def test_what_comes_back_from_the_engine_gives_the_hash_that_was_written(store: SqlStore) -> None:
    odd = {
        "text": 'Zoë \U0001f600 \\ "',
        "number": 2**60,
        "real": 0.1,
        "no": None,
        "list": [1, [True]],
        "in": {"b": 1, "a": 2},
    }
    store.run_write(record, ADA, Action.DEPLOY, "deployment", "é", **odd)
    assert entries(store)[0].details == odd
    assert digest(entries(store)[0]) == entries(store)[0].hash


def test_an_empty_log_is_whole(store: SqlStore) -> None:
    assert store.run_read(verify).last == BEGINNING
    assert store.run_read(verify).problem is None


def test_an_entry_goes_when_the_change_it_tells_of_fails(store: SqlStore) -> None:
    def half_done(tx: Tx) -> None:
        record(tx, ADA, Action.DEPLOY, "deployment", 1)
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        store.run_write(half_done)
    write(store)
    assert [entry.id for entry in entries(store)] == [1]
    assert store.run_read(verify).problem is None


def test_writers_at_the_same_time_do_not_fork_the_chain(store: SqlStore, url: str) -> None:
    other = SqlStore(url)
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            write((store, other)[number % 2], 10, Actor(f"u{number}", f"writer-{number}"))
        except Exception as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert failures == []
    assert [entry.id for entry in entries(store)] == list(range(1, 61))
    assert {len(entries(store, actor_name=f"writer-{number}")) for number in range(6)} == {10}
    assert store.run_read(verify).problem is None


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET outcome = 'ok'", "DELETE FROM audit_entries"])
def test_the_database_itself_refuses_to_change_entries(store: SqlStore, statement: str) -> None:
    write(store)
    with store.connection() as connection, pytest.raises(Exception, match="append-only"), connection.begin():
        connection.execute(text(statement))
    assert len(entries(store)) == 1


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_entries SET actor_name = 'mallory' WHERE id = 3", "entry 3 was changed"),
        ("UPDATE audit_entries SET at = at + 1 WHERE id = 3", "entry 3 was changed"),
        ("UPDATE audit_entries SET address = NULL WHERE id = 3", "entry 3 was changed"),
        ("UPDATE audit_entries SET details = '{\"name\": \"other\"}' WHERE id = 3", "entry 3 was changed"),
        ("UPDATE audit_entries SET hash = previous_hash WHERE id = 3", "entry 3 was changed"),
        ("DELETE FROM audit_entries WHERE id = 3", "entry 3 is missing; the next one is 4"),
        ("DELETE FROM audit_entries WHERE id = 1", "entry 1 is missing; the next one is 2"),
        ("DELETE FROM audit_entries WHERE id = 5", "the log ends with entry 4, but the database notes entry 5"),
        ("DELETE FROM audit_entries", "the log ends with entry 0, but the database notes entry 5"),
        ("DELETE FROM audit_heads", "but the database notes nothing as its end"),
        ("UPDATE audit_heads SET entry_id = 4", "the log ends with entry 5, but the database notes entry 4"),
    ],
)  # fmt: skip
def test_an_entry_that_was_changed_or_taken_out_is_named(store: SqlStore, statement: str, found: str) -> None:
    write(store, 5)
    assert store.run_read(verify).problem is None
    tamper(store, statement)
    assert found in str(store.run_read(verify).problem)


def test_an_entry_that_was_put_in_is_named(store: SqlStore) -> None:
    write(store, 4)
    tamper(
        store,
        "UPDATE audit_entries SET id = id + 100 WHERE id > 2",
        "UPDATE audit_entries SET id = id - 99 WHERE id > 100",
        f"INSERT INTO audit_entries (id, at, {_COPIED}) SELECT 3, at, {_COPIED} FROM audit_entries WHERE id = 1",  # noqa: S608
    )
    assert "entry 3 was changed" in str(store.run_read(verify).problem)


def test_entries_that_changed_places_are_named(store: SqlStore) -> None:
    write(store, 4)
    move = "UPDATE audit_entries SET id = {} WHERE id = {}"
    tamper(store, move.format(99, 2), move.format(2, 3), move.format(3, 99))
    assert "entry 2 was changed" in str(store.run_read(verify).problem)


def test_a_change_with_a_fitting_hash_breaks_the_chain_behind_it(store: SqlStore) -> None:
    write(store, 4)
    _rewrite(store, 2, 2)
    assert "entry 3 does not follow the one before" in str(store.run_read(verify).problem)


def test_a_chain_that_was_written_anew_to_its_end_is_known_by_what_was_noted_outside(store: SqlStore) -> None:
    write(store, 4)
    noted = store.run_read(head)
    _rewrite(store, 2, 4)
    assert store.run_read(verify).problem is None
    assert "entry 4 is not the one that was noted" in str(store.run_read(verify, [noted]).problem)


def test_an_end_that_was_cut_off_and_covered_up_is_known_by_what_was_noted_outside(store: SqlStore) -> None:
    write(store, 4)
    noted = store.run_read(head)
    second = entries(store)[1]
    tamper(
        store,
        "DELETE FROM audit_entries WHERE id > 2",
        "UPDATE audit_heads SET entry_id = 2, hash = :hash",
        hash=second.hash,
    )
    assert store.run_read(verify).problem is None
    assert "entry 3 is missing: the end was cut off" in str(store.run_read(verify, [noted]).problem)
    write(store, 3)
    assert "entry 4 is not the one that was noted" in str(store.run_read(verify, [noted]).problem)


def test_what_came_since_an_anchor_is_verified_by_itself(store: SqlStore) -> None:
    write(store, 2)
    noted = store.run_read(head)
    write(store, 2)
    assert store.run_read(verify, since=noted).last == store.run_read(head)
    tamper(store, "UPDATE audit_entries SET outcome = 'failed' WHERE id = 2")
    assert "entry 2 is not the one that was noted" in str(store.run_read(verify, since=noted).problem)
    tamper(store, "DELETE FROM audit_entries WHERE id = 2")
    assert "entry 2 is missing" in str(store.run_read(verify, since=noted).problem)


def test_without_its_end_nothing_is_written_and_somebody_is_told(store: SqlStore) -> None:
    tamper(store, "DELETE FROM audit_heads")
    with pytest.raises(DomainError, match="audit verify") as caught:
        write(store)
    assert caught.value.kind is ErrorKind.INTERNAL


def _rewrite(store: SqlStore, first: int, last: int) -> None:
    """Blame somebody else in one entry, and make the hashes fit up to ``last``."""
    found = entries(store)
    previous = found[first - 1].previous_hash
    for entry in found[first - 1 : last]:
        name = "mallory" if entry.id == first else entry.actor_name
        changed = {**{field: getattr(entry, field) for field in entry.__slots__}, "actor_name": name}
        forged = type(entry)(**changed | {"previous_hash": previous})
        previous = digest(forged)
        tamper(
            store,
            "UPDATE audit_entries SET actor_name = :name, previous_hash = :before, hash = :hash WHERE id = :id",
            name=name,
            before=forged.previous_hash,
            hash=previous,
            id=entry.id,
        )
    if last == len(found):
        tamper(store, "UPDATE audit_heads SET hash = :hash", hash=previous)
