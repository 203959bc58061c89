"""Workspaces: who makes them, who sees them, and who decides about their members."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from catalogue_people import People, join, kind_of, upload
from modelyard.core.catalogue.workspaces import (
    WorkspaceChange,
    add_member,
    change_workspace,
    create_workspace,
    default_workspace,
    get_workspace,
    list_members,
    list_workspaces,
    remove_member,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import ErrorKind
from modelyard.core.kernel.store import Topic
from modelyard.storage.store import SqlStore

REFUSED = [("collaborator", ErrorKind.FORBIDDEN), ("reader", ErrorKind.FORBIDDEN), ("stranger", ErrorKind.NOT_FOUND)]


def roles(store: SqlStore, people: People) -> dict[str, str]:
    names = {people[name].user_id: name for name in ("owner", "collaborator", "reader", "stranger", "admin")}
    members = store.run_read(list_members, people.admin, people.space)
    return {names[member.user_id]: member.role for member in members}


def names_seen(store: SqlStore, actor: Actor) -> list[str]:
    return [workspace.name for workspace, _ in store.run_read(list_workspaces, actor)]


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SELECTs that run meanwhile."""
    seen: list[str] = []

    def note(statement: str) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    def trace(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(note)

    event.listen(Pool, "checkout", trace)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", trace)


def test_who_makes_a_workspace_owns_it(store: SqlStore, people: People) -> None:
    made = store.run_write(create_workspace, people.stranger, "risk")
    members = store.run_read(list_members, people.stranger, made.id)
    assert [(member.user_id, member.role) for member in members] == [(people.stranger.user_id, "OWNER")]


def test_a_taken_name_is_a_conflict_and_changes_nothing(store: SqlStore, people: People) -> None:
    assert kind_of(store.run_write, create_workspace, people.stranger, " fraud ") is ErrorKind.CONFLICT
    assert names_seen(store, people.admin) == ["fraud"]


@pytest.mark.parametrize("name", ["", "   ", "a\tb", "x" * 256, "\x00"])
def test_a_name_that_cannot_be_shown_is_refused(store: SqlStore, people: People, name: str) -> None:
    assert kind_of(store.run_write, create_workspace, people.owner, name) is ErrorKind.INVALID


def test_names_of_other_scripts_and_with_spaces_are_fine(store: SqlStore, people: People) -> None:
    assert store.run_write(create_workspace, people.owner, "Betrug: Prüfung 検査").name == "Betrug: Prüfung 検査"


@pytest.mark.parametrize(
    ("who", "seen"),
    [("owner", ["fraud"]), ("reader", ["fraud"]), ("stranger", ["risk"]), ("admin", ["fraud", "risk"])],
)
def test_a_list_shows_only_what_the_actor_may_see(store: SqlStore, people: People, who: str, seen: list[str]) -> None:
    store.run_write(create_workspace, people.stranger, "risk")
    assert names_seen(store, people[who]) == seen


def test_a_list_tells_which_models_a_workspace_holds(store: SqlStore, people: People) -> None:
    other = store.run_write(create_workspace, people.owner, "empty")
    models = [upload(store, people.owner, people.space, name).model_id for name in ("one", "two", "one")]
    found = {workspace.id: held for workspace, held in store.run_read(list_workspaces, people.reader)}
    assert found == {people.space: models[:2]}
    assert (other.id, []) in [(w.id, held) for w, held in store.run_read(list_workspaces, people.owner)]


def test_a_list_costs_two_questions_however_many_workspaces_there_are(store: SqlStore, people: People) -> None:
    for number in range(20):
        store.run_write(create_workspace, people.owner, f"space {number}")
    with counted_statements() as statements:
        assert len(store.run_read(list_workspaces, people.owner)) == 21
    assert len(statements) == 2


@pytest.mark.parametrize(("who", "kind"), REFUSED)
@pytest.mark.parametrize(
    "use_case",
    [
        lambda tx, actor, space: add_member(tx, actor, space, "stranger", "OWNER"),
        lambda tx, actor, space: remove_member(tx, actor, space, "owner"),
        lambda tx, actor, space: change_workspace(tx, actor, space, WorkspaceChange(name="mine")),
        lambda tx, actor, space: change_workspace(tx, actor, space, WorkspaceChange(archived=True)),
    ],
)
def test_only_owners_and_administrators_manage_a_workspace(
    store: SqlStore, people: People, who: str, kind: ErrorKind, use_case: Callable[..., object]
) -> None:
    before = roles(store, people), names_seen(store, people.admin)
    assert kind_of(store.run_write, use_case, people[who], people.space) is kind
    assert (roles(store, people), names_seen(store, people.admin)) == before


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_a_member_is_added_by_name_or_address_or_id(store: SqlStore, people: People, who: str) -> None:
    for login in ("stranger", "Stranger@Example.com", people.stranger.user_id):
        store.run_write(add_member, people[who], people.space, login, "reader")
    assert roles(store, people)["stranger"] == "READER"


def test_a_member_has_one_role_the_last_one_given(store: SqlStore, people: People) -> None:
    store.run_write(add_member, people.owner, people.space, "reader", "COLLABORATOR")
    assert roles(store, people) == {"owner": "OWNER", "collaborator": "COLLABORATOR", "reader": "COLLABORATOR"}


@pytest.mark.parametrize("role", ["ADMIN", "USER", "INFERENCE", "boss", ""])
def test_a_role_that_workspaces_do_not_have_is_refused(store: SqlStore, people: People, role: str) -> None:
    assert kind_of(store.run_write, add_member, people.owner, people.space, "reader", role) is ErrorKind.INVALID


@pytest.mark.parametrize(
    "use_case",
    [
        lambda tx, actor, space: remove_member(tx, actor, space, "owner"),
        lambda tx, actor, space: add_member(tx, actor, space, "owner", "collaborator"),
    ],
)
def test_the_last_owner_stays(store: SqlStore, people: People, use_case: Callable[..., object]) -> None:
    for who in (people.owner, people.admin):
        assert kind_of(store.run_write, use_case, who, people.space) is ErrorKind.FAILED_PRECONDITION
    store.run_write(add_member, people.owner, people.space, "collaborator", "owner")
    store.run_write(use_case, people.owner, people.space)
    assert roles(store, people)["collaborator"] == "OWNER"


def test_anybody_may_leave_and_then_sees_nothing(store: SqlStore, people: People) -> None:
    assert store.run_write(remove_member, people.reader, people.space, "reader") == 1
    assert names_seen(store, people.reader) == []
    assert kind_of(store.run_read, get_workspace, people.reader, people.space) is ErrorKind.NOT_FOUND


def test_taking_out_one_who_is_not_in_takes_out_nobody(store: SqlStore, people: People) -> None:
    assert store.run_write(remove_member, people.owner, people.space, "stranger") == 0
    assert kind_of(store.run_write, remove_member, people.owner, people.space, "nobody") is ErrorKind.NOT_FOUND


def test_a_change_of_members_tells_all_processes(store: SqlStore, people: People) -> None:
    before = store.generations()[Topic.ACCESS]
    store.run_write(add_member, people.owner, people.space, "stranger", "reader")
    store.run_write(remove_member, people.owner, people.space, "stranger")
    assert store.generations()[Topic.ACCESS] == before + 2


def test_what_does_not_exist_reads_the_same_for_administrators_and_strangers(store: SqlStore, people: People) -> None:
    for who in (people.admin, people.stranger):
        assert kind_of(store.run_read, get_workspace, who, 4711) is ErrorKind.NOT_FOUND
        assert kind_of(store.run_read, list_members, who, 4711) is ErrorKind.NOT_FOUND


def test_a_workspace_is_renamed_and_archived_each_alone(store: SqlStore, people: People) -> None:
    store.run_write(change_workspace, people.owner, people.space, WorkspaceChange(archived=True))
    changed = store.run_write(change_workspace, people.admin, people.space, WorkspaceChange(name="fraud 2"))
    assert (changed.name, changed.archived) == ("fraud 2", True)
    again = store.run_write(change_workspace, people.owner, people.space, WorkspaceChange(name="fraud 2"))
    assert again == changed


def test_a_workspace_is_not_renamed_to_another_ones_name(store: SqlStore, people: People) -> None:
    store.run_write(create_workspace, people.stranger, "risk")
    change = WorkspaceChange(name="risk")
    assert kind_of(store.run_write, change_workspace, people.owner, people.space, change) is ErrorKind.CONFLICT


def test_a_default_workspace_is_made_once_for_each_user(store: SqlStore, people: People) -> None:
    first = store.run_write(default_workspace, people.owner)
    assert store.run_write(default_workspace, people.owner) == first
    assert store.run_write(default_workspace, people.reader).id != first.id
    assert first.name == "owner@example.com - Default Workspace"


def test_nobody_can_keep_another_from_a_default_workspace_by_taking_its_name(store: SqlStore, people: People) -> None:
    store.run_write(create_workspace, people.stranger, "owner@example.com - Default Workspace")
    made = store.run_write(default_workspace, people.owner)
    assert store.run_read(get_workspace, people.owner, made.id) == made
    assert kind_of(store.run_read, get_workspace, people.stranger, made.id) is ErrorKind.NOT_FOUND


def test_a_user_with_the_longest_address_gets_a_default_workspace(store: SqlStore) -> None:
    actor = join(store, "x" * 240)
    assert store.run_write(default_workspace, actor).name.endswith(" - Default Workspace")


def test_one_who_was_taken_out_of_the_default_workspace_gets_a_new_one(store: SqlStore, people: People) -> None:
    first = store.run_write(default_workspace, people.owner)
    store.run_write(add_member, people.owner, first.id, "stranger", "owner")
    store.run_write(remove_member, people.stranger, first.id, "owner")
    second = store.run_write(default_workspace, people.owner)
    assert second.id != first.id
    assert store.run_write(default_workspace, people.owner) == second
