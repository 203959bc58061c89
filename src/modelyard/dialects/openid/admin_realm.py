"""Realms, signing keys and the server, as Keycloak's admin REST API describes them; only what holds is said."""

import base64
import time
from typing import Any

from joserfc.jwk import RSAKey
from starlette.responses import Response

from modelyard import __version__
from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.web.call import Call

_REALMS = "/auth/admin/realms"
_REALM = f"{_REALMS}/{{realm}}"


@openid.get(_REALMS, Permission.USERS_MANAGE)
async def show_realms(call: Call) -> Response:
    """The realms: names for one and the same identity."""
    require_platform(call.actor, Permission.USERS_MANAGE)
    issuer = call.services.issuer
    return json([_representation(realm, issuer) for realm in issuer.realms])


@openid.get(_REALM, Permission.USERS_MANAGE)
async def show_realm(call: Call) -> Response:
    """One realm."""
    require_platform(call.actor, Permission.USERS_MANAGE)
    return json(_representation(realm_of(call), call.services.issuer))


@openid.get(f"{_REALM}/keys", Permission.USERS_MANAGE)
async def show_keys(call: Call) -> Response:
    """The signing keys, their public halves: active the one that signs, passive those that only verify."""
    realm_of(call)
    require_platform(call.actor, Permission.USERS_MANAGE)
    keys = call.services.issuer.keys
    shown: Any = keys.jwks()["keys"]
    active = keys.kid
    return json({"active": {"RS256": active}, "keys": [_key(key, active=key["kid"] == active) for key in shown]})


@openid.get("/auth/admin/serverinfo", Permission.USERS_MANAGE)
async def show_server(call: Call) -> Response:
    """What the server is; its version is not one of Keycloak."""
    require_platform(call.actor, Permission.USERS_MANAGE)
    return json(
        {"systemInfo": {"version": __version__, "serverTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}
    )


def _representation(realm: str, issuer: EmbeddedIssuer) -> dict[str, Any]:
    """Keycloak's RealmRepresentation; lifetimes in seconds."""
    lifetimes = issuer.lifetimes
    return {
        "id": realm,
        "realm": realm,
        "enabled": True,
        "registrationAllowed": False,
        "resetPasswordAllowed": False,
        "editUsernameAllowed": False,
        "loginWithEmailAllowed": True,
        "duplicateEmailsAllowed": False,
        "verifyEmail": False,
        "bruteForceProtected": True,
        "permanentLockout": False,
        "revokeRefreshToken": True,
        "accessTokenLifespan": lifetimes.access,
        "ssoSessionIdleTimeout": lifetimes.refresh,
        "offlineSessionIdleTimeout": lifetimes.offline,
        "defaultSignatureAlgorithm": "RS256",
    }


def _key(key: dict[str, Any], *, active: bool) -> dict[str, Any]:
    public = RSAKey.import_key(key).as_der(private=False)
    return {
        "kid": key["kid"],
        "status": "ACTIVE" if active else "PASSIVE",
        "type": "RSA",
        "algorithm": "RS256",
        "use": "SIG",
        "publicKey": base64.b64encode(public).decode(),
    }
