"""Roles on the platform as a whole: the built-in ones, of which a user has at most one, and custom roles.

A custom role of the platform is a ``Group`` of kind role without a workspace: what its holders may do is said by the
grants that name it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import PLATFORM_ID, Grant, ResourceType
from modelyard.core.access.permissions import ROLE_PERMISSIONS, Permission, Role
from modelyard.core.identity.entities import Group, User
from modelyard.core.identity.groups import (
    GroupKind,
    change_group,
    create_group,
    delete_group,
    ensure_in_group,
    find_groups,
    group_with,
    groups_of,
    members_of,
    take_from_group,
)
from modelyard.core.identity.users import (
    Profile,
    change_user,
    get_user,
    platform_roles,
    record_change,
    set_platform_role,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, not_found
from modelyard.core.kernel.store import Topic, Tx


@dataclass(frozen=True, slots=True)
class PlatformRole:
    """``id`` is the name of a ``built_in`` role, or the subject id of the ``custom`` one; one of the two is given."""

    id: str
    name: str
    description: str
    built_in: Role | None = None
    custom: Group | None = None

    @property
    def includes(self) -> list["PlatformRole"]:
        """The built-in roles of which this one holds every permission, and more."""
        held = ROLE_PERMISSIONS[self.built_in] if self.built_in else frozenset()
        return [role for role in BUILT_IN.values() if role.built_in and ROLE_PERMISSIONS[role.built_in] < held]


BUILT_IN = {
    role.name: role
    for role in (
        PlatformRole("admin", "admin", "Administers the platform and holds every permission", Role.ADMIN),
        PlatformRole("user", "user", "Signs in and has workspaces of their own", Role.USER),
        PlatformRole("inference", "inference", "Sends inference requests, and nothing else", Role.INFERENCE),
    )
}


def list_roles(tx: Tx, actor: Actor) -> list[PlatformRole]:
    """All roles: the built-in ones, then the custom ones by name."""
    custom = find_groups(tx, actor, GroupKind.ROLE, workspace="")
    return [*BUILT_IN.values(), *(_custom(group) for group in custom)]


def role_named(tx: Tx, actor: Actor, name: str) -> PlatformRole:
    """The role with this name."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    if name in BUILT_IN:
        return BUILT_IN[name]
    group = tx.first(Group, kind=GroupKind.ROLE, workspace="", name=name)
    if group is None:
        raise not_found("role", name[:80])
    return _custom(group)


def role_with_id(tx: Tx, actor: Actor, role_id: str) -> PlatformRole:
    """The role with this id."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    if role_id in BUILT_IN:
        return BUILT_IN[role_id]
    group = group_with(tx, actor, GroupKind.ROLE, role_id)
    if group.workspace:  # a role of one workspace only
        raise not_found("role", role_id)
    return _custom(group)


def create_role(tx: Tx, actor: Actor, name: str, description: str = "") -> PlatformRole:
    """Make a custom role. Without grants that name it, it gives nothing."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    _refuse_built_in(name)
    return _custom(create_group(tx, actor, GroupKind.ROLE, name, description=description))


def change_role(
    tx: Tx, actor: Actor, role: PlatformRole, *, name: str | None = None, description: str | None = None
) -> PlatformRole:
    """Rename or describe a custom role; None leaves it as it is."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    group = _changeable(role)
    if name is not None:
        _refuse_built_in(name)
    return _custom(change_group(tx, actor, GroupKind.ROLE, group.id, name=name, description=description))


def delete_role(tx: Tx, actor: Actor, role: PlatformRole) -> None:
    """Remove a custom role, from its holders as well."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    delete_group(tx, actor, GroupKind.ROLE, _changeable(role).id)


def holders_of(tx: Tx, actor: Actor, role: PlatformRole) -> list[User]:
    """The users who were given the role, by name."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    if role.custom is not None:
        return members_of(tx, actor, GroupKind.ROLE, role.custom.id)
    where = {"resource_type": ResourceType.PLATFORM, "resource_id": PLATFORM_ID, "role": role.built_in}
    ids = {subject for (subject,) in tx.values(Grant, ("subject_id",), **where)}
    return tx.find(User, order_by="username", id=ids)


def roles_of(tx: Tx, actor: Actor, user_id: str) -> list[PlatformRole]:
    """The roles that the user was given."""
    require_platform(actor, Permission.GROUPS_MANAGE)
    get_user(tx, actor, user_id)
    given = platform_roles(tx, user_id)
    custom = [_custom(group) for group in groups_of(tx, GroupKind.ROLE, user_id) if not group.workspace]
    return [*(role for role in BUILT_IN.values() if role.built_in in given), *custom]


def give_roles(tx: Tx, actor: Actor, user_id: str, roles: Collection[PlatformRole]) -> None:
    """Give the user these roles; what they have already they keep.

    ``FAILED_PRECONDITION`` for a built-in role beside another one that does not include it: a user has one.
    """
    require_platform(actor, Permission.USERS_MANAGE)
    get_user(tx, actor, user_id)
    for role in roles:
        if role.custom is not None:
            ensure_in_group(tx, actor, GroupKind.ROLE, role.custom.id, user_id)
        else:
            _give_built_in(tx, actor, user_id, role)


def take_roles(tx: Tx, actor: Actor, user_id: str, roles: Collection[PlatformRole]) -> None:
    """Take these roles from the user as far as they have them.

    An administrator becomes an ordinary user; without any built-in role a user can do nothing. Nobody demotes
    themselves, and the last administrator stays.
    """
    require_platform(actor, Permission.USERS_MANAGE)
    get_user(tx, actor, user_id)
    for role in roles:
        if role.custom is not None:
            take_from_group(tx, actor, GroupKind.ROLE, role.custom.id, user_id)
        elif role.built_in in platform_roles(tx, user_id):
            _take_built_in(tx, actor, user_id, role)


def _give_built_in(tx: Tx, actor: Actor, user_id: str, role: PlatformRole) -> None:
    held = [BUILT_IN[name.lower()] for name in sorted(platform_roles(tx, user_id))]
    if any(role == other or role in other.includes for other in held):
        return
    if role.built_in is Role.ADMIN:
        change_user(tx, actor, user_id, Profile(admin=True))
    elif role.built_in is not None and not held:
        set_platform_role(tx, user_id, role.built_in)
        _changed_roles(tx, actor, user_id, frozenset())
    else:
        message = f"the user has the role {held[0].name} and can have one built-in role only; take that one first"
        raise failed_precondition(message)


def _take_built_in(tx: Tx, actor: Actor, user_id: str, role: PlatformRole) -> None:
    if role.built_in is Role.ADMIN:
        change_user(tx, actor, user_id, Profile(admin=False))
    else:
        before = platform_roles(tx, user_id)
        tx.delete(Grant, subject_id=user_id, resource_type=ResourceType.PLATFORM, role=role.built_in)
        _changed_roles(tx, actor, user_id, before)


def _changed_roles(tx: Tx, actor: Actor, user_id: str, before: frozenset[str]) -> None:
    tx.touch(Topic.ACCESS)
    user = get_user(tx, actor, user_id)
    record_change(tx, actor, user, user, before)


def _changeable(role: PlatformRole) -> Group:
    if role.custom is None:
        raise failed_precondition(f"the role {role.name} is built in: it is neither changed nor removed")
    return role.custom


def _refuse_built_in(name: str) -> None:
    if name.strip().lower() in BUILT_IN:
        raise conflict(f"a role named {name[:80]!r} is built in; choose another name")


def _custom(group: Group) -> PlatformRole:
    return PlatformRole(group.subject_id, group.name, group.description, custom=group)
