"""What clients read to find their way: discovery, keys, and who a token belongs to."""

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.kernel.errors import not_found
from modelyard.dialects.openid.dialect import issuer_url, json, openid, realm_of
from modelyard.issuers.embedded.tokens import userinfo
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_REALM = "/auth/realms/{realm}"
_PROTOCOL = f"{_REALM}/protocol/openid-connect"


@openid.get(f"{_REALM}/.well-known/openid-configuration", PUBLIC)
async def configuration(call: Call) -> Response:
    """The provider's metadata (OpenID Connect Discovery, section 3): only what works is listed."""
    issuer = issuer_url(call)
    protocol = f"{issuer}/protocol/openid-connect"
    return json(
        {
            "issuer": issuer,
            "token_endpoint": f"{protocol}/token",
            "userinfo_endpoint": f"{protocol}/userinfo",
            "jwks_uri": f"{protocol}/certs",
            "grant_types_supported": [str(grant) for grant in call.services.issuer.grants],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "name", "preferred_username", "email"],
        }
    )


@openid.get(f"{_PROTOCOL}/certs", PUBLIC)
async def certs(call: Call) -> Response:
    """The public keys (RFC 7517)."""
    realm_of(call)
    return json(call.services.issuer.keys.jwks())


@openid.get(_REALM, PUBLIC)
async def realm(call: Call) -> Response:
    """The realm, as Keycloak's adapters read it."""
    issuer = issuer_url(call)
    return json(
        {
            "realm": realm_of(call),
            "public_key": call.services.issuer.keys.public_key(),
            "token-service": f"{issuer}/protocol/openid-connect",
            "account-service": f"{issuer}/account",
            "tokens-not-before": 0,
        }
    )


@openid.get(f"{_PROTOCOL}/userinfo", Permission.SIGNED_IN)
async def get_userinfo(call: Call) -> Response:
    """Who the token's user is (OpenID Connect Core, section 5.3)."""
    realm_of(call)
    require_platform(call.actor, Permission.SIGNED_IN)
    user = await call.services.store.read(lambda tx: tx.get(User, call.actor.user_id))
    if user is None:
        raise not_found("user", call.actor.user_id)
    return json(userinfo(user))


@openid.post(f"{_PROTOCOL}/userinfo", Permission.SIGNED_IN)
async def post_userinfo(call: Call) -> Response:
    """The same by POST, which the specification asks for."""
    return await get_userinfo(call)
