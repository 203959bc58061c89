"""Why somebody may do something, or not."""

from dataclasses import dataclass

from modelyard.core.access import granting
from modelyard.core.access.check import Decision, require_platform
from modelyard.core.access.granting import LEVEL_PERMISSIONS, Resource
from modelyard.core.access.grants import ResourceType
from modelyard.core.access.permissions import LEVELS, ON_PLATFORM, Permission, Role
from modelyard.core.identity.entities import Group, User
from modelyard.core.identity.groups import way_to
from modelyard.core.identity.subjects import user_with
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx

_ABOUT = {
    ResourceType.EXPERIMENT: ("experiment",),
    ResourceType.MODEL: ("model",),
    ResourceType.PIPELINE: ("pipeline", "logs"),
    ResourceType.PROJECT: ("model",),
    ResourceType.WORKSPACE: ("workspace", "model", "experiment", "pipeline", "logs"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided about a user, and through which groups the deciding grant reaches them, theirs first."""

    user: User
    permission: Permission
    decision: Decision
    through: tuple[Group, ...] = ()


def explain(tx: Tx, actor: Actor, login: str, action: str, resource: Resource) -> Explanation:
    """Whether a user may do something, as all of their tokens and passwords are concerned, and what decides it.

    Anybody may ask about themselves, about others who holds ``ACCESS_EXPLAIN``.
    """
    require_platform(actor, Permission.SIGNED_IN)
    if login.strip().lower() not in {actor.username, actor.email, actor.user_id}:
        require_platform(actor, Permission.ACCESS_EXPLAIN)
    user, permission = user_with(tx, login), permission_meant(action, resource.kind)
    if not user.enabled:
        return Explanation(user, permission, Decision(False, "the user is disabled"))
    decision = granting.explain(tx, load_actor(tx, user.id, None), permission, resource)
    through = way_to(tx, user.id, decision.grant.subject_id) if decision.grant else ()
    return Explanation(user, permission, decision, through)


def permission_meant(action: str, kind: ResourceType) -> Permission:
    """The permission behind a name or, on a thing, behind a level; ``INVALID`` for what is not about the kind."""
    if kind in LEVEL_PERMISSIONS and action.upper() in LEVELS:
        return LEVEL_PERMISSIONS[kind][Role(action.upper())]
    fitting = [permission for permission in Permission if _fits(permission, kind)]
    if action not in fitting:
        levels = f"{', '.join(LEVELS)}, " if kind in LEVEL_PERMISSIONS else ""
        raise invalid(
            f"{action[:60]!r} does not fit this kind of thing ({kind}); use one of {levels}{', '.join(fitting)}"
        )
    return Permission(action)


def _fits(permission: Permission, kind: ResourceType) -> bool:
    if kind is ResourceType.PLATFORM or permission in ON_PLATFORM:
        return kind is ResourceType.PLATFORM and permission in ON_PLATFORM
    return permission.partition(".")[0] in _ABOUT[kind]
