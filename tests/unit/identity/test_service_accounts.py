"""Service accounts: made by administrators, managed by their owners, gone without a trace."""

from typing import Any

import pytest

from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import add_member, create_workspace
from modelyard.core.identity.access_tokens import NewToken, create_token, find_token, list_tokens, revoke_token
from modelyard.core.identity.clients import FirstAccounts, ensure_accounts
from modelyard.core.identity.entities import AccessToken, OAuthClient, ServiceAccount, User
from modelyard.core.identity.service_accounts import (
    NewServiceAccount,
    create_service_account,
    delete_service_account,
    get_service_account,
    list_service_accounts,
    managed_account,
)
from modelyard.core.identity.users import NewUser, Profile, add_user, change_user, find_users, load_actor
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore


def actor(store: SqlStore, name: str, role: Role = Role.USER) -> Actor:
    user = store.run_write(add_user, NewUser(name, f"{name}@x.io", None, (role,)))
    return store.run_read(load_actor, user.id, None)


@pytest.fixture
def root(store: SqlStore) -> Actor:
    return actor(store, "root", Role.ADMIN)


def kind_of(store: SqlStore, use_case: Any, *args: Any) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        store.run_write(use_case, *args)
    return caught.value.kind


def test_an_account_says_who_answers_for_it(store: SqlStore, root: Actor) -> None:
    actor(store, "ada")
    new = NewServiceAccount("scorer", "nightly", "ada@x.io", Role.INFERENCE, "hash")
    made = store.run_write(create_service_account, root, new)
    assert (made.user.username, made.user.service, made.owner, made.role) == ("scorer", True, "ada", "INFERENCE")
    assert (made.account.description, made.client_id) == ("nightly", "scorer")
    assert store.run_read(get_service_account, root, "scorer") == made
    assert store.run_read(list_service_accounts, root) == [made]


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (NewServiceAccount("Scorer"), ErrorKind.INVALID),
        (NewServiceAccount("a b"), ErrorKind.INVALID),
        (NewServiceAccount(""), ErrorKind.INVALID),
        (NewServiceAccount("x" * 64), ErrorKind.INVALID),
        (NewServiceAccount("scorer", "x" * 1001), ErrorKind.INVALID),
        (NewServiceAccount("scorer", role="OWNER"), ErrorKind.INVALID),
        (NewServiceAccount("scorer", owner="nobody"), ErrorKind.NOT_FOUND),
        (NewServiceAccount("root"), ErrorKind.CONFLICT),
        (NewServiceAccount("sdk-client", client_secret_hash="hash"), ErrorKind.CONFLICT),
    ],
)
def test_what_makes_no_account(store: SqlStore, root: Actor, new: NewServiceAccount, kind: ErrorKind) -> None:
    store.run_write(ensure_accounts, FirstAccounts("admin", "admin@x.io", "hash", "hash"))
    before = store.run_read(lambda tx: tx.find(User))
    assert kind_of(store, create_service_account, root, new) is kind
    assert store.run_read(lambda tx: tx.find(User)) == before


def test_only_administrators_make_list_and_delete_accounts(store: SqlStore, root: Actor) -> None:
    ada = actor(store, "ada")
    store.run_write(create_service_account, root, NewServiceAccount("scorer", owner="ada"))
    assert kind_of(store, create_service_account, ada, NewServiceAccount("mine")) is ErrorKind.FORBIDDEN
    assert kind_of(store, list_service_accounts, ada) is ErrorKind.FORBIDDEN
    assert kind_of(store, delete_service_account, ada, "scorer") is ErrorKind.FORBIDDEN


def test_owners_and_administrators_manage_the_tokens_of_an_account(store: SqlStore, root: Actor) -> None:
    ada, eve = actor(store, "ada"), actor(store, "eve")
    store.run_write(create_service_account, root, NewServiceAccount("scorer", owner="ada"))
    for number, manager in enumerate((ada, root)):
        account = store.run_read(managed_account, manager, "scorer")
        token = store.run_write(create_token, manager, account, NewToken(f"t{number}", ("all",), None, f"h{number}"))
        assert token in store.run_read(list_tokens, manager, account)
        assert (token.user_id, token.created_by) == (account, manager.user_id)
        assert kind_of(store, revoke_token, eve, token.id) is ErrorKind.NOT_FOUND
        store.run_write(revoke_token, ada, token.id)
    assert kind_of(store, managed_account, eve, "scorer") is ErrorKind.NOT_FOUND
    assert kind_of(store, managed_account, ada, "eve") is ErrorKind.NOT_FOUND


def test_deleting_removes_every_way_in(store: SqlStore, root: Actor) -> None:
    new = NewServiceAccount("scorer", client_secret_hash="hash")
    account = store.run_write(create_service_account, root, new).user.id
    store.run_write(create_token, root, account, NewToken("t", ("all",), None, "secret"))
    space = store.run_write(create_workspace, root, "space")
    store.run_write(add_member, root, space.id, "scorer", "READER")
    store.run_write(delete_service_account, root, "scorer")
    assert store.run_read(find_token, "secret") is None
    assert store.run_read(lambda tx: tx.find(Grant, subject_id=account)) == []
    for kind in (AccessToken, OAuthClient, ServiceAccount):
        assert store.run_read(lambda tx, kind=kind: tx.find(kind)) == []
    assert kind_of(store, get_service_account, root, "scorer") is ErrorKind.NOT_FOUND
    assert store.run_write(create_service_account, root, new).user.id != account


def test_the_last_owner_of_a_workspace_is_not_deleted(store: SqlStore, root: Actor) -> None:
    account = store.run_write(create_service_account, root, NewServiceAccount("scorer")).user.id
    store.run_write(create_workspace, store.run_read(load_actor, account, None), "space")
    assert kind_of(store, delete_service_account, root, "scorer") is ErrorKind.FAILED_PRECONDITION


def test_what_came_with_the_server_and_people_are_not_deleted_here(store: SqlStore, root: Actor) -> None:
    store.run_write(ensure_accounts, FirstAccounts("admin", "admin@x.io", "hash", "hash"))
    assert kind_of(store, delete_service_account, root, "service-account-api-client") is ErrorKind.FAILED_PRECONDITION
    assert kind_of(store, delete_service_account, root, "root") is ErrorKind.NOT_FOUND


def test_a_disabled_account_is_nobody_even_with_a_token(store: SqlStore, root: Actor) -> None:
    account = store.run_write(create_service_account, root, NewServiceAccount("scorer")).user.id
    token = store.run_write(create_token, root, account, NewToken("t", ("all",), None, "secret"))
    store.run_write(change_user, root, account, Profile(enabled=False))
    assert kind_of(store, load_actor, account, None, token.id) is ErrorKind.UNAUTHENTICATED


def test_who_knows_the_id_of_an_account_learns_its_name(store: SqlStore, root: Actor) -> None:
    account = store.run_write(create_service_account, root, NewServiceAccount("scorer")).user
    ada = actor(store, "ada")
    assert store.run_read(find_users, ada, ids=[account.id]) == [account]
    assert account not in store.run_read(find_users, ada)


def test_an_account_for_inference_alone_is_not_part_of_everyone() -> None:
    alone, person = Actor("s", "s", platform_roles=frozenset({Role.INFERENCE})), Actor("p", "p")
    assert EVERYONE not in alone.subjects
    assert EVERYONE in person.subjects
