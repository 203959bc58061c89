"""Who verifies bearer tokens."""

# ruff: noqa: PLC0415
from functools import partial

from modelyard.core.kernel.store import Store
from modelyard.issuers.choice import TokenVerifier
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.tokens import verify_access_now
from modelyard.settings import Settings


def token_verifier(settings: Settings, keys: KeyRing, store: Store) -> TokenVerifier:
    """The embedded issuer and the external ones of the settings; without these nothing of an HTTP client is loaded."""
    embedded = partial(verify_access_now, keys, settings.realms)
    if not settings.external_issuers:
        return TokenVerifier(embedded, ())
    from modelyard.issuers.external.issuer import ExternalIssuer

    return TokenVerifier(embedded, [ExternalIssuer(each, store) for each in settings.external_issuers])
