"""What administrators see of sessions, and that ended ones give nothing any more."""

from typing import Any

import pytest

from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.identity.client_registry import ClientChange, register_client
from modelyard.core.identity.entities import Session
from modelyard.core.identity.session_control import (
    count_sessions,
    end_offline_sessions,
    end_session,
    end_sessions_of_user,
    offline_sessions_of_user,
    sessions_of_client,
    sessions_of_user,
)
from modelyard.core.identity.sessions import Lifetimes, SignIn, open_session, refresh_session
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore

LIFETIMES = Lifetimes(refresh=1000, offline=5000)


@pytest.fixture
def root(store: SqlStore) -> Actor:
    user = store.run_write(add_user, NewUser("root", None, None, (Role.ADMIN,)))
    root = store.run_read(load_actor, user.id, None)
    for name in ("app", "other"):
        store.run_write(register_client, root, name, ClientChange([], public=True))
    return root


@pytest.fixture
def ann(store: SqlStore) -> Actor:
    user = store.run_write(add_user, NewUser("ann", None, None))
    return store.run_read(load_actor, user.id, None)


def signed_in(store: SqlStore, who: Actor, client: str = "app", scope: str = "profile") -> Session:
    return store.run_write(open_session, SignIn(who.user_id, client, "master", scope, rotates=True), LIFETIMES)


def refreshes(store: SqlStore, session: Session) -> bool:
    args = (session.id, session.generation, session.client_id, LIFETIMES)
    return store.run_write(refresh_session, *args) is not None


def ids(found: list[Any]) -> set[str]:
    return {each.session.id for each in found}


def test_sessions_are_told_apart_by_kind_user_and_client(
    store: SqlStore, clock: Clock, root: Actor, ann: Actor
) -> None:
    plain, other = signed_in(store, ann), signed_in(store, ann, "other")
    offline, of_root = signed_in(store, ann, scope="openid offline_access"), signed_in(store, root)
    assert ids(store.run_read(sessions_of_user, root, ann.user_id)) == {plain.id, other.id}
    assert ids(store.run_read(offline_sessions_of_user, root, ann.user_id)) == {offline.id}
    assert store.run_read(offline_sessions_of_user, root, ann.user_id, "other") == []
    assert ids(store.run_read(sessions_of_client, root, "app")) == {plain.id, of_root.id}
    assert ids(store.run_read(sessions_of_client, root, "app", offline=True)) == {offline.id}
    counts = store.run_read(count_sessions, root)
    assert [(each.client_id, each.active, each.offline) for each in counts] == [("app", 2, 1), ("other", 1, 0)]
    clock.advance(seconds=1001)
    assert store.run_read(sessions_of_user, root, ann.user_id) == []
    assert [(each.active, each.offline) for each in store.run_read(count_sessions, root)] == [(0, 1)]


def test_all_sessions_of_a_user_end_together_and_those_of_others_go_on(
    store: SqlStore, root: Actor, ann: Actor
) -> None:
    mine = [signed_in(store, ann), signed_in(store, ann, "other", "offline_access")]
    others = signed_in(store, root)
    assert store.run_write(end_sessions_of_user, root, ann.user_id) == 2
    assert store.run_write(end_sessions_of_user, root, ann.user_id) == 0
    assert [refreshes(store, each) for each in [*mine, others]] == [False, False, True]


def test_offline_sessions_of_one_client_end_alone(store: SqlStore, root: Actor, ann: Actor) -> None:
    plain, offline = signed_in(store, ann), signed_in(store, ann, scope="offline_access")
    elsewhere = signed_in(store, ann, "other", "offline_access")
    assert store.run_write(end_offline_sessions, root, ann.user_id, "app") == 1
    assert [refreshes(store, each) for each in (plain, offline, elsewhere)] == [True, False, True]


def test_one_session_ends_once(store: SqlStore, root: Actor, ann: Actor) -> None:
    session = signed_in(store, ann)
    store.run_write(end_session, root, session.id)
    assert not refreshes(store, session)
    for gone in (session.id, "never-was"):
        with pytest.raises(DomainError) as caught:
            store.run_write(end_session, root, gone)
        assert caught.value.kind is ErrorKind.NOT_FOUND


def test_only_administrators_see_and_end_sessions(store: SqlStore, root: Actor, ann: Actor) -> None:
    session = signed_in(store, root)
    for use_case, *args in (
        (sessions_of_user, ann.user_id),
        (offline_sessions_of_user, ann.user_id),
        (sessions_of_client, "app"),
        (count_sessions,),
        (end_sessions_of_user, root.user_id),
        (end_offline_sessions, root.user_id, "app"),
        (end_session, session.id),
    ):
        with pytest.raises(DomainError) as caught:
            store.run_write(use_case, ann, *args)
        assert caught.value.kind is ErrorKind.FORBIDDEN
    assert refreshes(store, session)
