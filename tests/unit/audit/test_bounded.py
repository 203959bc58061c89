"""Refusals and reads: the first at once, the same again only counted, and never more than so many a minute."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from audit_chain import ADA, entries
from modelyard.core.audit.actions import Action
from modelyard.core.audit.bounded import OF_ALL, OF_ONE_ADDRESS, BoundedRecorder
from modelyard.core.audit.entities import Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError
from modelyard.storage.store import SqlStore


@pytest.fixture
def recorder(store: SqlStore) -> BoundedRecorder:
    return BoundedRecorder(store)


def refuse(recorder: BoundedRecorder, name: str, address: str = "192.0.2.1", times: int = 1) -> None:
    for _ in range(times):
        who = Actor("", name, address=address)
        asyncio.run(recorder.refusal(who, Action.LOGIN, "session", "", reason="wrong password"))


def test_a_refusal_is_an_entry_at_once(store: SqlStore, recorder: BoundedRecorder) -> None:
    refuse(recorder, "ada")
    (entry,) = entries(store)
    assert (entry.actor_name, entry.address, entry.outcome) == ("ada", "192.0.2.1", "refused")
    assert entry.details == {"reason": "wrong password"}


def test_the_same_again_is_one_more_entry_with_how_often(store: SqlStore, recorder: BoundedRecorder) -> None:
    refuse(recorder, "ada", times=501)
    refuse(recorder, "bob")
    assert len(entries(store)) == 2
    recorder.flush()
    assert [(e.actor_name, e.details) for e in entries(store)[2:]] == [("ada", {"repeats": 500})]
    recorder.flush()
    assert len(entries(store)) == 3


def test_what_differs_in_name_address_object_or_outcome_is_not_the_same(
    store: SqlStore, recorder: BoundedRecorder
) -> None:
    refuse(recorder, "ada")
    refuse(recorder, "ada", "192.0.2.2")
    who = Actor("", "ada", address="192.0.2.1")
    asyncio.run(recorder.refusal(who, Action.LOGIN, "session", "7"))
    asyncio.run(recorder.refusal(who, Action.LOGIN, "session", "7", Outcome.FAILED))
    assert len(entries(store)) == 4


def test_after_the_minute_the_same_is_an_entry_again(store: SqlStore, recorder: BoundedRecorder) -> None:
    refuse(recorder, "ada")
    recorder.flush()
    refuse(recorder, "ada")
    assert len(entries(store)) == 2


def test_one_address_cannot_fill_the_log_with_names_of_its_choice(store: SqlStore, recorder: BoundedRecorder) -> None:
    for number in range(OF_ONE_ADDRESS + 30):
        refuse(recorder, f"name-{number}")
    refuse(recorder, "ada", "192.0.2.2")
    assert len(entries(store)) == OF_ONE_ADDRESS + 1
    recorder.flush()
    last = entries(store)[-1]
    assert (last.action, last.details) == ("audit.unlisted", {"refusals": 30})


def test_many_addresses_together_cannot_either(store: SqlStore, recorder: BoundedRecorder) -> None:
    for number in range(OF_ALL + 40):
        refuse(recorder, "ada", f"192.0.2.{number}", times=2)
    recorder.flush()
    found = entries(store)
    assert len(found) == 2 * OF_ALL + 1
    assert found[-1].details == {"refusals": 80}


def test_reads_are_not_limited_but_counted(store: SqlStore, recorder: BoundedRecorder) -> None:
    for number in range(OF_ALL + 10):
        for _ in range(2):
            asyncio.run(recorder.read(ADA, Action.LOG_READ, "pipeline", number, name="fraud"))
    assert len(entries(store, action="log.read")) == OF_ALL + 10
    recorder.flush()
    assert {entry.details["repeats"] for entry in entries(store)[OF_ALL + 10 :]} == {1}


def test_a_read_that_cannot_be_recorded_is_not_done_and_the_next_one_is_the_first(
    store: SqlStore, recorder: BoundedRecorder
) -> None:
    with unwritable(store), pytest.raises(DomainError):
        asyncio.run(recorder.read(ADA, Action.LOG_READ, "pipeline", 1))
    asyncio.run(recorder.read(ADA, Action.LOG_READ, "pipeline", 1))
    assert len(entries(store)) == 1


def test_a_refusal_that_cannot_be_recorded_is_refused_all_the_same(
    store: SqlStore, recorder: BoundedRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    with unwritable(store):
        refuse(recorder, "ada")
    assert "cannot record a refusal (session.login by 'ada')" in caplog.text


@contextmanager
def unwritable(store: SqlStore) -> Iterator[None]:
    """The log cannot be written meanwhile."""
    with store.connection() as connection, connection.begin():
        connection.execute(text("ALTER TABLE audit_heads RENAME TO elsewhere"))
    yield
    with store.connection() as connection, connection.begin():
        connection.execute(text("ALTER TABLE elsewhere RENAME TO audit_heads"))
