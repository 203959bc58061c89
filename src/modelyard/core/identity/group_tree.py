"""Groups as a tree: each with its path, and what stands below it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import Group
from modelyard.core.identity.groups import GroupKind, groups_of
from modelyard.core.identity.users import get_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx

_SLASH = re.compile(r"(?<!~)/")

Wanted = Callable[[Group], bool]


@dataclass(frozen=True, slots=True)
class Placed:
    """A group where it stands.

    ``path`` is its names from the top, each after a slash; a slash in a name is written ``~/``. ``parent`` is the
    subject id of the group above, ``children`` the number of groups right below; ``below`` holds those of them that
    lead to what was searched for.
    """

    group: Group
    path: str
    parent: str | None
    children: int
    below: tuple["Placed", ...] = ()


class _Tree:
    """All groups of the platform, read once."""

    def __init__(self, groups: list[Group]) -> None:
        self._groups = {group.id: group for group in groups}
        self._below: defaultdict[int | None, list[Group]] = defaultdict(list)
        for group in groups:
            self._below[group.parent_id].append(group)

    def place(self, group: Group) -> Placed:
        """The group with its path."""
        above = self._groups.get(group.parent_id) if group.parent_id is not None else None
        path = self.place(above).path if above else ""
        name = group.name.replace("/", "~/")
        return Placed(group, f"{path}/{name}", above.subject_id if above else None, len(self._below[group.id]))

    def right_below(self, group_id: int | None) -> list[Placed]:
        """The groups that stand right below this one, None for the top."""
        return [self.place(group) for group in self._below[group_id]]

    def leading_to(self, wanted: Wanted, group_id: int | None) -> list[Placed]:
        """Those right below that are wanted or lead to such, with the ways to them."""
        found = []
        for group in self._below[group_id]:
            below = self.leading_to(wanted, group.id)
            if below or wanted(group):
                found.append(replace(self.place(group), below=tuple(below)))
        return found

    def with_subject(self, subject_id: str) -> Placed:
        """The group that grants call so, or ``NOT_FOUND``."""
        for group in self._groups.values():
            if group.subject_id == subject_id:
                return self.place(group)
        raise not_found("group", subject_id)

    def at(self, path: str) -> Placed:
        """The group at the path, or ``NOT_FOUND``; the first slash may be missing."""
        found: Group | None = None
        for name in _SLASH.split(path.removeprefix("/")):
            level = self._below[found.id if found else None]
            found = next((group for group in level if group.name == name.replace("~/", "/")), None)
            if found is None:
                raise not_found("group", path[:200])
        if found is None:
            raise not_found("group", path[:200])
        return self.place(found)


def top_groups(tx: Tx, actor: Actor, wanted: Wanted | None = None) -> list[Placed]:
    """The groups at the top by name; with ``wanted`` those that are so or lead to such."""
    tree = _tree(tx, actor)
    return tree.right_below(None) if wanted is None else tree.leading_to(wanted, None)


def groups_below(tx: Tx, actor: Actor, subject_id: str, wanted: Wanted | None = None) -> list[Placed]:
    """The groups right below this one by name; with ``wanted`` those that are so or lead to such."""
    tree = _tree(tx, actor)
    above = tree.with_subject(subject_id).group.id
    return tree.right_below(above) if wanted is None else tree.leading_to(wanted, above)


def placed_group(tx: Tx, actor: Actor, subject_id: str) -> Placed:
    """One group."""
    return _tree(tx, actor).with_subject(subject_id)


def group_at(tx: Tx, actor: Actor, path: str) -> Placed:
    """The group at a path like ``/science/vision``."""
    return _tree(tx, actor).at(path)


def count_groups(tx: Tx, actor: Actor, wanted: Wanted | None = None, *, top: bool = False) -> int:
    """How many groups there are, of all or of those at the top."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    where: dict[str, Any] = {"parent_id": None} if top else {}
    found = tx.find(Group, kind=GroupKind.GROUP, **where)
    return sum(wanted is None or wanted(group) for group in found)


def placed_groups_of(tx: Tx, actor: Actor, user_id: str) -> list[Placed]:
    """The groups that the user belongs to themselves, by name."""
    tree = _tree(tx, actor)
    get_user(tx, actor, user_id)
    return [tree.place(group) for group in groups_of(tx, GroupKind.GROUP, user_id)]


def find_group(tx: Tx, path: str) -> Group:
    """The group at a path, or ``NOT_FOUND``; asks for no permission."""
    return _all(tx).at(path).group


def group_paths(tx: Tx, groups: Iterable[Group]) -> list[str]:
    """The paths of the groups, without the first slash; asks for no permission."""
    tree = _all(tx)
    return [tree.place(group).path.removeprefix("/") for group in groups]


def group_paths_of(tx: Tx, user_id: str) -> list[str]:
    """The paths of the groups that the user belongs to themselves, by name; asks for no permission."""
    held = groups_of(tx, GroupKind.GROUP, user_id)
    return group_paths(tx, held) if held else []


def _tree(tx: Tx, actor: Actor) -> _Tree:
    require_platform(actor, Permission.GROUPS_MANAGE)
    return _all(tx)


def _all(tx: Tx) -> _Tree:
    return _Tree(tx.find(Group, order_by="name", kind=GroupKind.GROUP))
