"""Groups of users, and custom roles that users are given: both are subjects that grants can name."""

from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import Outcome
from modelyard.core.identity.entities import Group, Membership, User
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import title
from modelyard.core.kernel.store import Existing, Topic, Tx

_DEPTH = 20
_NAME_MAX = 255
_TOLD_MAX = 500  # groups that an issuer may name for one user


class GroupKind(StrEnum):
    """What a group is to people: a set of them, or a set of rights they are given."""

    GROUP = "group"
    ROLE = "role"


def subjects_of(tx: Tx, user_id: str) -> frozenset[str]:
    """The subject ids of all groups and custom roles that count for the user, those above theirs included."""
    wanted = {group_id for (group_id,) in tx.values(Membership, ("group_id",), user_id=user_id)}
    found: dict[int, Group] = {}
    while wanted:
        level = tx.find(Group, id=wanted)
        found |= {group.id: group for group in level}
        wanted = {group.parent_id for group in level if group.parent_id is not None} - found.keys()
    return frozenset(group.subject_id for group in found.values())


def create_group(  # what a group is made of
    tx: Tx,
    actor: Actor,
    kind: GroupKind,
    name: str,
    *,
    parent_id: int | None = None,
    workspace: str = "",
    description: str = "",
) -> Group:
    """Make a group below another one, or a custom role."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    group = add_group(tx, kind, name, parent_id=parent_id, workspace=workspace, description=description)
    record(tx, actor, Action.GROUP_CREATE, kind, group.id, name=group.name)
    return group


def add_group(
    tx: Tx, kind: GroupKind, name: str, *, parent_id: int | None = None, workspace: str = "", description: str = ""
) -> Group:
    """Make a group without asking who wants it: behind ``create_group``, and for groups an issuer tells of."""
    wanted = title(kind, name)
    if parent_id is not None:
        _refuse_depth(tx, parent_id)
    _refuse_taken(tx, kind, wanted, parent_id, workspace)
    return tx.insert(Group(0, new_uuid(), kind, workspace, parent_id, wanted, description, tx.now))


def get_group(tx: Tx, actor: Actor, kind: GroupKind, group_id: int) -> Group:
    """One group or custom role by its number."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    return existing_group(tx, kind, group_id)


def group_with(tx: Tx, actor: Actor, kind: GroupKind, subject_id: str) -> Group:
    """The group or custom role that grants call ``subject_id``."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    group = tx.first(Group, kind=kind, subject_id=subject_id)
    if group is None:
        raise not_found(kind, subject_id)
    return group


def existing_group(tx: Tx, kind: GroupKind, group_id: int) -> Group:
    """The group of this kind, or ``NOT_FOUND``."""
    group = tx.get(Group, group_id)
    if group is None or group.kind != kind:
        raise not_found(kind, group_id)
    return group


def find_groups(tx: Tx, actor: Actor, kind: GroupKind, **where: Any) -> list[Group]:
    """Groups or custom roles by name."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    return tx.find(Group, order_by="name", kind=kind, **where)


def change_group(
    tx: Tx, actor: Actor, kind: GroupKind, group_id: int, *, name: str | None = None, description: str | None = None
) -> Group:
    """Rename or describe a group; None leaves it as it is."""
    group = get_group(tx, actor, kind, group_id)
    wanted = group.name if name is None else title(kind, name)
    if wanted != group.name:
        _refuse_taken(tx, kind, wanted, group.parent_id, group.workspace)
    text = group.description if description is None else description
    changed = tx.update(Group, group_id, lambda g: replace(g, name=wanted, description=text))
    record(tx, actor, Action.GROUP_CHANGE, kind, group_id, name=wanted, before=group.name)
    return changed


def delete_group(tx: Tx, actor: Actor, kind: GroupKind, group_id: int) -> None:
    """Remove a group with the groups below it, their members' belonging to them, and their grants."""
    group = get_group(tx, actor, kind, group_id)
    for (child,) in tx.values(Group, ("id",), parent_id=group_id):
        delete_group(tx, actor, kind, child)
    tx.delete(Membership, group_id=group_id)
    tx.delete(Grant, subject_id=group.subject_id)
    tx.delete(Group, id=group_id)
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.GROUP_DELETE, kind, group_id, name=group.name)


def add_to_group(tx: Tx, actor: Actor, kind: GroupKind, group_id: int, user_id: str) -> Membership:
    """Make a user belong to the group; ``CONFLICT`` when they do already."""
    get_group(tx, actor, kind, group_id)
    if tx.get(User, user_id) is None:
        raise not_found("user", user_id)
    if tx.first(Membership, user_id=user_id, group_id=group_id) is not None:
        raise conflict(f"the user {user_id} belongs to the {kind} already")
    tx.touch(Topic.ACCESS)
    made = tx.insert(Membership(0, user_id, group_id, None, tx.now))
    record(tx, actor, Action.GROUP_JOIN, kind, group_id, user_id=user_id)
    return made


def ensure_in_group(tx: Tx, actor: Actor, kind: GroupKind, group_id: int, user_id: str) -> None:
    """Make a user belong to the group, unless they do already."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    if tx.first(Membership, user_id=user_id, group_id=group_id) is None:
        add_to_group(tx, actor, kind, group_id, user_id)


def take_from_group(tx: Tx, actor: Actor, kind: GroupKind, group_id: int, user_id: str) -> bool:
    """Make a user belong to the group no longer; whether they did."""
    get_group(tx, actor, kind, group_id)
    tx.touch(Topic.ACCESS)
    taken = tx.delete(Membership, user_id=user_id, group_id=group_id) > 0
    if taken:
        record(tx, actor, Action.GROUP_LEAVE, kind, group_id, user_id=user_id)
    return taken


def members_of(tx: Tx, actor: Actor, kind: GroupKind, group_id: int) -> list[User]:
    """The users who belong to the group itself, by name."""
    get_group(tx, actor, kind, group_id)
    ids = {user_id for (user_id,) in tx.values(Membership, ("user_id",), group_id=group_id)}
    return tx.find(User, order_by="username", id=ids)


def groups_of(tx: Tx, kind: GroupKind, user_id: str) -> list[Group]:
    """The groups of this kind that the user belongs to themselves; asks for no permission."""
    ids = {group_id for (group_id,) in tx.values(Membership, ("group_id",), user_id=user_id)}
    return tx.find(Group, order_by="name", kind=kind, id=ids)


def way_to(tx: Tx, user_id: str, subject_id: str) -> tuple[Group, ...]:
    """From a group that the user belongs to up to the one with this subject id; empty without such a way."""
    for (group_id,) in tx.values(Membership, ("group_id",), user_id=user_id):
        way: list[Group] = []
        above = tx.get(Group, group_id)
        while above is not None:
            way.append(above)
            if above.subject_id == subject_id:
                return tuple(way)
            above = tx.get(Group, above.parent_id) if above.parent_id is not None else None
    return ()


def sync_groups(tx: Tx, actor: Actor, issuer: str, names: Collection[str]) -> None:
    """Make the actor belong to exactly those groups at the top that the issuer names; missing ones are made.

    Groups that somebody else put them in stay. Names that no group can have are passed over.
    """
    user_id = actor.user_id
    told = {m.group_id: m.id for m in tx.find(Membership, user_id=user_id, issuer=issuer)}
    held = {group.name: group.id for group in tx.find(Group, id=set(told))}
    theirs = {g.name for g in groups_of(tx, GroupKind.GROUP, user_id) if g.parent_id is None and g.id not in told}
    wanted = {name for name in sorted(names)[:_TOLD_MAX] if _is_name(name)} - theirs
    if held.keys() == wanted:
        return
    joined, left = sorted(wanted - held.keys()), sorted(held.keys() - wanted)
    groups = [_told_group(tx, actor, issuer, name) for name in joined]
    rows = [Membership(0, user_id, group.id, issuer, tx.now) for group in groups]
    tx.insert_all(rows, existing=Existing.KEEP)
    tx.delete(Membership, id=[told[held[name]] for name in left])
    tx.touch(Topic.ACCESS)
    for action, changed in ((Action.GROUP_JOIN, joined), (Action.GROUP_LEAVE, left)):
        if changed:
            record(tx, actor, action, "user", user_id, Outcome.OK, issuer=issuer, groups=changed)


def _told_group(tx: Tx, actor: Actor, issuer: str, name: str) -> Group:
    """The group at the top of the name that the issuer tells of; made, where there is none."""
    found = tx.first(Group, kind=str(GroupKind.GROUP), name=name, parent_id=None)
    if found is not None:
        return found
    made = add_group(tx, GroupKind.GROUP, name)
    record(tx, actor, Action.GROUP_CREATE, GroupKind.GROUP, made.id, name=name, issuer=issuer)
    return made


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _NAME_MAX and name.isprintable() and name == name.strip()


def _refuse_taken(tx: Tx, kind: GroupKind, name: str, parent_id: int | None, workspace: str) -> None:
    if tx.first(Group, kind=kind, name=name, parent_id=parent_id, workspace=workspace) is not None:
        raise conflict(f"a {kind} named {name!r} already exists there", name=name)


def _refuse_depth(tx: Tx, parent_id: int) -> None:
    depth, above = 0, tx.get(Group, parent_id)
    if above is None or above.kind != GroupKind.GROUP:
        raise not_found("group", parent_id)
    while above is not None and above.parent_id is not None:
        depth, above = depth + 1, tx.get(Group, above.parent_id)
    if depth >= _DEPTH:
        raise invalid(f"groups can stand at most {_DEPTH} levels deep")
