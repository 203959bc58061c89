"""What all grants share: refusals, scopes, and which client may use which grant."""

from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient

SCOPES = ("openid", "profile", "email", "groups", "offline_access")
_DEFAULT_SCOPE = ("profile", "email")


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, section 5.2): ``error`` is a code of the RFC."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def allow(client: OAuthClient, grant: GrantType) -> None:
    """The client may use the grant, or ``unauthorized_client``."""
    if grant not in client.grants:
        raise OAuthError("unauthorized_client", f"The client {client.id} is not allowed the grant {grant}")


def granted_scope(scope: str | None) -> str:
    """The scope granted: what was asked for and is known, with the default claims; unknown scopes are refused."""
    asked = (scope or "").split()
    unknown = [name for name in asked if name not in SCOPES]
    if unknown:
        raise OAuthError("invalid_scope", f"Invalid scopes: {' '.join(unknown)[:200]}")
    return " ".join(dict.fromkeys([*asked, *_DEFAULT_SCOPE]))
