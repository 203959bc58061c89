"""PermissionManagementService: users, as Seldon's administrators keep them."""

import re
import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.external import refuse_managed
from modelyard.core.identity.users import NewUser, delete_user, find_by_login, find_users, invite_user, set_password
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.web.call import Call

USERS = f"{BASE}/iam/users"
USER = f"{USERS}/{{username}}"
_USERNAME = re.compile(r"[A-Za-z0-9_-]{1,30}")


class CreateUserRequest(msgspec.Struct, rename="camel"):
    """Who to add."""

    username: str
    email: str
    first_name: str = ""
    last_name: str = ""


@seldon.get(USERS, Permission.USERS_READ)
async def get_users(call: Call) -> Response:
    """The users whose username, email, firstName and lastName contain what is asked for."""
    asked = call.request.query_params
    found = await call.services.store.read(
        find_users, call.actor, email=asked.get("email"), username=asked.get("username")
    )
    first, last = asked.get("firstName", "").lower(), asked.get("lastName", "").lower()
    named = [user for user in found if first in user.first_name.lower() and last in user.last_name.lower()]
    return json({"users": [user_json(user) for user in named]})


@seldon.post(USERS, Permission.USERS_MANAGE)
async def create_user(call: Call) -> Response:
    """Add a user, who has no password until one is set for them."""
    require_platform(call.actor, Permission.USERS_MANAGE)
    body = await call.json(CreateUserRequest)
    if not _USERNAME.fullmatch(body.username):
        raise invalid(f"username {body.username[:60]!r} is not allowed: use 1 to 30 letters, digits, - and _")
    if "@" not in body.email:
        raise invalid(f"email {body.email[:60]!r} is not an e-mail address")
    new = NewUser(body.username, body.email, None, first_name=body.first_name, last_name=body.last_name)
    await call.services.store.write(invite_user, call.actor, new)
    return json({})


@seldon.route("DELETE", USER, Permission.USERS_MANAGE)
async def remove_user(call: Call) -> Response:
    """Remove a user."""
    await call.services.store.write(_delete, call.actor, call.request.path_params["username"])
    return json({})


@seldon.post(f"{USER}/resetPassword", Permission.USERS_MANAGE)
async def reset_password(call: Call) -> Response:
    """Give a user a temporary password, which opens nothing but the page on which they choose another one.

    It is in the answer, this once, and kept nowhere.
    """
    user = await call.services.store.read(_changeable, call.actor, call.request.path_params["username"])
    password = secrets.token_urlsafe(12)
    hashed = await call.services.issuer.passwords.hash(password)
    await call.services.store.write(set_password, call.actor, user.id, hashed, temporary=True)
    answer = json({"temporaryPassword": password})
    answer.headers["cache-control"] = "no-store"
    return answer


def user_json(user: User) -> dict[str, Any]:
    """Seldon's v1User."""
    return {
        "username": user.username,
        "email": user.email or "",
        "firstName": user.first_name,
        "lastName": user.last_name,
        "enabled": user.enabled,
        "emailVerified": False,
        "creationTime": timestamp(user.created_at),
    }


def user_called(tx: Tx, username: str) -> User:
    """The user with this username or e-mail address; asks for no permission."""
    found = find_by_login(tx, username)
    if found is None:
        raise not_found("user", username[:80])
    return found


def _changeable(tx: Tx, actor: Actor, username: str) -> User:
    require_platform(actor, Permission.USERS_MANAGE)
    user = user_called(tx, username)
    refuse_managed(tx, user)
    return user


def _delete(tx: Tx, actor: Actor, username: str) -> None:
    delete_user(tx, actor, _changeable(tx, actor, username).id)
