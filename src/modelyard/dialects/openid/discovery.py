"""What clients read to find their way: discovery, keys, and who a token belongs to."""

from datetime import UTC, datetime

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.entities import User
from modelyard.core.identity.group_tree import group_paths_of
from modelyard.core.kernel.errors import DomainError, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.openid.dialect import PROTOCOL, REALM, issuer_url, json, openid, realm_of
from modelyard.issuers.embedded.authorization import PROMPTS
from modelyard.issuers.embedded.claims import userinfo
from modelyard.issuers.embedded.oauth import SCOPES
from modelyard.issuers.embedded.tokens import read_access
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_SECRET_METHODS = ["client_secret_basic", "client_secret_post"]
_CLAIMS = [
    *("sub", "iss", "aud", "exp", "iat", "azp", "auth_time", "nonce", "sid", "acr"),
    *("name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups"),
]


@openid.get(f"{REALM}/.well-known/openid-configuration", PUBLIC)
async def configuration(call: Call) -> Response:
    """The provider's metadata (OpenID Connect Discovery, section 3): only what works is listed."""
    issuer = issuer_url(call)
    protocol = f"{issuer}/protocol/openid-connect"
    return json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{protocol}/auth",
            "token_endpoint": f"{protocol}/token",
            "device_authorization_endpoint": f"{protocol}/auth/device",
            "introspection_endpoint": f"{protocol}/token/introspect",
            "revocation_endpoint": f"{protocol}/revoke",
            "userinfo_endpoint": f"{protocol}/userinfo",
            "end_session_endpoint": f"{protocol}/logout",
            "jwks_uri": f"{protocol}/certs",
            "grant_types_supported": [str(grant) for grant in call.services.issuer.grants],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "prompt_values_supported": list(PROMPTS),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [*_SECRET_METHODS, "none"],
            "revocation_endpoint_auth_methods_supported": [*_SECRET_METHODS, "none"],
            "introspection_endpoint_auth_methods_supported": _SECRET_METHODS,
            "scopes_supported": list(SCOPES),
            "claims_supported": _CLAIMS,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
    )


@openid.get("/.well-known/oauth-authorization-server/auth/realms/{realm}", PUBLIC)
async def server_metadata(call: Call) -> Response:
    """The same where OAuth clients look for it (RFC 8414, section 3.1)."""
    return await configuration(call)


@openid.get(f"{PROTOCOL}/certs", PUBLIC)
async def certs(call: Call) -> Response:
    """The public keys (RFC 7517)."""
    realm_of(call)
    return json(call.services.issuer.keys.jwks())


@openid.get(REALM, PUBLIC)
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


@openid.get(f"{PROTOCOL}/userinfo", Permission.SIGNED_IN)
async def get_userinfo(call: Call) -> Response:
    """Who the token's user is (OpenID Connect Core, section 5.3)."""
    realm_of(call)
    require_platform(call.actor, Permission.SIGNED_IN)
    with_groups = "groups" in _scope(call)
    user, groups = await call.services.store.read(_person, call.actor.user_id)
    if user is None:
        raise not_found("user", call.actor.user_id)
    return json(userinfo(user, groups if with_groups else None))


@openid.post(f"{PROTOCOL}/userinfo", Permission.SIGNED_IN)
async def post_userinfo(call: Call) -> Response:
    """The same by POST, which the specification asks for."""
    return await get_userinfo(call)


def _scope(call: Call) -> list[str]:
    """The scope of the access token in use; none of a token that is not one of this server's own."""
    issuer, token = call.services.issuer, call.request.headers.get("authorization", "").partition(" ")[2]
    try:
        claims = read_access(issuer.keys, token.strip(), issuer.realms, datetime.now(UTC))
    except DomainError:
        return []
    return str(claims.get("scope", "")).split()


def _person(tx: Tx, user_id: str) -> tuple[User | None, list[str]]:
    return tx.get(User, user_id), group_paths_of(tx, user_id)
