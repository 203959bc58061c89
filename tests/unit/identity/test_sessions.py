"""Refresh tokens rotate, forgive the immediate predecessor for a while, and end their family when one is stolen."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from clock import Clock
from modelyard.core.identity.clients import FirstAccounts, ensure_accounts
from modelyard.core.identity.entities import Session
from modelyard.core.identity.sessions import Lifetimes, SignIn, open_session, refresh_session, sweep_sessions
from modelyard.core.identity.users import NewUser, Profile, add_user, change_user, find_by_login, load_actor
from modelyard.storage.store import SqlStore

LIFE = Lifetimes(access=60, refresh=1000, offline=100_000, grace=30)


@pytest.fixture
def user_id(store: SqlStore) -> str:
    store.run_write(ensure_accounts, FirstAccounts("admin", "a@x.io", "hash", "hash"))
    return store.run_write(add_user, NewUser("bob", None, None)).id


def begin(store: SqlStore, user_id: str, scope: str = "profile", *, rotates: bool = True) -> Session:
    return store.run_write(open_session, SignIn(user_id, "sdk-client", "master", scope, rotates), LIFE)


def refresh(store: SqlStore, session: Session, generation: int, client: str = "sdk-client") -> int | None:
    found = store.run_write(refresh_session, session.id, generation, client, LIFE)
    return found.generation if found else None


def test_each_refresh_gives_the_next_generation(store: SqlStore, user_id: str) -> None:
    session = begin(store, user_id)
    assert [refresh(store, session, n) for n in (1, 2, 3)] == [2, 3, 4]


def test_the_predecessor_gives_the_same_successor_within_the_grace(store: SqlStore, user_id: str, clock: Clock) -> None:
    session = begin(store, user_id)
    assert refresh(store, session, 1) == 2
    clock.advance(seconds=29)
    assert [refresh(store, session, 1) for _ in range(3)] == [2, 2, 2]
    assert refresh(store, session, 2) == 3


def test_the_predecessor_ends_the_family_after_the_grace(store: SqlStore, user_id: str, clock: Clock) -> None:
    session = begin(store, user_id)
    refresh(store, session, 1)
    clock.advance(seconds=31)
    assert refresh(store, session, 1) is None
    assert refresh(store, session, 2) is None


def test_an_older_generation_ends_the_family_at_once(store: SqlStore, user_id: str) -> None:
    session = begin(store, user_id)
    refresh(store, session, 1)
    refresh(store, session, 2)
    assert refresh(store, session, 1) is None
    assert refresh(store, session, 3) is None


def test_a_refresh_token_is_bound_to_its_client(store: SqlStore, user_id: str) -> None:
    session = begin(store, user_id)
    assert refresh(store, session, 1, "sd-api") is None
    assert refresh(store, session, 1) == 2


def test_sessions_end(store: SqlStore, user_id: str, clock: Clock) -> None:
    session = begin(store, user_id)
    clock.advance(seconds=1001)
    assert refresh(store, session, 1) is None


def test_disabling_the_user_ends_the_session(store: SqlStore, user_id: str) -> None:
    session = begin(store, user_id)
    root = store.run_read(find_by_login, "admin")
    assert root is not None
    admin = store.run_read(load_actor, root.id, None)
    store.run_write(change_user, admin, user_id, Profile(enabled=False))
    assert refresh(store, session, 1) is None


def test_offline_sessions_of_confidential_clients_do_not_rotate(store: SqlStore, user_id: str, clock: Clock) -> None:
    session = begin(store, user_id, "profile offline_access", rotates=False)
    clock.advance(seconds=90_000)
    assert [refresh(store, session, 1) for _ in range(3)] == [1, 1, 1]
    clock.advance(seconds=20_000)
    assert refresh(store, session, 1) is None


def test_sweeping_removes_what_ended_and_nothing_else(store: SqlStore, user_id: str, clock: Clock) -> None:
    old = begin(store, user_id)
    clock.advance(days=2)
    live = begin(store, user_id)
    assert store.run_write(sweep_sessions) == 1
    assert store.run_read(lambda tx: tx.get(Session, old.id)) is None
    assert refresh(store, live, 1) == 2


class Family(RuleBasedStateMachine):
    """Against a model: the current generation, when it came, and whether the family lives."""

    store: SqlStore
    clock: Clock
    user_id: str

    def __init__(self) -> None:
        super().__init__()
        self.session = begin(self.store, self.user_id)
        self.current, self.rotated, self.alive = 1, self.clock.now, True
        self.ends = self.clock.now.timestamp() + LIFE.refresh

    @rule(back=st.integers(0, 3))
    def present(self, back: int) -> None:
        generation = self.current - back
        in_grace = (self.clock.now - self.rotated).total_seconds() <= LIFE.grace
        live = self.alive and self.ends > self.clock.now.timestamp()
        answer = refresh(self.store, self.session, generation)
        if live and back == 0:
            self.current, self.rotated = self.current + 1, self.clock.now
            self.ends = self.clock.now.timestamp() + LIFE.refresh
            assert answer == self.current
        elif live and back == 1 and in_grace:
            assert answer == self.current
        else:
            assert answer is None
            self.alive = False

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @invariant()
    def one_family(self) -> None:
        stored = self.store.run_read(lambda tx: tx.get(Session, self.session.id))
        assert stored is not None
        assert stored.generation == self.current


def test_any_order_of_presenting_and_waiting_follows_the_rules(store: SqlStore, user_id: str, clock: Clock) -> None:
    machine = type("BoundFamily", (Family,), {"store": store, "clock": clock, "user_id": user_id})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=12, deadline=None))
