"""``/users/permissions/*``, the permissions routes of clients from 3.13 on; the same grants as the older routes."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access import granting
from modelyard.core.access.check import allowed, require_platform
from modelyard.core.access.granting import Resource, require_manager
from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import DENIALS, LEVELS, Permission, Role
from modelyard.core.identity.groups import GroupKind, groups_of
from modelyard.core.identity.users import is_admin, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.limits import shortened
from modelyard.core.tracking.resources import experiment_resource, model_resource, workspace_resource
from modelyard.dialects.mlflow.dialect import API, WORKSPACE, answer, body, mlflow, query
from modelyard.dialects.mlflow.principals import Username, named
from modelyard.web.call import Call

_MANAGED = Permission.WORKSPACE_MANAGE
_ACCEPTED = (*LEVELS, Role.DENY)
_AS_TYPE = {
    ResourceType.EXPERIMENT: "experiment",
    ResourceType.MODEL: "registered_model",
    ResourceType.WORKSPACE: "workspace",
}


class ResourceUser(msgspec.Struct):
    """Whose permission on what."""

    username: str
    resource_type: str
    resource_id: str


class ResourceLevel(ResourceUser):
    """Which permission."""

    permission: str


@mlflow.post(f"{API}/users/permissions/grant", Permission.SIGNED_IN, body=ResourceLevel)
async def grant_user_permission(call: Call) -> Response:
    """Give a user a permission."""
    asked = await body(call, ResourceLevel)
    await call.services.store.write(_grant, call.actor, asked)
    return answer()


@mlflow.post(f"{API}/users/permissions/revoke", Permission.SIGNED_IN, body=ResourceUser)
async def revoke_user_permission(call: Call) -> Response:
    """Take a user's permission away."""
    asked = await body(call, ResourceUser)
    await call.services.store.write(_revoke, call.actor, asked)
    return answer()


@mlflow.get(f"{API}/users/permissions/get", Permission.SIGNED_IN)
async def get_user_permission(call: Call) -> Response:
    """What a user may do on something in the end, through whichever grant."""
    return answer(await call.services.store.read(_effective, call.actor, query(call, ResourceUser)))


@mlflow.get(f"{API}/users/permissions/list", Permission.SIGNED_IN)
async def list_user_permissions(call: Call) -> Response:
    """All grants that count for a user."""
    return answer(await call.services.store.read(_list, call.actor, query(call, Username).username))


@mlflow.get(f"{API}/users/current/permissions", Permission.SIGNED_IN)
async def list_current_user_permissions(call: Call) -> Response:
    """All grants that count for who is asking."""
    return answer(await call.services.store.read(_list, call.actor, call.actor.username))


def resource_named(tx: Tx, kind: str, which: str) -> Resource:
    """What a resource type and id of MLflow name here; ``INVALID`` for kinds that are not kept."""
    match kind:
        case "experiment":
            return experiment_resource(tx, which)
        case "registered_model" | "prompt":
            return model_resource(tx, which)
        case "workspace":
            if which != "*":
                raise invalid("a workspace permission is given on '*'")
            return workspace_resource(tx)
    raise invalid(
        f"Invalid resource_type '{shortened(kind)}': this server keeps permissions on experiment, registered_model, "
        "prompt and workspace; what is inside them follows them"
    )


def level_named(permission: str) -> Role:
    """A permission that can be given; ``INVALID`` otherwise."""
    if permission not in _ACCEPTED:
        raise invalid(f"Invalid permission '{shortened(permission)}'. Valid permissions are: {', '.join(_ACCEPTED)}")
    return Role(permission)


def pattern_of(grant: Grant) -> str:
    """The resource id as MLflow writes it."""
    if grant.resource_type == ResourceType.MODEL:
        return grant.resource_id.partition("/")[2]
    return "*" if grant.resource_type == ResourceType.WORKSPACE else grant.resource_id


def type_of(grant: Grant) -> str:
    """The resource type as MLflow writes it."""
    return _AS_TYPE[ResourceType(grant.resource_type)]


def level_of(grant: Grant) -> str:
    """The permission as MLflow writes it, which has one word for denials."""
    return str(Role.DENY) if grant.role in DENIALS else grant.role


def shown_here(grant: Grant) -> bool:
    """Whether a grant is about something that MLflow knows."""
    return grant.resource_type in _AS_TYPE


def _grant(tx: Tx, actor: Actor, asked: ResourceLevel) -> None:
    resource = _managed(tx, actor, asked)
    granting.grant(tx, actor, named(tx, asked.username).id, resource, level_named(asked.permission))


def _revoke(tx: Tx, actor: Actor, asked: ResourceUser) -> None:
    resource = _managed(tx, actor, asked)
    granting.revoke(tx, actor, named(tx, asked.username).id, resource)


def _managed(tx: Tx, actor: Actor, asked: ResourceUser) -> Resource:
    require_platform(actor, Permission.SIGNED_IN)
    resource = resource_named(tx, asked.resource_type, asked.resource_id)
    if resource.kind is ResourceType.WORKSPACE and not allowed(tx, actor, _MANAGED, resource.workspace_id):
        require_platform(actor, Permission.USERS_MANAGE)  # everybody knows that there is this one
    require_manager(tx, actor, resource)
    return resource


def _effective(tx: Tx, actor: Actor, asked: ResourceUser) -> dict[str, Any]:
    user_id = _self_or_managed(tx, actor, asked.username)
    resource, who = resource_named(tx, asked.resource_type, asked.resource_id), load_actor(tx, user_id, None)
    for level in reversed(LEVELS):
        permission = granting.LEVEL_PERMISSIONS[resource.kind][level]
        if granting.explain(tx, who, permission, resource).allowed:
            return {"allowed": level is not Role.READ, "permission": str(level)}
    return {"allowed": False, "permission": str(Role.NO_PERMISSIONS)}


def _list(tx: Tx, actor: Actor, username: str) -> dict[str, Any]:
    user_id = _self_or_managed(tx, actor, username)
    roles = {role.subject_id: role for role in groups_of(tx, GroupKind.ROLE, user_id)}
    shown = []
    for grant in tx.find(Grant, subject_id=[user_id, *roles]):
        if shown_here(grant):
            role = roles.get(grant.subject_id)
            shown.append(
                {
                    "role_id": role.id if role else None,
                    "role_name": role.name if role else f"__user_{user_id}__",
                    "workspace": WORKSPACE,
                    "resource_type": type_of(grant),
                    "resource_pattern": pattern_of(grant),
                    "permission": level_of(grant),
                }
            )
    return {"is_admin": is_admin(load_actor(tx, user_id, None)), "permissions": shown}


def _self_or_managed(tx: Tx, actor: Actor, username: str) -> str:
    require_platform(actor, Permission.SIGNED_IN)
    if username.strip().lower() in {actor.username, actor.email}:
        return actor.user_id
    require_platform(actor, Permission.USERS_MANAGE)
    user = named(tx, username)
    if not user.enabled:
        raise not_found("enabled user", username)
    return user.id
