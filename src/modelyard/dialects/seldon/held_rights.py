"""What a caller may do in effect, in Seldon's words."""

from collections.abc import Iterator

from modelyard.core.access.check import decide, holds
from modelyard.core.access.granting import LEVEL_PERMISSIONS
from modelyard.core.access.grants import ANY, Grant, ResourceType, covers
from modelyard.core.catalogue.workspaces import list_workspaces
from modelyard.core.identity.users import is_admin
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.policy_names import ACTIONS, IAM


def rights_of_caller(tx: Tx, actor: Actor) -> Iterator[tuple[str, str]]:
    """(action, resource) for all that grants to the caller, their groups and everyone come to together."""
    if is_admin(actor):
        yield from ((action, IAM) for action in ACTIONS)
    grants = tx.find(Grant, subject_id=actor.subjects)
    names = {str(workspace.id): workspace.slug for workspace, _ in list_workspaces(tx, actor)}
    for key, name in {ANY: ANY, **names}.items():
        yield from ((action, f"namespace/{name}") for action in _actions(actor, grants, ResourceType.WORKSPACE, key))
    projects = {grant.resource_id for grant in grants if grant.resource_type == ResourceType.PROJECT}
    for label in {ANY, *projects}:
        yield from ((action, f"project/{label}") for action in _actions(actor, grants, ResourceType.PROJECT, label))


def _actions(actor: Actor, grants: list[Grant], kind: ResourceType, key: str) -> Iterator[str]:
    itself = [grant for grant in grants if grant.resource_type == kind and covers(grant, key)]
    own = None if kind is ResourceType.WORKSPACE else (kind, key)
    for action, level in ACTIONS.items():
        permission = LEVEL_PERMISSIONS[kind][level]
        if actor.in_scope(permission) and (holds(actor, permission) or decide(itself, permission, own).allowed):
            yield action
