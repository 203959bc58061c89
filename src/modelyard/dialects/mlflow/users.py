"""``/users/*``: who there is, passwords, administrators."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity import users as core
from modelyard.core.identity.entities import User
from modelyard.core.identity.groups import GroupKind, groups_of
from modelyard.core.identity.users import NewUser, Profile, check_password, is_admin
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.mlflow.dialect import API, answer, body, mlflow, query
from modelyard.dialects.mlflow.principals import Username, named, user_json
from modelyard.dialects.mlflow.roles import role_json
from modelyard.web.basic import is_basic
from modelyard.web.call import Call


class CreateUser(msgspec.Struct):
    """A name and a password."""

    username: str
    password: str


class UpdatePassword(msgspec.Struct):
    """A new password; users who change their own give the present one, too."""

    username: str
    password: str
    current_password: str | None = None


class UpdateAdmin(msgspec.Struct):
    """Whether a user administers the server."""

    username: str
    is_admin: bool


@mlflow.post(f"{API}/users/create", Permission.USERS_MANAGE, body=CreateUser)
async def create_user(call: Call) -> Response:
    """Add a user."""
    require_platform(call.actor, Permission.USERS_MANAGE)  # before a password is hashed for nothing
    asked = await body(call, CreateUser)
    if not asked.username:
        raise invalid("Username cannot be empty.")
    hashed = await call.services.issuer.passwords.hash(check_password(asked.password, asked.username, None))
    return answer({"user": await call.services.store.write(_create, call.actor, asked.username, hashed)})


@mlflow.get(f"{API}/users/get", Permission.SIGNED_IN)
async def get_user(call: Call) -> Response:
    """One user: oneself, or for administrators anybody."""
    return answer({"user": await call.services.store.glance(_get, call.actor, query(call, Username).username)})


@mlflow.get(f"{API}/users/list", Permission.USERS_READ)
async def list_users(call: Call) -> Response:
    """All users, with the custom roles they hold."""
    return answer({"users": await call.services.store.read(_list, call.actor)})


@mlflow.get(f"{API}/users/current", Permission.SIGNED_IN)
async def current_user(call: Call) -> Response:
    """Who is asking."""
    shown = await call.services.store.glance(_get, call.actor, call.actor.username)
    return answer({"user": shown, "is_basic_auth": is_basic(call.request.headers.get("authorization"))})


@mlflow.route("PATCH", f"{API}/users/update-password", Permission.SIGNED_IN, body=UpdatePassword)
async def update_password(call: Call) -> Response:
    """Give a user a new password: one's own, or as an administrator anybody's."""
    asked = await body(call, UpdatePassword)
    user = await call.services.store.read(_self_or_managed, call.actor, asked.username)
    password = check_password(asked.password, user.username, user.email)
    managing = is_admin(call.actor) and call.actor.in_scope(Permission.USERS_MANAGE)
    if user.id == call.actor.user_id and not (managing and asked.current_password is None):
        await _check_present(call, user, asked)
    hashed = await call.services.issuer.passwords.hash(password)
    await call.services.store.write(core.change_password, call.actor, user.id, hashed)
    return answer()


@mlflow.route("PATCH", f"{API}/users/update-admin", Permission.USERS_MANAGE, body=UpdateAdmin)
async def update_admin(call: Call) -> Response:
    """Make a user an administrator, or no longer one."""
    asked = await body(call, UpdateAdmin)
    await call.services.store.write(_set_admin, call.actor, asked.username, asked.is_admin)
    return answer()


@mlflow.route("DELETE", f"{API}/users/delete", Permission.USERS_MANAGE, body=Username)
async def delete_user(call: Call) -> Response:
    """Remove a user with everything they were granted."""
    asked = await body(call, Username)
    await call.services.store.write(_delete, call.actor, asked.username)
    return answer()


async def _check_present(call: Call, user: User, asked: UpdatePassword) -> None:
    if not asked.current_password:
        raise invalid("Changing your own password needs the present one: send current_password")
    address = call.address
    try:
        await call.services.issuer.credentials.check(user.username, asked.current_password, address)
    except DomainError as error:
        if error.kind is ErrorKind.UNAUTHENTICATED:
            raise invalid("current_password is not the present password") from error
        raise
    if asked.current_password == asked.password:
        raise invalid("the new password must differ from the present one")


def _create(tx: Tx, actor: Actor, username: str, password_hash: str) -> dict[str, Any]:
    return user_json(tx, core.invite_user(tx, actor, NewUser(username, None, password_hash)))


def _get(tx: Tx, actor: Actor, username: str) -> dict[str, Any]:
    return user_json(tx, _self_or_managed(tx, actor, username))


def _self_or_managed(tx: Tx, actor: Actor, username: str) -> User:
    """Oneself, or any user for an administrator; others learn nothing, not even who exists."""
    require_platform(actor, Permission.SIGNED_IN)
    if username.strip().lower() not in {actor.username, actor.email}:
        require_platform(actor, Permission.USERS_MANAGE)
    return named(tx, username)


def _list(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    return [
        {
            **{key: value for key, value in user_json(tx, user).items() if not key.endswith("permissions")},
            "roles": [role_json(tx, role) for role in groups_of(tx, GroupKind.ROLE, user.id)],
        }
        for user in core.find_users(tx, actor)
    ]


def _set_admin(tx: Tx, actor: Actor, username: str, admin: bool) -> None:  # as the body says it
    require_platform(actor, Permission.USERS_MANAGE)
    core.change_user(tx, actor, named(tx, username).id, Profile(admin=admin))


def _delete(tx: Tx, actor: Actor, username: str) -> None:
    require_platform(actor, Permission.USERS_MANAGE)
    core.delete_user(tx, actor, named(tx, username).id)
