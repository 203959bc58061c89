"""Seldon's words for rights: ``read``, ``write`` and ``grant`` on ``namespace/…``, ``project/…`` and ``system/iam``.

``read`` is the level READ of a grant, ``write`` EDIT, ``grant`` MANAGE; each holds those before it. ``system/iam`` is
the administration of the platform, which people have or have not.
"""

from modelyard.core.access.granting import LEVEL_PERMISSIONS, Resource, require_manager
from modelyard.core.access.grants import ANY, PLATFORM_ID, ResourceType
from modelyard.core.access.permissions import ROLE_PERMISSIONS, Permission, Role
from modelyard.core.catalogue.workspaces import workspace_by_slug
from modelyard.core.identity.entities import Group, User
from modelyard.core.identity.group_tree import find_group, group_paths
from modelyard.core.identity.groups import GroupKind
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.iam_users import user_called

ACTIONS = {"read": Role.READ, "write": Role.EDIT, "grant": Role.MANAGE}
IAM = "system/iam"
EVERYBODY = "*"
"""What Seldon calls all users."""


def checked_action(action: str) -> str:
    """The action, or ``INVALID``."""
    if action not in ACTIONS:
        raise invalid(f"action {action[:40]!r} is unknown; use one of {', '.join(ACTIONS)}")
    return action


def managed_resource(tx: Tx, actor: Actor, text: str) -> Resource:
    """What rights are given on, for an actor who may give them there; ``system/iam`` is not among it."""
    kind, _, name = text.partition("/")
    if kind == "namespace" and name == ANY:
        found = Resource(ResourceType.WORKSPACE, ANY)
    elif kind == "namespace" and name:
        workspace = workspace_by_slug(tx, actor, name, Permission.WORKSPACE_MANAGE)
        found = Resource(ResourceType.WORKSPACE, str(workspace.id), workspace.id)
    elif kind == "project" and name:
        found = Resource(ResourceType.PROJECT, name)
    else:
        raise invalid(
            f"resource {text[:80]!r} is not understood: use namespace/NAME, project/NAME (each may be *) or {IAM}"
        )
    require_manager(tx, actor, found)
    return found


def actions_of(role: str, kind: ResourceType) -> list[str]:
    """What the role lets one do with this kind of thing, in Seldon's words."""
    if kind is ResourceType.PLATFORM:
        return list(ACTIONS) if role == Role.ADMIN else []
    held = ROLE_PERMISSIONS[Role(role)]
    return [action for action, level in ACTIONS.items() if LEVEL_PERMISSIONS[kind][level] in held]


def resource_name(kind: str, resource_id: str, slugs: dict[str, str]) -> str | None:
    """How Seldon writes what a grant is on; None for what it has no word for. ``slugs`` are those of workspaces."""
    if kind == ResourceType.PLATFORM:
        return IAM if resource_id == PLATFORM_ID else None
    if kind == ResourceType.PROJECT:
        return f"project/{resource_id}"
    if kind == ResourceType.WORKSPACE and (resource_id == ANY or resource_id in slugs):
        return f"namespace/{slugs.get(resource_id, ANY)}"
    return None


def user_subject(tx: Tx, name: str) -> str:
    """The subject of a user's grants; ``*`` is everyone."""
    return EVERYONE if name == EVERYBODY else user_called(tx, name).id


def group_subject(tx: Tx, name: str) -> str:
    """The subject of a group's grants."""
    return find_group(tx, name).subject_id


def subjects_called(tx: Tx, ids: set[str]) -> tuple[list[str], list[str]]:
    """(usernames, names of groups) of those of the subjects that Seldon has words for; everyone is ``*``."""
    users = [user.username for user in tx.find(User, order_by="username", id=ids)]
    groups = tx.find(Group, order_by="name", kind=GroupKind.GROUP, subject_id=ids)
    return [*([EVERYBODY] if EVERYONE in ids else []), *users], group_paths(tx, groups)


def iam_refusal(why: str) -> DomainError:
    """``INVALID`` for what cannot be said of ``system/iam`` here."""
    return invalid(f"{IAM} is the administration of the platform: {why}")
