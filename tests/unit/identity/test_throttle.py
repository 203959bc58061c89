"""Guessing becomes slow, and nobody is kept out by what others do."""

import itertools

import pytest

from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.identity import throttle
from modelyard.core.identity.attack_detection import (
    all_failed_sign_ins,
    failed_sign_ins,
    forgive_everybody,
    forgive_user,
)
from modelyard.core.identity.entities import SignInRecord
from modelyard.core.identity.throttle import ADDRESS, NAME_FROM_PLACE, attempt_by
from modelyard.core.identity.users import NewUser, add_user, load_actor, set_password
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"


class Door:
    """Sign-ins as the issuer tries them; each method answers with the seconds to wait, 0 when let through."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def fails(self, name: str, address: str | None) -> int:
        return self._asked(throttle.note_failure, name, address)

    def succeeds(self, name: str, address: str | None) -> int:
        attempt = attempt_by(name, address)
        try:
            if self.store.run_read(throttle.is_news, attempt):
                self.store.run_write(throttle.note_success, attempt)
        except DomainError as error:
            return _seconds(error)
        return 0

    def waits(self, name: str, address: str | None) -> int:
        return self._asked(throttle.admit, name, address)

    def delay(self, name: str, address: str | None) -> float:
        return self.store.run_read(throttle.admit, attempt_by(name, address))

    def records(self) -> list[SignInRecord]:
        return self.store.run_read(lambda tx: tx.find(SignInRecord))

    def _asked(self, use_case: object, name: str, address: str | None) -> int:
        try:
            self.store.run_write(use_case, attempt_by(name, address))  # type: ignore[arg-type]
        except DomainError as error:
            return _seconds(error)
        return 0


def _seconds(error: DomainError) -> int:
    assert error.kind is ErrorKind.RATE_LIMITED
    return int(error.details["retry_after"])


@pytest.fixture
def door(store: SqlStore) -> Door:
    return Door(store)


@pytest.fixture
def admin(store: SqlStore) -> Actor:
    user = store.run_write(add_user, NewUser("root", None, None, (Role.ADMIN,)))
    return store.run_read(load_actor, user.id, None)


def test_five_failures_are_free_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour(door: Door, clock: Clock) -> None:
    for _ in range(NAME_FROM_PLACE.free):
        assert door.fails("ada", ELSEWHERE) == 0
    waits = []
    for _ in range(13):
        waits.append(door.waits("ada", ELSEWHERE))
        clock.advance(seconds=waits[-1])
        assert door.fails("ada", ELSEWHERE) == 0
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == 900
    assert all(later >= earlier / 2 for earlier, later in itertools.pairwise(waits))


def test_a_failure_while_waiting_is_neither_tried_nor_counted(door: Door) -> None:
    for _ in range(5):
        door.fails("ada", ELSEWHERE)
    before = door.records()
    assert door.fails("ada", ELSEWHERE) == 1
    assert door.succeeds("ada", ELSEWHERE) == 1
    assert door.records() == before


def test_failures_fade(door: Door, clock: Clock) -> None:
    for _ in range(5):
        door.fails("ada", ELSEWHERE)
    clock.advance(minutes=61)
    for _ in range(4):
        assert door.fails("ada", ELSEWHERE) == 0
    assert door.waits("ada", ELSEWHERE) == 0


@pytest.mark.parametrize(
    ("mine", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        (None, "not-an-address", True),
        (None, "192.0.2.1", False),
    ],
)
def test_a_strangers_place_is_the_network(door: Door, mine: str | None, other: str | None, together: bool) -> None:
    for _ in range(5):
        door.fails("ada", other)
    assert bool(door.waits("ada", mine)) is together


@pytest.mark.parametrize("same", ["ADA", " ada ", "Ada"])
def test_a_name_is_counted_however_it_is_written(door: Door, same: str) -> None:
    for _ in range(5):
        door.fails(same, ELSEWHERE)
    assert door.waits("ada", ELSEWHERE) == 1
    assert door.waits("eve", ELSEWHERE) == 0


def test_whatever_happens_elsewhere_a_known_address_comes_in_at_once(door: Door, clock: Clock) -> None:
    door.succeeds("ada", HOME)
    for number in range(400):
        door.fails("ada", f"203.0.{number % 200}.{number % 250}")
        door.fails("ada", "192.0.2.8")  # even next door
        clock.advance(seconds=30)
        assert door.succeeds("ada", HOME) == 0
        assert door.delay("ada", HOME) == 0
    assert door.waits("ada", "192.0.2.8") > 0


def test_from_a_new_address_an_attacked_user_is_delayed_by_a_second_at_most(door: Door) -> None:
    for number in range(150):
        door.fails("ada", f"203.0.{number}.1")
    assert 0 < door.delay("ada", "100.64.0.1") <= 1
    assert door.delay("eve", "100.64.0.1") == 0


def test_an_address_that_tries_many_names_waits_but_a_user_known_there_does_not(door: Door) -> None:
    door.succeeds("ada", HOME)
    for number in range(ADDRESS.free):
        assert door.fails(f"name-{number}", HOME) == 0
    assert door.fails("another", HOME) == 1
    assert door.succeeds("ada", HOME) == 0


def test_success_forgets_failures_from_here_and_only_from_here(door: Door) -> None:
    for _ in range(4):
        door.fails("ada", HOME)
        door.fails("ada", ELSEWHERE)
    assert door.succeeds("ada", HOME) == 0
    assert door.fails("ada", HOME) == 0
    assert door.waits("ada", HOME) == 0
    door.fails("ada", ELSEWHERE)
    assert door.waits("ada", ELSEWHERE) == 1


def test_a_success_without_failures_from_a_known_address_is_no_news_for_a_day(door: Door, clock: Clock) -> None:
    door.succeeds("ada", HOME)
    before = door.records()
    clock.advance(hours=23)
    door.succeeds("ada", HOME)
    assert door.records() == before
    clock.advance(hours=2)
    door.succeeds("ada", HOME)
    assert door.records() != before


def test_nothing_that_was_typed_is_kept(door: Door) -> None:
    door.fails("hunter2-typed-as-name", ELSEWHERE)
    assert "hunter2" not in repr(door.records())


def test_sweeping_leaves_what_still_counts(door: Door, clock: Clock) -> None:
    door.succeeds("ada", HOME)
    door.fails("eve", ELSEWHERE)
    door.store.run_write(throttle.sweep_sign_in_records)
    assert len(door.records()) == 4
    clock.advance(minutes=13)
    door.store.run_write(throttle.sweep_sign_in_records)
    assert [record.place for record in door.records()] == [HOME]
    clock.advance(days=91)
    door.store.run_write(throttle.sweep_sign_in_records)
    assert door.records() == []


def test_administrators_see_and_forgive_failures(door: Door, store: SqlStore, admin: Actor) -> None:
    ada = store.run_write(add_user, NewUser("ada", "ada@x.io", None))
    door.succeeds("ada", HOME)
    for name in ("ada", "ada@x.io", "nobody"):
        for _ in range(5):
            door.fails(name, ELSEWHERE)
    (seen,) = store.run_read(all_failed_sign_ins, admin)
    assert seen == store.run_read(failed_sign_ins, admin, ada.id)
    assert (seen.user, seen.failures, seen.last_from) == (ada, 10, ELSEWHERE)
    store.run_write(forgive_user, admin, ada.id)
    assert store.run_read(failed_sign_ins, admin, ada.id).failures == 0
    assert door.waits("ada", ELSEWHERE) == 0
    assert door.waits("nobody", ELSEWHERE) == 1
    assert any(record.signed_in_at for record in door.records())
    store.run_write(forgive_everybody, admin)
    assert door.waits("nobody", ELSEWHERE) == 0


def test_only_administrators_see_failures(store: SqlStore, admin: Actor) -> None:
    bob = store.run_write(add_user, NewUser("bob", None, None))
    actor = store.run_read(load_actor, bob.id, None)
    for use_case in (all_failed_sign_ins, forgive_everybody):
        with pytest.raises(DomainError) as caught:
            store.run_write(use_case, actor)
        assert caught.value.kind is ErrorKind.FORBIDDEN


def test_a_new_password_ends_the_waiting(door: Door, store: SqlStore, admin: Actor) -> None:
    ada = store.run_write(add_user, NewUser("ada", None, "old"))
    for _ in range(5):
        door.fails("ada", ELSEWHERE)
    store.run_write(set_password, admin, ada.id, "new")
    assert door.waits("ada", ELSEWHERE) == 0
