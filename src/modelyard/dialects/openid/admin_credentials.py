"""Passwords of users, as Keycloak's admin REST API sets, lists and removes them. No hash ever leaves."""

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.users import check_password, get_user, password_of, remove_password, set_password
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.dialects.openid.admin_query import done, path_value
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_USER = "/auth/admin/realms/{realm}/users/{user_id}"
_PASSWORD = "password"  # noqa: S105  # the type of a credential, and the id of the one a user can have


class CredentialBody(msgspec.Struct):
    """Keycloak's CredentialRepresentation, as far as it is used."""

    value: str
    type: str = _PASSWORD
    temporary: bool = False


@openid.route("PUT", f"{_USER}/reset-password", Permission.USERS_MANAGE)
async def reset_password(call: Call) -> Response:
    """Give a user a new password; 204."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    body = await call.json(CredentialBody)
    if body.type != _PASSWORD:
        raise invalid(f"credentials of type {body.type[:40]!r} are not kept here; users have passwords")
    user = await call.services.store.read(get_user, call.actor, path_value(call, "user_id"))
    hashed = await password_hash(call, body, user.username, user.email)
    await call.services.store.write(set_password, call.actor, user.id, hashed, temporary=body.temporary)
    return done()


@openid.get(f"{_USER}/credentials", Permission.USERS_MANAGE)
async def list_credentials(call: Call) -> Response:
    """Whether the user has a password, and since when."""
    realm_of(call)
    found = await call.services.store.read(password_of, call.actor, path_value(call, "user_id"))
    if found is None:
        return json([])
    changed = int(found.changed_at.timestamp() * 1000)
    return json([{"id": _PASSWORD, "type": _PASSWORD, "createdDate": changed, "temporary": found.temporary}])


@openid.route("DELETE", f"{_USER}/credentials/{{credential_id}}", Permission.USERS_MANAGE)
async def delete_credential(call: Call) -> Response:
    """Take the user's password away; 204."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    if path_value(call, "credential_id") != _PASSWORD:
        raise not_found("credential", path_value(call, "credential_id")[:80])
    await call.services.store.write(remove_password, call.actor, path_value(call, "user_id"))
    return done()


def password_in(credentials: list[CredentialBody]) -> CredentialBody | None:
    """The password among credentials, if there is one."""
    return next((credential for credential in credentials if credential.type == _PASSWORD), None)


async def password_hash(call: Call, credential: CredentialBody, username: str, email: str | None) -> str:
    """The hash of a password that keeps the rules; ask for the permission first, as this takes its time."""
    return await call.services.issuer.passwords.hash(check_password(credential.value, username, email))
