"""Roles on the platform: one built-in role a user, custom ones beside it, and what giving them takes."""

from typing import Any

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.identity.groups import GroupKind, add_group
from modelyard.core.identity.roles import (
    BUILT_IN,
    create_role,
    delete_role,
    give_roles,
    holders_of,
    list_roles,
    role_named,
    role_with_id,
    roles_of,
    take_roles,
)
from modelyard.core.identity.users import NewUser, Profile, add_user, change_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore

ADMIN, USER, INFERENCE = BUILT_IN["admin"], BUILT_IN["user"], BUILT_IN["inference"]


def actor(store: SqlStore, name: str, role: Role = Role.USER) -> Actor:
    user = store.run_write(add_user, NewUser(name, f"{name}@x.io", None, (role,)))
    return store.run_read(load_actor, user.id, None)


@pytest.fixture
def root(store: SqlStore) -> Actor:
    return actor(store, "root", Role.ADMIN)


@pytest.fixture
def ann(store: SqlStore) -> Actor:
    return actor(store, "ann")


def kind_of(store: SqlStore, use_case: Any, *args: Any) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        store.run_write(use_case, *args)
    return caught.value.kind


def held(store: SqlStore, root: Actor, who: Actor) -> list[str]:
    return [role.name for role in store.run_read(roles_of, root, who.user_id)]


def test_admin_includes_the_other_built_in_roles_and_they_nothing() -> None:
    assert ADMIN.includes == [USER, INFERENCE]
    assert USER.includes == INFERENCE.includes == []


def test_giving_admin_makes_an_administrator_and_taking_it_an_ordinary_user(
    store: SqlStore, root: Actor, ann: Actor
) -> None:
    store.run_write(give_roles, root, ann.user_id, [ADMIN])
    assert held(store, root, ann) == ["admin"]
    assert store.run_read(load_actor, ann.user_id, None).platform_roles == {"ADMIN"}
    for included in (USER, INFERENCE):
        store.run_write(give_roles, root, ann.user_id, [included])
    assert held(store, root, ann) == ["admin"]
    store.run_write(take_roles, root, ann.user_id, [INFERENCE, ADMIN])
    assert held(store, root, ann) == ["user"]


def test_a_second_built_in_role_is_refused_until_the_first_is_taken(store: SqlStore, root: Actor, ann: Actor) -> None:
    assert kind_of(store, give_roles, root, ann.user_id, [INFERENCE]) is ErrorKind.FAILED_PRECONDITION
    store.run_write(take_roles, root, ann.user_id, [USER])
    assert store.run_read(load_actor, ann.user_id, None).platform_roles == frozenset()
    store.run_write(give_roles, root, ann.user_id, [INFERENCE])
    assert held(store, root, ann) == ["inference"]
    recorded = store.run_read(lambda tx: tx.find(AuditEntry, action="user.role", object_id=ann.user_id))
    assert [entry.details["changes"] for entry in recorded] == [
        {"roles": [["USER"], []]},
        {"roles": [[], ["INFERENCE"]]},
    ]


def test_nobody_demotes_themselves_nor_the_last_who_can_sign_in(store: SqlStore, root: Actor, ann: Actor) -> None:
    assert kind_of(store, take_roles, root, root.user_id, [ADMIN]) is ErrorKind.FAILED_PRECONDITION
    store.run_write(give_roles, root, ann.user_id, [ADMIN])
    second = store.run_read(load_actor, ann.user_id, None)
    store.run_write(change_user, root, ann.user_id, Profile(enabled=False))
    assert kind_of(store, take_roles, second, root.user_id, [ADMIN]) is ErrorKind.FAILED_PRECONDITION
    assert held(store, root, root) == ["admin"]


def test_custom_roles_stand_beside_the_built_in_one(store: SqlStore, root: Actor, ann: Actor) -> None:
    role = store.run_write(create_role, root, "auditor", "reads")
    for _ in range(2):
        store.run_write(give_roles, root, ann.user_id, [role])
    assert held(store, root, ann) == ["user", "auditor"]
    assert role.custom is not None
    assert role.custom.subject_id in store.run_read(load_actor, ann.user_id, None).groups
    assert [user.username for user in store.run_read(holders_of, root, role)] == ["ann"]
    store.run_write(delete_role, root, role)
    assert held(store, root, ann) == ["user"]
    assert store.run_read(load_actor, ann.user_id, None).groups == frozenset()


def test_roles_of_one_workspace_are_not_roles_of_the_platform(store: SqlStore, root: Actor) -> None:
    inner = store.run_write(add_group, GroupKind.ROLE, "inner", workspace="red")
    assert [role.name for role in store.run_read(list_roles, root)] == ["admin", "user", "inference"]
    assert kind_of(store, role_named, root, "inner") is ErrorKind.NOT_FOUND
    assert kind_of(store, role_with_id, root, inner.subject_id) is ErrorKind.NOT_FOUND


def test_only_administrators_see_and_give_roles(store: SqlStore, root: Actor, ann: Actor) -> None:
    for use_case, *args in (
        (list_roles,),
        (role_named, "admin"),
        (role_with_id, "admin"),
        (create_role, "mine"),
        (delete_role, USER),
        (holders_of, ADMIN),
        (roles_of, ann.user_id),
        (give_roles, ann.user_id, [ADMIN]),
        (take_roles, root.user_id, [ADMIN]),
    ):
        assert kind_of(store, use_case, ann, *args) is ErrorKind.FORBIDDEN
    assert held(store, root, ann) == ["user"]
