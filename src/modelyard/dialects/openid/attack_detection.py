"""Failed sign-ins, as Keycloak's admin REST API shows and clears them."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.attack_detection import (
    FailedSignIns,
    all_failed_sign_ins,
    failed_sign_ins,
    forgive_everybody,
    forgive_user,
)
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_USERS = "/auth/admin/realms/{realm}/attack-detection/brute-force/users"


@openid.get(_USERS, Permission.USERS_MANAGE)
async def list_failures(call: Call) -> Response:
    """The users with failed sign-ins that still count."""
    realm_of(call)
    found = await call.services.store.read(all_failed_sign_ins, call.actor)
    return json([{"id": each.user.id, "username": each.user.username, **status(each)} for each in found])


@openid.get(f"{_USERS}/{{user_id}}", Permission.USERS_MANAGE)
async def show_failures(call: Call) -> Response:
    """The failed sign-ins of one user."""
    realm_of(call)
    found = await call.services.store.read(failed_sign_ins, call.actor, call.request.path_params["user_id"])
    return json(status(found))


@openid.route("DELETE", _USERS, Permission.USERS_MANAGE)
async def clear_all_failures(call: Call) -> Response:
    """Forget all failed sign-ins; 204."""
    realm_of(call)
    await call.services.store.write(forgive_everybody, call.actor)
    return Response(status_code=204)


@openid.route("DELETE", f"{_USERS}/{{user_id}}", Permission.USERS_MANAGE)
async def clear_failures(call: Call) -> Response:
    """Forget the failed sign-ins of one user; 204."""
    realm_of(call)
    await call.services.store.write(forgive_user, call.actor, call.request.path_params["user_id"])
    return Response(status_code=204)


def status(found: FailedSignIns) -> dict[str, Any]:
    """Keycloak's status of a user: ``lastFailure`` in milliseconds since 1970. Nobody is ever disabled by failures."""
    return {
        "numFailures": found.failures,
        "disabled": False,
        "lastIPFailure": found.last_from or "n/a",
        "lastFailure": int(found.last_at.timestamp() * 1000) if found.last_at else 0,
    }
