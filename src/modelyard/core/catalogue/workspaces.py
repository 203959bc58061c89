"""Workspaces and who is in them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count

from modelyard.core.access.check import ask, require, require_platform, visible, visible_by
from modelyard.core.access.granting import keep_an_owner
from modelyard.core.access.grants import OF_WORKSPACE, Grant, ResourceType, new_grant
from modelyard.core.access.permissions import WORKSPACE_ROLES, Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import DefaultWorkspace, Model, Workspace
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import find_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import slug_of, title
from modelyard.core.kernel.store import StartsWith, Topic, Tx

_OWNER_SHOWN = 200  # characters of a user's name that leave room for the rest of a workspace's


@dataclass(frozen=True, slots=True)
class Member:
    """A user and the role they hold in a workspace."""

    user_id: str
    role: str


@dataclass(frozen=True, slots=True)
class WorkspaceChange:
    """What of a workspace can be changed; None leaves it as it is."""

    name: str | None = None
    archived: bool | None = None


def create_workspace(tx: Tx, actor: Actor, name: str) -> Workspace:
    """Make a workspace; who makes it owns it."""
    require_platform(actor, Permission.WORKSPACE_CREATE)
    wanted = title("workspace", name)
    if tx.first(Workspace, name=wanted) is not None:
        raise conflict(f"a workspace named {wanted!r} already exists; choose another name", name=wanted)
    made = tx.insert(new_workspace(tx, wanted, actor.user_id))
    _grant(tx, made.id, actor.user_id, Role.OWNER)
    record(tx, actor, Action.WORKSPACE_CREATE, "workspace", made.id, name=wanted)
    return made


def new_workspace(tx: Tx, name: str, maker: str) -> Workspace:
    """A workspace to insert; its slug is free."""
    slug = slug_of(name)
    taken = {found for (found,) in tx.values(Workspace, ("slug",), slug=StartsWith(slug))}
    free = next(text for number in count(1) if (text := slug if number == 1 else f"{slug}-{number}") not in taken)
    return Workspace(0, name, free, False, tx.now, maker)


def workspace_by_slug(tx: Tx, actor: Actor, slug: str, permission: Permission) -> Workspace:
    """The workspace of this name in URLs, for someone who holds the permission on it."""
    found = tx.first(Workspace, slug=slug)
    if found is None:
        ask(actor, permission)
        raise not_found("namespace", slug)
    require(tx, actor, permission, found.id, "namespace", slug)
    return found


def default_workspace(tx: Tx, actor: Actor) -> Workspace:
    """The workspace that the actor's client falls back on, made at the first time of asking."""
    require_platform(actor, Permission.WORKSPACE_CREATE)
    chosen = tx.first(DefaultWorkspace, order_by="user_id", user_id=actor.user_id)
    if chosen and any(grant.subject_id == actor.user_id for grant in _grants(tx, chosen.workspace_id)):
        return existing(tx, chosen.workspace_id)
    tx.delete(DefaultWorkspace, user_id=actor.user_id)  # of one who was taken out of it
    made = create_workspace(tx, actor, _default_name(tx, actor))
    tx.insert(DefaultWorkspace(actor.user_id, made.id))
    return made


def get_workspace(tx: Tx, actor: Actor, workspace_id: int) -> Workspace:
    """One workspace."""
    require(tx, actor, Permission.WORKSPACE_READ, workspace_id, "workspace", workspace_id)
    return existing(tx, workspace_id)


def list_workspaces(tx: Tx, actor: Actor) -> list[tuple[Workspace, list[int]]]:
    """The workspaces that the actor may see, each with the ids of its models."""
    found = tx.find(Workspace, **visible_by("id", actor, Permission.WORKSPACE_READ))
    held: dict[int, list[int]] = defaultdict(list)
    may_read = visible(actor, Permission.MODEL_READ, (ResourceType.MODEL, OF_WORKSPACE))
    for model_id, workspace_id in tx.values(Model, ("id", "workspace_id"), **may_read):
        held[workspace_id].append(model_id)
    return [(workspace, held[workspace.id]) for workspace in found]


def change_workspace(tx: Tx, actor: Actor, workspace_id: int, change: WorkspaceChange) -> Workspace:
    """Rename a workspace, or (un)archive it."""
    require(tx, actor, Permission.WORKSPACE_MANAGE, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)
    name = title("workspace", change.name) if change.name is not None else None
    other = tx.first(Workspace, name=name) if name else None
    if other is not None and other.id != workspace_id:
        raise conflict(f"a workspace named {name!r} already exists; choose another name")
    changed = tx.update(
        Workspace,
        workspace_id,
        lambda w: replace(w, name=name or w.name, archived=w.archived if change.archived is None else change.archived),
    )
    record(tx, actor, Action.WORKSPACE_CHANGE, "workspace", workspace_id, name=changed.name, archived=changed.archived)
    return changed


def list_members(tx: Tx, actor: Actor, workspace_id: int) -> list[Member]:
    """Who is in the workspace, in the order they came."""
    require(tx, actor, Permission.WORKSPACE_READ, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)
    return [Member(grant.subject_id, grant.role) for grant in people_among(tx, _grants(tx, workspace_id))]


def add_member(tx: Tx, actor: Actor, workspace_id: int, login_or_id: str, role: str) -> None:
    """Give a user a role in the workspace, in place of the one they have."""
    require(tx, actor, Permission.WORKSPACE_MANAGE, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)
    wanted = _role(role)
    user = _user(tx, login_or_id)
    if wanted is not Role.OWNER:
        keep_an_owner(tx, str(workspace_id), user.id)
    tx.delete(Grant, subject_id=user.id, resource_type=ResourceType.WORKSPACE, resource_id=str(workspace_id))
    _grant(tx, workspace_id, user.id, wanted)
    record(
        tx, actor, Action.GRANT_GIVE, "workspace", workspace_id, role=wanted, user_id=user.id, username=user.username
    )


def remove_member(tx: Tx, actor: Actor, workspace_id: int, login_or_id: str) -> int:
    """Take a user out of the workspace; returns how many were taken out, 0 or 1. Anybody may leave."""
    user = find_user(tx, login_or_id)
    leaving = user is not None and user.id == actor.user_id
    permission = Permission.WORKSPACE_READ if leaving else Permission.WORKSPACE_MANAGE
    ask(actor, Permission.WORKSPACE_MANAGE)
    require(tx, actor, permission, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)
    if user is None:
        raise not_found("user", login_or_id)
    keep_an_owner(tx, str(workspace_id), user.id)
    tx.touch(Topic.ACCESS)
    taken = tx.delete(Grant, subject_id=user.id, resource_type=ResourceType.WORKSPACE, resource_id=str(workspace_id))
    if taken:
        record(tx, actor, Action.GRANT_TAKE, "workspace", workspace_id, user_id=user.id, username=user.username)
    return taken


def people_among(tx: Tx, grants: list[Grant]) -> list[Grant]:
    """Those of the grants that make a user a member: not groups, and not denials or levels."""
    ids = [grant.subject_id for grant in grants]
    users = {user_id for (user_id,) in tx.values(User, ("id",), id=ids)}
    return [grant for grant in grants if grant.subject_id in users and grant.role in WORKSPACE_ROLES]


def existing(tx: Tx, workspace_id: int) -> Workspace:
    """The workspace, or ``NOT_FOUND``: administrators pass every check, even for what is not there."""
    found = tx.get(Workspace, workspace_id)
    if found is None:
        raise not_found("workspace", workspace_id)
    return found


def _default_name(tx: Tx, actor: Actor) -> str:
    """Names are free for all to take, so that this one may be gone."""
    name = f"{(actor.email or actor.username)[:_OWNER_SHOWN]} - Default Workspace"
    return name if tx.first(Workspace, name=name) is None else f"{name} {new_uuid()[:8]}"


def _grants(tx: Tx, workspace_id: int) -> list[Grant]:
    return tx.find(Grant, resource_type=ResourceType.WORKSPACE, resource_id=str(workspace_id))


def _grant(tx: Tx, workspace_id: int, user_id: str, role: Role) -> None:
    tx.insert(new_grant(user_id, ResourceType.WORKSPACE, str(workspace_id), role, tx.now))
    tx.touch(Topic.ACCESS)


def _user(tx: Tx, login_or_id: str) -> User:
    user = find_user(tx, login_or_id)
    if user is None:
        raise not_found("user", login_or_id)
    return user


def _role(name: str) -> Role:
    try:
        role = Role(name.upper())
    except ValueError:
        role = Role.USER
    if role not in WORKSPACE_ROLES:
        raise invalid(f"role {name[:40]!r} is unknown; use one of {', '.join(sorted(WORKSPACE_ROLES))}")
    return role
