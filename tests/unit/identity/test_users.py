"""Users: names, passwords, and who may change whom."""

import unicodedata

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.identity.users import (
    NewUser,
    Profile,
    add_user,
    change_user,
    check_password,
    find_by_login,
    find_user,
    find_users,
    invite_user,
    load_actor,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore


def actor(store: SqlStore, name: str, role: Role) -> Actor:
    user = store.run_write(add_user, NewUser(name, f"{name}@x.io", None, (role,)))
    return store.run_read(load_actor, user.id, None)


@pytest.fixture
def admin(store: SqlStore) -> Actor:
    return actor(store, "root", Role.ADMIN)


def test_username_and_email_both_sign_in_whatever_their_case(store: SqlStore, admin: Actor) -> None:
    made = store.run_write(invite_user, admin, NewUser("Mary.Jane", "MJ@Example.com", None))
    for login in ("mary.jane", "MARY.JANE", " mj@example.com "):
        assert store.run_read(find_by_login, login) == made


@pytest.mark.parametrize("taken", ["root", "ROOT@x.io"])
def test_a_name_is_taken_by_a_username_or_an_email(store: SqlStore, admin: Actor, taken: str) -> None:
    with pytest.raises(DomainError, match="already exists") as caught:
        store.run_write(invite_user, admin, NewUser(taken, None, None))
    assert caught.value.kind is ErrorKind.CONFLICT


@pytest.mark.parametrize("name", ["", " ", "a b", "a\x00b", "a\nb", "x" * 256])
def test_names_must_be_printable_words(store: SqlStore, admin: Actor, name: str) -> None:
    with pytest.raises(DomainError) as caught:
        store.run_write(invite_user, admin, NewUser(name, None, None))
    assert caught.value.kind is ErrorKind.INVALID


def test_only_administrators_invite(store: SqlStore) -> None:
    plain = actor(store, "bob", Role.USER)
    with pytest.raises(DomainError) as caught:
        store.run_write(invite_user, plain, NewUser("eve", None, None))
    assert caught.value.kind is ErrorKind.FORBIDDEN
    assert store.run_read(find_by_login, "eve") is None


def test_nobody_disables_or_demotes_himself(store: SqlStore, admin: Actor) -> None:
    for profile in (Profile(enabled=False), Profile(admin=False)):
        with pytest.raises(DomainError) as caught:
            store.run_write(change_user, admin, admin.user_id, profile)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert store.run_read(load_actor, admin.user_id, None).platform_roles == {Role.ADMIN}


def test_the_last_administrator_stays(store: SqlStore, admin: Actor) -> None:
    second = actor(store, "second", Role.ADMIN)
    store.run_write(change_user, second, admin.user_id, Profile(admin=False))
    third = actor(store, "third", Role.ADMIN)
    store.run_write(change_user, third, second.user_id, Profile(enabled=False))
    with pytest.raises(DomainError, match=r"yourself|last administrator"):
        store.run_write(change_user, third, third.user_id, Profile(enabled=False))


def test_a_disabled_user_is_nobody(store: SqlStore, admin: Actor) -> None:
    bob = actor(store, "bob", Role.USER)
    store.run_write(change_user, admin, bob.user_id, Profile(enabled=False))
    with pytest.raises(DomainError) as caught:
        store.run_read(load_actor, bob.user_id, None)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED


def test_an_exact_match_comes_first(store: SqlStore, admin: Actor) -> None:
    for name in ("aa-bob", "bob"):
        actor(store, name, Role.USER)
    found = store.run_read(find_users, admin, email="bob@x.io")
    assert [user.username for user in found] == ["bob", "aa-bob"]


def test_service_accounts_show_to_administrators_only(store: SqlStore, admin: Actor) -> None:
    store.run_write(add_user, NewUser("robot", None, None, service=True))
    bob = actor(store, "bob", Role.USER)
    assert "robot" in {user.username for user in store.run_read(find_users, admin)}
    assert "robot" not in {user.username for user in store.run_read(find_users, bob)}


@pytest.mark.parametrize(
    "password", ["", "short", "password123", "PASSWORD123", "mary@x.io", "nul\0inside-it", "x" * 1025]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_password(password, "mary", "mary@x.io")
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("password", ["correct horse", "Snugglebunnies", "pass\u0301word-nfd", "y" * 1000])
def test_good_passwords_are_taken_in_their_normal_form(password: str) -> None:
    assert check_password(password, "mary", "mary@x.io") == unicodedata.normalize("NFC", password)


def test_nobody_is_found_by_the_id_of_another_whatever_their_name(store: SqlStore) -> None:
    ada = store.run_write(add_user, NewUser("ada", None, None))
    store.run_write(add_user, NewUser(ada.id, None, None))
    assert store.run_read(find_user, ada.id) == ada
    assert store.run_read(find_user, "ADA") == ada
