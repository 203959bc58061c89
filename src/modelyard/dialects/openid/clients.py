"""The clients part of Keycloak's admin REST API. A client's ``id`` is its ``clientId``."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.client_registry import (
    ClientChange,
    change_client,
    get_client,
    list_clients,
    register_client,
    set_client_secret,
)
from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.issuers.embedded.codes import new_code
from modelyard.issuers.embedded.issuer import secret_hash
from modelyard.web.call import Call

_CLIENTS = "/auth/admin/realms/{realm}/clients"
_CLIENT = f"{_CLIENTS}/{{client_id}}"
_POST_LOGOUT = "post.logout.redirect.uris"
_DEVICE = "oauth2.device.authorization.grant.enabled"
_SEPARATOR = "##"  # Keycloak's, between the URIs of one attribute


class ClientBody(msgspec.Struct, rename="camel"):
    """Keycloak's ClientRepresentation, as far as it is taken; what is not given stays as it is."""

    client_id: str = ""
    public_client: bool = False
    secret: str | None = None
    redirect_uris: list[str] | None = None
    consent_required: bool | None = None
    standard_flow_enabled: bool | None = None
    direct_access_grants_enabled: bool | None = None
    service_accounts_enabled: bool | None = None
    attributes: dict[str, str] = {}

    def change(self, grants: list[str]) -> ClientChange:
        """The same in the core's words, for a client that has these grants."""
        device = {"true": True, "false": False}.get(self.attributes.get(_DEVICE, ""))
        wanted = {
            GrantType.AUTHORIZATION_CODE: self.standard_flow_enabled,
            GrantType.PASSWORD: self.direct_access_grants_enabled,
            GrantType.CLIENT_CREDENTIALS: self.service_accounts_enabled,
            GrantType.DEVICE_CODE: device,
        }
        flows = [grant for grant, wish in wanted.items() if (wish if wish is not None else grant in grants)]
        renews = set(flows) - {GrantType.CLIENT_CREDENTIALS}
        logout = self.attributes.get(_POST_LOGOUT)
        return ClientChange(
            [*flows, *([GrantType.REFRESH_TOKEN] if renews else [])],
            self.redirect_uris,
            None if logout is None else [uri for uri in logout.split(_SEPARATOR) if uri],
            self.consent_required,
        )


@openid.get(_CLIENTS, Permission.USERS_MANAGE)
async def show_clients(call: Call) -> Response:
    """All clients, or the one that ``clientId`` names."""
    realm_of(call)
    name = call.request.query_params.get("clientId")
    found = await call.services.store.read(list_clients, call.actor, name)
    return json([_representation(client) for client in found])


@openid.get(_CLIENT, Permission.USERS_MANAGE)
async def show_client(call: Call) -> Response:
    """One client."""
    realm_of(call)
    return json(_representation(await call.services.store.read(get_client, call.actor, _named(call))))


@openid.post(_CLIENTS, Permission.USERS_MANAGE)
async def create_client(call: Call) -> Response:
    """Add a client; 201 with its address. A confidential one without a secret is given one by ``client-secret``."""
    realm = realm_of(call)
    body = await call.json(ClientBody)
    hashed = None if body.public_client else secret_hash(body.secret or new_code())
    change = body.change([GrantType.AUTHORIZATION_CODE])
    made = await call.services.store.write(register_client, call.actor, body.client_id, hashed, change)
    return Response(status_code=201, headers={"location": f"/auth/admin/realms/{realm}/clients/{made.id}"})


@openid.route("PUT", _CLIENT, Permission.USERS_MANAGE)
async def update_client(call: Call) -> Response:
    """Change a client; 204."""
    realm_of(call)
    body = await call.json(ClientBody)
    kept = await call.services.store.read(get_client, call.actor, _named(call))
    await call.services.store.write(change_client, call.actor, kept.id, body.change(kept.grants))
    return Response(status_code=204)


@openid.post(f"{_CLIENT}/client-secret", Permission.USERS_MANAGE)
async def renew_secret(call: Call) -> Response:
    """Make up a new secret and show it, this once: only its digest is kept."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    secret = new_code()
    await call.services.store.write(set_client_secret, call.actor, _named(call), secret_hash(secret))
    return json({"type": "secret", "value": secret})


def _named(call: Call) -> str:
    name: str = call.request.path_params["client_id"]
    return name


def _representation(client: OAuthClient) -> dict[str, Any]:
    return {
        "id": client.id,
        "clientId": client.id,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": client.secret_hash is None,
        "bearerOnly": False,
        "redirectUris": client.redirect_uris,
        "consentRequired": client.consent,
        "standardFlowEnabled": GrantType.AUTHORIZATION_CODE in client.grants,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": GrantType.PASSWORD in client.grants,
        "serviceAccountsEnabled": GrantType.CLIENT_CREDENTIALS in client.grants,
        "attributes": {
            _POST_LOGOUT: _SEPARATOR.join(client.post_logout_uris),
            _DEVICE: "true" if GrantType.DEVICE_CODE in client.grants else "false",
        },
    }
