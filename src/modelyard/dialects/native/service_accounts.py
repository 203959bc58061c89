"""Service accounts, for administrators."""

import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission, Role
from modelyard.core.identity.service_accounts import (
    NewServiceAccount,
    Shown,
    create_service_account,
    delete_service_account,
    get_service_account,
    list_service_accounts,
)
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.issuers.embedded.issuer import secret_hash
from modelyard.web.call import Call

_ACCOUNTS = "/api/v1/service-accounts"


class ServiceAccountBody(msgspec.Struct):
    """The account to make. ``owner`` is a username, e-mail address or id, by default the caller.

    ``role`` is one on the platform. With ``oauth_client`` the account gets a confidential OAuth client of its name.
    """

    name: str
    description: str = ""
    owner: str | None = None
    role: str = Role.USER
    oauth_client: bool = False


@native.post(_ACCOUNTS, Permission.USERS_MANAGE, body=ServiceAccountBody, success=201)
async def create(call: Call) -> Response:
    """Make a service account; 201, with the client's secret as ``client_secret``, this once."""
    body = await call.json(ServiceAccountBody)
    secret = secrets.token_urlsafe(32) if body.oauth_client else None
    hashed = secret_hash(secret) if secret is not None else None
    new = NewServiceAccount(body.name, body.description, body.owner, body.role, hashed)
    made = await call.services.store.write(create_service_account, call.actor, new)
    answer = shown(made) | ({"client_secret": secret} if secret is not None else {})
    return json(answer, 201, {"location": f"{_ACCOUNTS}/{made.user.id}"})


@native.get(_ACCOUNTS, Permission.USERS_MANAGE)
async def list_all(call: Call) -> Response:
    """All service accounts."""
    found = await call.services.store.read(list_service_accounts, call.actor)
    return json({"service_accounts": [shown(account) for account in found]})


@native.get(f"{_ACCOUNTS}/{{account}}", Permission.USERS_MANAGE)
async def show(call: Call) -> Response:
    """One service account, by name or id."""
    found = await call.services.store.read(get_service_account, call.actor, call.request.path_params["account"])
    return json(shown(found))


@native.route("DELETE", f"{_ACCOUNTS}/{{account}}", Permission.USERS_MANAGE)
async def delete(call: Call) -> Response:
    """Remove a service account, by name or id, with its tokens, client and grants; 204."""
    await call.services.store.write(delete_service_account, call.actor, call.request.path_params["account"])
    return Response(status_code=204)


def shown(found: Shown) -> dict[str, Any]:
    """A service account; ``client_id`` is that of its OAuth client, if it has one."""
    return {
        "id": found.user.id,
        "name": found.user.username,
        "description": found.account.description,
        "owner": found.owner,
        "role": found.role,
        "client_id": found.client_id,
        "enabled": found.user.enabled,
        "created_at": timestamp(found.account.created_at),
    }
