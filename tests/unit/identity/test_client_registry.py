"""OAuth clients: made, changed and removed by administrators, with the accounts that clients act as."""

from typing import Any

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.identity.authorization_codes import CodeRequest, issue_code
from modelyard.core.identity.client_registry import (
    ClientChange,
    account_of,
    change_client,
    delete_client,
    get_client,
    list_clients,
    register_client,
    set_client_secret,
)
from modelyard.core.identity.clients import SHIPPED, FirstAccounts, GrantType, ensure_accounts
from modelyard.core.identity.consents import give_consent
from modelyard.core.identity.device_grants import DeviceRequest, begin_device_grant
from modelyard.core.identity.entities import AuthorizationCode, Consent, DeviceGrant, OAuthClient, Session, User
from modelyard.core.identity.service_accounts import NewServiceAccount, create_service_account
from modelyard.core.identity.sessions import SignIn, open_session
from modelyard.core.identity.users import NewUser, add_user, find_by_login, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore
from signed_in import Web

ALONE = ClientChange([GrantType.CLIENT_CREDENTIALS], "hash", public=False)
PUBLIC = ClientChange([GrantType.PASSWORD], public=True)
_ABOUT_A_CLIENT = (Session, AuthorizationCode, DeviceGrant, Consent)


@pytest.fixture
def root(store: SqlStore) -> Actor:
    store.run_write(ensure_accounts, FirstAccounts("root", "root@x.io", "hash", "hash"))
    user = store.run_read(find_by_login, "root")
    assert user is not None
    return store.run_read(load_actor, user.id, None)


def kind_of(store: SqlStore, use_case: Any, *args: Any) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        store.run_write(use_case, *args)
    return caught.value.kind


def test_the_first_start_makes_the_clients_that_come_with_the_server(store: SqlStore, root: Actor) -> None:
    assert {client.id for client in store.run_read(list_clients, root)} == SHIPPED
    assert [client.id for client in store.run_read(list_clients, root, "admin-cli")] == ["admin-cli"]
    for name in SHIPPED:
        assert kind_of(store, delete_client, root, name) is ErrorKind.FAILED_PRECONDITION


def test_a_client_that_acts_for_itself_gets_an_account_which_goes_with_it(store: SqlStore, root: Actor) -> None:
    store.run_write(register_client, root, "Robot", ALONE)
    account = store.run_read(account_of, root, "Robot")
    assert (account.username, account.service) == ("service-account-robot", True)
    store.run_write(change_client, root, "Robot", ClientChange([]))
    assert kind_of(store, account_of, root, "Robot") is ErrorKind.FAILED_PRECONDITION
    store.run_write(change_client, root, "Robot", ClientChange([GrantType.CLIENT_CREDENTIALS]))
    assert store.run_read(account_of, root, "Robot") == account
    store.run_write(delete_client, root, "Robot")
    assert store.run_read(lambda tx: (tx.get(OAuthClient, "Robot"), tx.get(User, account.id))) == (None, None)


def test_the_account_that_somebody_made_outlives_its_client(store: SqlStore, root: Actor) -> None:
    made = store.run_write(create_service_account, root, NewServiceAccount("scorer", client_secret_hash="hash"))
    store.run_write(delete_client, root, "scorer")
    assert store.run_read(lambda tx: tx.get(User, made.user.id)) == made.user


def test_nothing_that_is_about_a_client_outlives_it(web: Web) -> None:
    write, user = web.store.run_write, web.store.run_read(find_by_login, "admin")
    assert user is not None
    root = web.store.run_read(load_actor, user.id, None)
    for name in ("app", "other"):
        write(register_client, root, name, ClientChange([GrantType.AUTHORIZATION_CODE], public=True))
        code = CodeRequest(f"{name} code", name, "master", "https://x.io/", "openid", None, None)
        write(issue_code, code, web.browser)
        write(begin_device_grant, DeviceRequest(f"{name} device", name, name, "master", "openid"))
        write(give_consent, web.user_id, name, "openid")
        write(open_session, SignIn(web.user_id, name, "master", "openid", rotates=True), web.lifetimes)
    write(delete_client, root, "app")
    left = [web.store.run_read(lambda tx, k=kind: tx.values(k, ("client_id",))) for kind in _ABOUT_A_CLIENT]
    assert left == [[("other",)]] * len(_ABOUT_A_CLIENT)


def test_each_change_of_a_client_is_recorded_and_what_changes_nothing_is_not(store: SqlStore, root: Actor) -> None:
    store.run_write(register_client, root, "app", ALONE)
    store.run_write(change_client, root, "app", ClientChange(consent=True, redirect_uris=["/back"]))
    store.run_write(change_client, root, "app", ClientChange(consent=True))
    store.run_write(set_client_secret, root, "app", "second")
    account = store.run_read(account_of, root, "app")
    store.run_write(delete_client, root, "app")
    entries = store.run_read(lambda tx: tx.find(AuditEntry, object_type="client", object_id="app"))
    grants = ["client_credentials"]
    assert [(entry.action, entry.details) for entry in entries] == [
        ("client.create", {"grants": grants}),
        ("client.change", {"changed": ["redirect_uris", "consent"], "grants": grants}),
        ("client.secret", {}),
        ("client.delete", {"account_id": account.id}),
    ]


@pytest.mark.parametrize("login", ["service-account-robot", "SERVICE-ACCOUNT-ROBOT"])
def test_a_client_never_acts_as_a_user_who_was_there_before(store: SqlStore, root: Actor, login: str) -> None:
    store.run_write(add_user, NewUser(login, None, None, (Role.ADMIN,)))
    assert kind_of(store, register_client, root, "robot", ALONE) is ErrorKind.CONFLICT
    assert kind_of(store, get_client, root, "robot") is ErrorKind.NOT_FOUND


def test_secrets_are_for_confidential_clients(store: SqlStore, root: Actor) -> None:
    store.run_write(register_client, root, "app", PUBLIC)
    for use_case, value in (
        (set_client_secret, "hash"),
        (change_client, ClientChange(secret_hash="hash")),
        (change_client, ClientChange(public=False)),
        (change_client, ClientChange([GrantType.CLIENT_CREDENTIALS])),
    ):
        assert kind_of(store, use_case, root, "app", value) is ErrorKind.FAILED_PRECONDITION
    changed = store.run_write(change_client, root, "app", ClientChange(secret_hash="first", public=False))
    assert (changed.secret_hash, changed.grants) == ("first", ["password"])
    assert store.run_write(set_client_secret, root, "app", "second").secret_hash == "second"
    assert store.run_write(change_client, root, "app", ClientChange(public=True)).secret_hash is None


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a\n", "ä", "x" * 256])
def test_client_ids_fit_into_a_path(store: SqlStore, root: Actor, name: str) -> None:
    assert kind_of(store, register_client, root, name, PUBLIC) is ErrorKind.INVALID


def test_only_administrators_keep_clients(store: SqlStore, root: Actor) -> None:
    user = store.run_write(add_user, NewUser("ann", None, None))
    ann = store.run_read(load_actor, user.id, None)
    store.run_write(register_client, root, "app", ALONE)
    for use_case, *args in (
        (list_clients,),
        (get_client, "app"),
        (register_client, "mine", ALONE),
        (change_client, "app", PUBLIC),
        (set_client_secret, "app", "hash"),
        (account_of, "app"),
        (delete_client, "app"),
    ):
        assert kind_of(store, use_case, ann, *args) is ErrorKind.FORBIDDEN
    assert store.run_read(get_client, root, "app").secret_hash == "hash"
