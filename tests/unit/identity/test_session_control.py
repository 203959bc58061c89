"""What administrators see of sessions, and that ended ones give nothing any more."""

from typing import Any

import pytest

from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.identity.browser_sessions import begin_browser_session, find_browser_session
from modelyard.core.identity.client_registry import ClientChange, register_client
from modelyard.core.identity.device_grants import (
    DeviceRequest,
    DeviceState,
    Poll,
    begin_device_grant,
    decide,
    poll_device_grant,
)
from modelyard.core.identity.entities import Session
from modelyard.core.identity.session_control import (
    count_sessions,
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


def entries(store: SqlStore, action: str) -> list[AuditEntry]:
    return store.run_read(lambda tx: tx.find(AuditEntry, action=action))


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
    [entry] = entries(store, "session.revoke")
    assert (entry.actor_name, entry.object_type, entry.object_id) == ("root", "user", ann.user_id)
    assert entry.details == {"username": "ann", "sessions": 2, "browsers": 0}
    assert [refreshes(store, each) for each in [*mine, others]] == [False, False, True]


def test_signing_a_user_out_ends_their_browsers_and_what_they_allowed_devices(
    store: SqlStore, root: Actor, ann: Actor
) -> None:
    browsers = [
        store.run_write(begin_browser_session, who.user_id, f"cookie of {who.username}", LIFETIMES)
        for who in (ann, root)
    ]
    for browser in browsers:
        device = f"device of {browser.user_id}"
        store.run_write(begin_device_grant, DeviceRequest(device, browser.user_id[:8], "app", "master", "profile"))
        store.run_write(decide, device, browser, DeviceState.APPROVED)
    store.run_write(end_sessions_of_user, root, ann.user_id)
    seen = [store.run_read(find_browser_session, f"cookie of {name}", LIFETIMES) for name in ("ann", "root")]
    assert [found is None for found in seen] == [True, False]
    polls = [
        store.run_write(
            lambda tx, d=f"device of {who.user_id}": poll_device_grant(tx, d, "app", LIFETIMES, confidential=False)
        )
        for who in (ann, root)
    ]
    assert (polls[0], isinstance(polls[1], Session)) == (Poll.UNKNOWN, True)
    [entry] = entries(store, "session.revoke")
    assert (entry.object_id, entry.details) == (ann.user_id, {"username": "ann", "sessions": 0, "browsers": 1})


def test_ending_a_session_signs_out_the_browser_it_began_in(store: SqlStore, root: Actor, ann: Actor) -> None:
    browser = store.run_write(begin_browser_session, ann.user_id, "cookie", LIFETIMES)
    first, second = (
        store.run_write(open_session, SignIn(ann.user_id, name, "master", "profile", True, None, browser.id), LIFETIMES)
        for name in ("app", "other")
    )
    store.run_write(end_session, root, first.id)
    assert store.run_read(find_browser_session, "cookie", LIFETIMES) is None
    assert not refreshes(store, second)


def test_one_session_ends_once(store: SqlStore, root: Actor, ann: Actor) -> None:
    session = signed_in(store, ann)
    store.run_write(end_session, root, session.id)
    assert not refreshes(store, session)
    for gone in (session.id, "never-was"):
        with pytest.raises(DomainError) as caught:
            store.run_write(end_session, root, gone)
        assert caught.value.kind is ErrorKind.NOT_FOUND
    assert [entry.object_id for entry in entries(store, "session.revoke")] == [session.id]


def test_only_administrators_see_and_end_sessions(store: SqlStore, root: Actor, ann: Actor) -> None:
    session = signed_in(store, root)
    for use_case, *args in (
        (sessions_of_user, ann.user_id),
        (offline_sessions_of_user, ann.user_id),
        (sessions_of_client, "app"),
        (count_sessions,),
        (end_sessions_of_user, root.user_id),
        (end_session, session.id),
    ):
        with pytest.raises(DomainError) as caught:
            store.run_write(use_case, ann, *args)
        assert caught.value.kind is ErrorKind.FORBIDDEN
    assert refreshes(store, session)
