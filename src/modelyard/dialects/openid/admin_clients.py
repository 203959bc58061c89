"""The clients part of Keycloak's admin REST API. A client's ``id`` is its ``clientId``."""

import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.client_registry import (
    ClientChange,
    account_of,
    change_client,
    delete_client,
    get_client,
    list_clients,
    register_client,
    require_confidential,
    set_client_secret,
)
from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.admin import representation
from modelyard.dialects.openid.admin_query import created, done, flag, paged, path_value
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.issuers.embedded.issuer import secret_hash
from modelyard.web.call import Call

_CLIENTS = "/auth/admin/realms/{realm}/clients"
_CLIENT = f"{_CLIENTS}/{{client_id}}"
_SECRET_MIN, _SECRET_MAX = 8, 1024
_POST_LOGOUT = "post.logout.redirect.uris"
_DEVICE = "oauth2.device.authorization.grant.enabled"
_ID_TOKENS = "modelyard.id.tokens.as.bearer"
_SEPARATOR = "##"  # Keycloak's, between the URIs of one attribute


class ClientBody(msgspec.Struct, rename="camel"):
    """Keycloak's ClientRepresentation, as far as it is taken; what is not given stays as it is."""

    client_id: str | None = None
    enabled: bool | None = None
    public_client: bool | None = None
    secret: str | None = None
    redirect_uris: list[str] | None = None
    consent_required: bool | None = None
    standard_flow_enabled: bool | None = None
    direct_access_grants_enabled: bool | None = None
    service_accounts_enabled: bool | None = None
    attributes: dict[str, Any] = {}

    def change(self, held: list[str], hashed: str | None, *, public: bool | None) -> ClientChange:
        """The same in the core's words, for a client that has these grants."""
        return ClientChange(
            self._grants(held),
            hashed,
            public=public,
            redirect_uris=self.redirect_uris,
            post_logout_uris=self._post_logout_uris(),
            consent=self.consent_required,
            id_tokens_as_bearer=self._flag(_ID_TOKENS),
        )

    def _grants(self, held: list[str]) -> list[GrantType]:
        wanted = {
            GrantType.AUTHORIZATION_CODE: self.standard_flow_enabled,
            GrantType.PASSWORD: self.direct_access_grants_enabled,
            GrantType.CLIENT_CREDENTIALS: self.service_accounts_enabled,
            GrantType.DEVICE_CODE: self._flag(_DEVICE),
        }
        flows = [grant for grant, wish in wanted.items() if (wish if wish is not None else grant in held)]
        renews = set(flows) - {GrantType.CLIENT_CREDENTIALS}
        return [*flows, *([GrantType.REFRESH_TOKEN] if renews else [])]

    def _flag(self, attribute: str) -> bool | None:
        """An attribute that is true or false, which Keycloak keeps as text; None where it is not given."""
        return {"true": True, "false": False}.get(str(self.attributes.get(attribute)).lower())

    def _post_logout_uris(self) -> list[str] | None:
        given = self.attributes.get(_POST_LOGOUT)
        return None if given is None else [uri for uri in str(given).split(_SEPARATOR) if uri]


@openid.get(_CLIENTS, Permission.USERS_MANAGE)
async def show_clients(call: Call) -> Response:
    """All clients, or those that ``clientId`` names: one, or with ``search`` all whose names contain it."""
    realm_of(call)
    name = call.request.query_params.get("clientId")
    contained = flag(call, "search")
    found = await call.services.store.read(list_clients, call.actor, None if contained else name)
    named = [client for client in found if (name or "").lower() in client.id.lower()]
    return json([_representation(client) for client in paged(call, named)])


@openid.get(_CLIENT, Permission.USERS_MANAGE)
async def show_client(call: Call) -> Response:
    """One client."""
    realm_of(call)
    return json(_representation(await call.services.store.read(get_client, call.actor, _id(call))))


@openid.post(_CLIENTS, Permission.USERS_MANAGE)
async def create_client(call: Call) -> Response:
    """Add a client; 201 with its address. A confidential one without a secret is given one by ``client-secret``.

    Unless the body says otherwise it may sign users in by browser, and nothing else.
    """
    realm = realm_of(call)
    body = _checked(await call.json(ClientBody))
    hashed = None if body.public_client else secret_hash(body.secret or _new_secret())
    chosen = body.change([GrantType.AUTHORIZATION_CODE], hashed, public=bool(body.public_client))
    made = await call.services.store.write(register_client, call.actor, body.client_id or "", chosen)
    return created(f"/auth/admin/realms/{realm}/clients/{made.id}")


@openid.route("PUT", _CLIENT, Permission.USERS_MANAGE)
async def update_client(call: Call) -> Response:
    """Change what is given of a client; 204. The client id stays."""
    realm_of(call)
    body = _checked(await call.json(ClientBody))
    await call.services.store.write(_update, call.actor, _id(call), body)
    return done()


@openid.route("DELETE", _CLIENT, Permission.USERS_MANAGE)
async def remove_client(call: Call) -> Response:
    """Remove a client with its sessions and its own account; 204."""
    realm_of(call)
    await call.services.store.write(delete_client, call.actor, _id(call))
    return done()


@openid.get(f"{_CLIENT}/client-secret", Permission.USERS_MANAGE)
async def show_secret(call: Call) -> Response:
    """Refused: nobody can read a secret back."""
    realm_of(call)
    client = await call.services.store.read(get_client, call.actor, _id(call))
    require_confidential(client)
    message = f"the secret of {client.id} is kept as a digest only and cannot be shown; POST here to get a new one"
    raise failed_precondition(message)


@openid.post(f"{_CLIENT}/client-secret", Permission.USERS_MANAGE)
async def renew_secret(call: Call) -> Response:
    """Make up a new secret and show it, this once."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    secret = _new_secret()
    await call.services.store.write(set_client_secret, call.actor, _id(call), secret_hash(secret))
    return json({"type": "secret", "value": secret})


@openid.get(f"{_CLIENT}/service-account-user", Permission.USERS_MANAGE)
async def show_account(call: Call) -> Response:
    """The account that the client acts as by itself; 400 when it does not."""
    realm_of(call)
    return json(representation(await call.services.store.read(account_of, call.actor, _id(call)), call.actor))


@openid.get(f"{_CLIENT}/roles", Permission.USERS_MANAGE)
async def show_roles_of_client(call: Call) -> Response:
    """The roles of a client: none, all roles are of the realm."""
    realm_of(call)
    await call.services.store.read(get_client, call.actor, _id(call))
    return json([])


def _representation(client: OAuthClient) -> dict[str, Any]:
    return {
        "id": client.id,
        "clientId": client.id,
        "enabled": True,
        "protocol": "openid-connect",
        "clientAuthenticatorType": "client-secret",
        "publicClient": client.secret_hash is None,
        "bearerOnly": False,
        "consentRequired": client.consent,
        "standardFlowEnabled": GrantType.AUTHORIZATION_CODE in client.grants,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": GrantType.PASSWORD in client.grants,
        "serviceAccountsEnabled": GrantType.CLIENT_CREDENTIALS in client.grants,
        "redirectUris": client.redirect_uris,
        "webOrigins": [],
        "attributes": {
            _POST_LOGOUT: _SEPARATOR.join(client.post_logout_uris),
            _DEVICE: _text(GrantType.DEVICE_CODE in client.grants),
            _ID_TOKENS: _text(client.id_tokens_as_bearer),
        },
    }


def _text(flag: bool) -> str:
    return "true" if flag else "false"


def _update(tx: Tx, actor: Actor, client_id: str, body: ClientBody) -> OAuthClient:
    client = get_client(tx, actor, client_id)
    if body.client_id not in (None, client_id):
        raise failed_precondition(f"{client_id} keeps this client id; make another client instead")
    secret = body.secret
    if body.public_client is False and client.secret_hash is None:
        secret = secret or _new_secret()
    hashed = secret_hash(secret) if secret is not None else None
    return change_client(tx, actor, client_id, body.change(client.grants, hashed, public=body.public_client))


def _checked(body: ClientBody) -> ClientBody:
    if body.enabled is False:
        raise failed_precondition("clients are not switched off here; take the client's grants, or delete it")
    if body.secret is not None and not _SECRET_MIN <= len(body.secret) <= _SECRET_MAX:
        raise invalid(f"a client's secret must have {_SECRET_MIN} to {_SECRET_MAX} characters")
    return body


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _id(call: Call) -> str:
    return path_value(call, "client_id")
