"""Users of external issuers: who is let in, as whom, and as what."""

from dataclasses import replace

import pytest

from audit_chain import entries
from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import ExternalIdentity, User
from modelyard.core.identity.external import Admission, ExternalPerson, admit
from modelyard.core.identity.groups import GroupKind, add_to_group, create_group
from modelyard.core.identity.users import (
    NewUser,
    Profile,
    add_user,
    change_user,
    delete_user,
    load_actor,
    platform_roles,
)
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic
from modelyard.storage.store import SqlStore

ALICE = ExternalPerson("https://a.example", "1", ("alice",), "alice@corp.example", "Alice", "Liddell", frozenset())
ADMINS = Admission(admin_groups=frozenset({"admins"}))
LINKING = Admission(link_verified_email=True)


@pytest.fixture(autouse=True)
def root(store: SqlStore) -> User:
    """The local administrator of the first start."""
    return store.run_write(add_user, NewUser("admin", "admin@localhost", "hash", (Role.ADMIN,)))


def enter(store: SqlStore, person: ExternalPerson = ALICE, admission: Admission | None = None) -> User:
    return store.run_write(admit, person, admission or Admission())


def refused(store: SqlStore, person: ExternalPerson, admission: Admission | None = None) -> str:
    before = store.run_read(lambda tx: tx.find(User))
    with pytest.raises(DomainError) as caught:
        enter(store, person, admission)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert store.run_read(lambda tx: tx.find(User)) == before
    return caught.value.message


def roles(store: SqlStore, user: User) -> set[str]:
    return set(store.run_read(platform_roles, user.id))


def change(store: SqlStore, root: User, user: User, profile: Profile) -> None:
    store.run_write(change_user, store.run_read(load_actor, root.id, None), user.id, profile)


def test_the_first_token_makes_the_user_and_later_ones_find_it(store: SqlStore) -> None:
    made = enter(store)
    assert (made.username, made.email, made.first_name, made.last_name) == (
        "alice", "alice@corp.example", "Alice", "Liddell",
    )  # fmt: skip
    assert roles(store, made) == {Role.USER}
    assert enter(store, replace(ALICE, usernames=("other",), verified_email=None)) == made


def test_the_same_subject_of_another_issuer_is_somebody_else(store: SqlStore) -> None:
    first, second = enter(store), enter(store, replace(ALICE, issuer="https://b.example"))
    assert first.id != second.id
    assert second.username.startswith("alice-")
    assert second.email is None


def test_a_taken_name_gets_a_suffix_that_does_not_depend_on_the_order(store: SqlStore) -> None:
    store.run_write(add_user, NewUser("alice", None, "hash"))
    made = enter(store)
    assert made.username.startswith("alice-")
    assert len(made.username) == len("alice-") + 8
    assert enter(store) == made


def test_an_address_is_no_way_into_an_account_unless_that_was_allowed(store: SqlStore) -> None:
    local = store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    made = enter(store)
    assert made.id != local.id
    assert made.email is None


def test_a_name_that_is_the_address_of_another_account_does_not_answer_to_it(store: SqlStore) -> None:
    store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    made = enter(store, replace(ALICE, usernames=("alice@corp.example",), verified_email=None))
    assert made.username.startswith("alice@corp.example-")


def test_a_verified_address_opens_the_account_where_that_was_allowed(store: SqlStore) -> None:
    local = store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    assert enter(store, ALICE, LINKING).id == local.id
    assert enter(store, replace(ALICE, verified_email=None), LINKING).id == local.id


def test_an_address_that_was_not_verified_opens_nothing_even_then(store: SqlStore) -> None:
    local = store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    unverified = replace(ALICE, usernames=("alice@corp.example",), verified_email=None)
    assert enter(store, unverified, LINKING).id != local.id


def test_two_people_of_one_issuer_never_share_an_account(store: SqlStore) -> None:
    local = store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    assert enter(store, ALICE, LINKING).id == local.id
    assert enter(store, replace(ALICE, subject="2"), LINKING).id != local.id


def test_the_account_of_a_client_is_nobodys(store: SqlStore) -> None:
    service = store.run_write(add_user, NewUser("robot", "alice@corp.example", None, service=True))
    assert enter(store, ALICE, LINKING).id != service.id
    pretender = enter(store, replace(ALICE, subject="2", usernames=("service-account-next",)))
    assert pretender.username != "service-account-next"


def test_users_are_not_made_where_that_was_not_wanted(store: SqlStore) -> None:
    assert "not known here" in refused(store, ALICE, Admission(create_users=False))
    store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    assert enter(store, ALICE, Admission(create_users=False, link_verified_email=True)).username == "liddell"


def test_who_is_disabled_stays_out(store: SqlStore, root: User) -> None:
    made = enter(store)
    change(store, root, made, Profile(enabled=False))
    assert "disabled" in refused(store, replace(ALICE, groups=frozenset({"admins"})), ADMINS)
    assert roles(store, made) == {Role.USER}


def test_who_was_deleted_comes_in_as_somebody_new(store: SqlStore, root: User) -> None:
    made = enter(store)
    store.run_write(delete_user, store.run_read(load_actor, root.id, None), made.id)
    assert store.run_read(lambda tx: tx.find(ExternalIdentity)) == []
    assert enter(store).id != made.id


def test_a_disabled_account_is_not_linked_and_not_replaced(store: SqlStore, root: User) -> None:
    local = store.run_write(add_user, NewUser("liddell", "alice@corp.example", "hash"))
    change(store, root, local, Profile(enabled=False))
    assert "disabled" in refused(store, ALICE, LINKING)
    assert store.run_read(lambda tx: tx.find(ExternalIdentity)) == []


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (("Alice Liddell", "a@b.c", "sub"), "a@b.c"),
        (("ÄLICE",), "älice"),
        (("", "x" * 300, "sub"), "sub"),
    ],
)
def test_the_first_usable_name_is_taken(store: SqlStore, wishes: tuple[str, ...], expected: str) -> None:
    assert enter(store, replace(ALICE, usernames=wishes)).username == expected


def test_without_a_usable_name_one_is_made_up(store: SqlStore) -> None:
    assert enter(store, replace(ALICE, usernames=("a b", "\n"))).username.startswith("user-")


def test_administrators_follow_their_group(store: SqlStore) -> None:
    boss = replace(ALICE, groups=frozenset({"admins", "staff"}))
    before = store.generations()[Topic.ACCESS]
    made = enter(store, boss, ADMINS)
    assert roles(store, made) == {Role.ADMIN}
    enter(store, ALICE, ADMINS)
    assert roles(store, made) == {Role.USER}
    enter(store, boss, ADMINS)
    assert roles(store, made) == {Role.ADMIN}
    after = store.generations()[Topic.ACCESS]
    enter(store, boss, ADMINS)
    assert before < after == store.generations()[Topic.ACCESS]


def test_without_admin_groups_roles_are_what_was_decided_here(store: SqlStore, root: User) -> None:
    made = enter(store)
    change(store, root, made, Profile(admin=True))
    enter(store, replace(ALICE, groups=frozenset({"admins"})))
    assert roles(store, made) == {Role.ADMIN}


def test_a_role_below_administrator_is_left_alone(store: SqlStore) -> None:
    linked = store.run_write(add_user, NewUser("robot", "alice@corp.example", None, (Role.INFERENCE,)))
    enter(store, ALICE, replace(ADMINS, link_verified_email=True))
    assert roles(store, linked) == {Role.INFERENCE}


def test_the_last_administrator_with_a_password_stays(store: SqlStore, root: User) -> None:
    linking = replace(ADMINS, link_verified_email=True)
    owner = replace(ALICE, subject="owner", verified_email="admin@localhost")
    enter(store, replace(ALICE, groups=frozenset({"admins"})), ADMINS)  # an administrator only as long as the issuer is
    assert enter(store, owner, linking).id == root.id
    assert roles(store, root) == {Role.ADMIN}
    store.run_write(add_user, NewUser("second", None, "hash", (Role.ADMIN,)))
    enter(store, owner, linking)
    assert roles(store, root) == {Role.USER}


def test_the_last_administrator_of_all_stays(store: SqlStore, root: User) -> None:
    boss = enter(store, replace(ALICE, groups=frozenset({"admins"})), ADMINS)
    change(store, boss, root, Profile(enabled=False))
    enter(store, ALICE, ADMINS)
    assert roles(store, boss) == {Role.ADMIN}


def test_when_somebody_was_seen_is_kept_to_the_hour(store: SqlStore, clock: Clock) -> None:
    made = enter(store)
    begun = clock.now
    clock.advance(minutes=59)
    enter(store)
    assert store.run_read(lambda tx: tx.find(ExternalIdentity))[0].last_seen_at == begun
    clock.advance(minutes=1)
    enter(store)
    (identity,) = store.run_read(lambda tx: tx.find(ExternalIdentity))
    assert (identity.created_at, identity.last_seen_at, identity.user_id) == (begun, clock.now, made.id)


def recorded(store: SqlStore, person: ExternalPerson, admission: Admission | None = None) -> list[tuple[str, str]]:
    """The actions and things of the entries that a token of the person leaves."""
    known = len(entries(store))
    user = enter(store, person, admission)
    new = entries(store)[known:]
    assert {(entry.actor_id, entry.actor_name) for entry in new} <= {(user.id, user.username)}
    return [(entry.action, entry.object_type) for entry in new]


def test_who_comes_from_an_issuer_is_recorded_when_made_and_once_an_hour(store: SqlStore, clock: Clock) -> None:
    assert recorded(store, ALICE) == [("user.invite", "user"), ("session.login", "user")]
    assert entries(store)[-1].details == {"issuer": ALICE.issuer, "subject": ALICE.subject}
    clock.advance(minutes=59)
    assert recorded(store, ALICE) == []
    clock.advance(minutes=1)
    assert recorded(store, ALICE) == [("session.login", "user")]
    assert recorded(store, ALICE) == []


def test_an_account_that_an_issuer_is_let_into_is_recorded(store: SqlStore) -> None:
    store.run_write(add_user, NewUser("al", "alice@corp.example", None))
    assert recorded(store, ALICE, LINKING) == [("user.link", "user"), ("session.login", "user")]


def test_groups_and_roles_that_an_issuer_gives_and_takes_are_recorded(store: SqlStore, root: User) -> None:
    enter(store)
    staff = replace(ALICE, groups=frozenset({"admins", "staff"}))
    made, given = [("group.create", "group")] * 2, [("group.join", "user")]
    assert recorded(store, staff, ADMINS) == [("user.role", "user"), *made, *given]
    assert entries(store)[-1].details == {"issuer": ALICE.issuer, "groups": ["admins", "staff"]}
    assert recorded(store, staff, ADMINS) == []
    assert recorded(store, ALICE, ADMINS) == [("user.role", "user"), ("group.leave", "user")]
    assert recorded(store, replace(ALICE, groups=frozenset({"staff"}))) == given


def test_a_group_that_somebody_else_put_the_user_in_changes_nothing(store: SqlStore, root: User) -> None:
    alice, actor = enter(store), store.run_read(load_actor, root.id, None)
    group = store.run_write(create_group, actor, GroupKind.GROUP, "staff")
    store.run_write(add_to_group, actor, GroupKind.GROUP, group.id, alice.id)
    before = store.generations()[Topic.ACCESS]
    for _ in range(2):
        assert recorded(store, replace(ALICE, groups=frozenset({"staff"}))) == []
    assert store.generations()[Topic.ACCESS] == before
