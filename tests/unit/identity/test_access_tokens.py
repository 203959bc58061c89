"""Personal access tokens: who makes them, what they let through, when they end."""

from datetime import timedelta
from typing import Any

import pytest

from clock import Clock
from modelyard.core.access.check import require, require_platform, visible
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.catalogue.workspaces import add_member, create_workspace
from modelyard.core.identity.access_tokens import (
    NewToken,
    create_token,
    find_token,
    list_tokens,
    note_uses,
    revoke_token,
    sweep_tokens,
)
from modelyard.core.identity.entities import AccessToken
from modelyard.core.identity.scopes import SCOPE_PERMISSIONS, Scope, known_scopes, permissions_in
from modelyard.core.identity.token_text import is_well_formed, new_text, text_hash
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore


def actor(store: SqlStore, name: str, role: Role = Role.USER) -> Actor:
    user = store.run_write(add_user, NewUser(name, None, None, (role,)))
    return store.run_read(load_actor, user.id, None)


@pytest.fixture
def ada(store: SqlStore) -> Actor:
    return actor(store, "ada")


def make(store: SqlStore, who: Actor, name: str = "laptop", *scopes: str, **more: Any) -> AccessToken:
    new = NewToken(name, scopes or ("all",), more.get("expires_at"), text_hash(new_text()))
    return store.run_write(create_token, who, more.get("user_id", who.user_id), new)


def using(store: SqlStore, token: AccessToken) -> Actor:
    return store.run_read(load_actor, token.user_id, "personal-access-token", token.id)


def kind_of(store: SqlStore, use_case: Any, *args: Any) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        store.run_write(use_case, *args)
    return caught.value.kind


def test_texts_are_long_random_and_carry_their_own_check() -> None:
    texts = {new_text() for _ in range(100)}
    assert len(texts) == 100
    assert all(len(text) == 53 and text.startswith("mly_") and is_well_formed(text) for text in texts)


@pytest.mark.parametrize("position", [4, 20, 46, 47, 52])
def test_a_mistyped_text_is_not_well_formed(position: int) -> None:
    text = new_text()
    wrong = "a" if text[position] != "a" else "b"
    assert not is_well_formed(text[:position] + wrong + text[position + 1 :])
    assert not is_well_formed(text[:position])
    assert not is_well_formed(text + "0")


def test_a_token_is_found_by_its_hash_until_it_is_revoked(store: SqlStore, ada: Actor) -> None:
    token = make(store, ada)
    assert store.run_read(find_token, token.secret_hash) == token
    store.run_write(revoke_token, ada, token.id)
    assert store.run_read(find_token, token.secret_hash) is None
    assert store.run_read(list_tokens, ada, ada.user_id) == []
    with pytest.raises(DomainError) as caught:
        using(store, token)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_token_ends_by_itself(store: SqlStore, ada: Actor, clock: Clock) -> None:
    token = make(store, ada, expires_at=clock.now + timedelta(days=1))
    assert using(store, token).scopes is None
    clock.advance(days=1)
    assert store.run_read(find_token, token.secret_hash) is None
    with pytest.raises(DomainError, match="expired"):
        using(store, token)


@pytest.mark.parametrize(
    ("name", "scopes", "hours", "kind"),
    [
        ("", ("all",), 1, ErrorKind.INVALID),
        ("x" * 256, ("all",), 1, ErrorKind.INVALID),
        ("new", (), 1, ErrorKind.INVALID),
        ("new", ("root",), 1, ErrorKind.INVALID),
        ("new", ("all",), 0, ErrorKind.INVALID),
        ("laptop", ("all",), 1, ErrorKind.CONFLICT),
    ],
)
def test_what_makes_no_token(
    store: SqlStore, ada: Actor, clock: Clock, name: str, scopes: tuple[str, ...], hours: int, kind: ErrorKind
) -> None:
    make(store, ada)
    new = NewToken(name, scopes, clock.now + timedelta(hours=hours), "hash")
    assert kind_of(store, create_token, ada, ada.user_id, new) is kind
    assert len(store.run_read(list_tokens, ada, ada.user_id)) == 1


def test_the_name_of_an_ended_token_is_free(store: SqlStore, ada: Actor, clock: Clock) -> None:
    make(store, ada, expires_at=clock.now + timedelta(days=1))
    clock.advance(days=2)
    token = make(store, ada)
    store.run_write(revoke_token, ada, token.id)
    assert make(store, ada).id != token.id


def test_there_is_an_end_to_the_number_of_tokens(store: SqlStore, ada: Actor) -> None:
    for number in range(100):
        make(store, ada, f"token-{number}")
    assert kind_of(store, create_token, ada, ada.user_id, NewToken("more", ("all",), None, "hash")) is (
        ErrorKind.FAILED_PRECONDITION
    )


def test_nobody_makes_sees_or_revokes_the_tokens_of_another_person(store: SqlStore, ada: Actor) -> None:
    eve, root = actor(store, "eve"), actor(store, "root", Role.ADMIN)
    token = make(store, ada)
    for other in (eve, root):
        new = NewToken("mine", ("all",), None, "hash")
        assert kind_of(store, create_token, other, ada.user_id, new) is ErrorKind.NOT_FOUND
        assert kind_of(store, list_tokens, other, ada.user_id) is ErrorKind.NOT_FOUND
    assert kind_of(store, revoke_token, eve, token.id) is ErrorKind.NOT_FOUND
    store.run_write(revoke_token, root, token.id)
    assert store.run_read(find_token, token.secret_hash) is None


def test_each_scope_lets_through_its_permissions_and_no_other(store: SqlStore, ada: Actor) -> None:
    for scope, permissions in SCOPE_PERMISSIONS.items():
        limited = using(store, make(store, ada, f"for-{scope}", scope))
        for permission in Permission:
            assert limited.in_scope(permission) is (permission in permissions), (scope, permission)


def test_the_small_scopes_are_as_documented() -> None:
    assert SCOPE_PERMISSIONS[Scope.INFER] == {Permission.PIPELINE_INFER}
    changing = {p for p in SCOPE_PERMISSIONS[Scope.READ] if not p.endswith(".read")}
    assert changing == {Permission.SIGNED_IN}
    for scope in set(Scope) - {Scope.ALL}:
        assert not SCOPE_PERMISSIONS[scope] & {Permission.TOKENS_MANAGE, Permission.USERS_MANAGE}


def test_scopes_add_up_and_unknown_ones_let_nothing_through() -> None:
    both = SCOPE_PERMISSIONS[Scope.READ] | SCOPE_PERMISSIONS[Scope.INFER]
    assert permissions_in(["infer", "read"]) == both
    assert permissions_in(["gone"]) == frozenset()
    assert known_scopes(["infer", "read", "infer"]) == ["read", "infer"]


def test_a_token_never_reaches_farther_than_its_user_or_its_scopes(store: SqlStore, ada: Actor) -> None:
    space = store.run_write(create_workspace, ada, "space")
    reading = using(store, make(store, ada, "reading", "read"))
    root = using(store, make(store, actor(store, "root", Role.ADMIN), "all", "all"))
    store.run_read(require, reading, Permission.MODEL_READ, space.id, "workspace", space.id)
    for permission in (Permission.MODEL_EDIT, Permission.WORKSPACE_MANAGE, Permission.PIPELINE_INFER):
        with pytest.raises(DomainError, match="scope") as caught:
            store.run_read(require, reading, permission, space.id, "workspace", space.id)
        assert caught.value.kind is ErrorKind.FORBIDDEN
    with pytest.raises(DomainError, match="scope"):
        require_platform(reading, Permission.WORKSPACE_CREATE)
    with pytest.raises(DomainError, match="lacks"):
        require_platform(using(store, make(store, ada, "any")), Permission.USERS_MANAGE)
    require_platform(root, Permission.USERS_MANAGE)


def test_beyond_its_scope_a_token_does_not_tell_what_exists(store: SqlStore, ada: Actor) -> None:
    space = store.run_write(create_workspace, ada, "space")
    limited = using(store, make(store, actor(store, "eve"), "infer", "infer"))
    for workspace_id in (space.id, 999_999):
        with pytest.raises(DomainError) as caught:
            store.run_read(require, limited, Permission.MODEL_READ, workspace_id, "workspace", "it")
        assert caught.value.kind is ErrorKind.FORBIDDEN
    with pytest.raises(DomainError):
        visible(limited, Permission.MODEL_READ)


def test_each_request_keeps_the_scopes(store: SqlStore, ada: Actor) -> None:
    limited = using(store, make(store, ada, "infer", "infer"))
    limited.checked.add("x")
    fresh = limited.for_request()
    assert (fresh.scopes, fresh.checked) == (limited.scopes, set())


def test_the_last_use_is_kept_at_most_once_a_minute(store: SqlStore, ada: Actor, clock: Clock) -> None:
    token = make(store, ada)
    used = []
    for _ in range(4):
        store.run_write(note_uses, {token.id, "gone"})
        used.append(store.run_read(list_tokens, ada, ada.user_id)[0].last_used_at)
        clock.advance(seconds=30)
    assert used[0] == used[1] < used[2] == used[3]  # type: ignore[operator]


def test_sweeping_removes_what_ended_long_ago(store: SqlStore, ada: Actor, clock: Clock) -> None:
    revoked, live = make(store, ada, "revoked"), make(store, ada, "live")
    make(store, ada, "expiring", expires_at=clock.now + timedelta(days=1))
    store.run_write(revoke_token, ada, revoked.id)
    clock.advance(days=92)
    store.run_write(sweep_tokens)
    assert store.run_read(lambda tx: tx.find(AccessToken)) == [live]


def test_a_service_account_is_a_member_like_anybody(store: SqlStore, ada: Actor) -> None:
    robot = store.run_write(add_user, NewUser("robot", None, None, service=True))
    space = store.run_write(create_workspace, ada, "space")
    store.run_write(add_member, ada, space.id, "robot", "READER")
    acting = store.run_read(load_actor, robot.id, None)
    store.run_read(require, acting, Permission.MODEL_READ, space.id, "workspace", space.id)
