"""Groups as a tree: paths, searches, and a slash in a name."""

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import Group
from modelyard.core.identity.group_tree import Placed, count_groups, group_at, groups_below, placed_group, top_groups
from modelyard.core.identity.groups import GroupKind, add_group
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore


@pytest.fixture
def root(store: SqlStore) -> Actor:
    user = store.run_write(add_user, NewUser("root", None, None, (Role.ADMIN,)))
    return store.run_read(load_actor, user.id, None)


@pytest.fixture
def groups(store: SqlStore) -> dict[str, Group]:
    """/a, /a/b, /a/b/c~/d, /e/b, and a role that is no group."""
    made: dict[str, Group] = {}
    for path, name, above in (
        ("a", "a", None),
        ("ab", "b", "a"),
        ("abc", "c/d", "ab"),
        ("e", "e", None),
        ("eb", "b", "e"),
    ):
        parent = made[above].id if above else None
        made[path] = store.run_write(add_group, GroupKind.GROUP, name, parent_id=parent)
    store.run_write(add_group, GroupKind.ROLE, "b")
    return made


def shape(found: list[Placed]) -> list[object]:
    return [[each.path, *shape(list(each.below))] for each in found]


def test_groups_know_their_path_and_those_around(store: SqlStore, root: Actor, groups: dict[str, Group]) -> None:
    placed = store.run_read(placed_group, root, groups["abc"].subject_id)
    assert (placed.path, placed.parent, placed.children) == ("/a/b/c~/d", groups["ab"].subject_id, 0)
    assert [each.path for each in store.run_read(top_groups, root)] == ["/a", "/e"]
    assert [(e.path, e.children) for e in store.run_read(groups_below, root, groups["a"].subject_id)] == [("/a/b", 1)]


@pytest.mark.parametrize(("path", "which"), [("/a", "a"), ("a/b", "ab"), ("/a/b/c~/d", "abc"), ("/e/b", "eb")])
def test_a_path_leads_to_one_group(
    store: SqlStore, root: Actor, groups: dict[str, Group], path: str, which: str
) -> None:
    assert store.run_read(group_at, root, path).group == groups[which]


@pytest.mark.parametrize("path", ["", "/", "/b", "/a/", "//a", "/a/b/c/d", "/a/b/c", "/A"])
def test_other_paths_lead_nowhere(store: SqlStore, root: Actor, groups: dict[str, Group], path: str) -> None:
    with pytest.raises(DomainError, match="not found") as caught:
        store.run_read(group_at, root, path)
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_search_gives_the_ways_to_what_is_wanted(store: SqlStore, root: Actor, groups: dict[str, Group]) -> None:
    found = store.run_read(top_groups, root, lambda group: group.name == "b")
    assert shape(found) == [["/a", ["/a/b"]], ["/e", ["/e/b"]]]
    below = store.run_read(groups_below, root, groups["a"].subject_id, lambda group: "c" in group.name)
    assert shape(below) == [["/a/b", ["/a/b/c~/d"]]]


def test_groups_are_counted_without_roles(store: SqlStore, root: Actor, groups: dict[str, Group]) -> None:
    assert store.run_read(count_groups, root) == len(groups)
    assert store.run_read(count_groups, root, top=True) == 2
    assert store.run_read(count_groups, root, lambda group: group.name == "b") == 2
