"""Who decides about bearer tokens."""

# ruff: noqa: PLC0415
from collections.abc import Iterator
from functools import partial

from modelyard.core.kernel.store import Store
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.tokens import verify_access_now
from modelyard.issuers.personal import personal_tokens
from modelyard.issuers.verifiers import Verifier, Verifiers, in_thread
from modelyard.settings import Settings


def bearer_verifiers(settings: Settings, keys: KeyRing, store: Store) -> Verifiers:
    """Personal access tokens, the external issuers of the settings, the embedded issuer, in this order."""
    embedded = Verifier(lambda _: True, in_thread(partial(verify_access_now, keys, settings.realms)))
    return Verifiers(personal_tokens(store), *_external(settings, store), embedded)


def _external(settings: Settings, store: Store) -> Iterator[Verifier]:
    """Where there are none, nothing of an HTTP client is loaded."""
    if settings.external_issuers:
        from modelyard.issuers.external.issuer import ExternalIssuer

        for each in settings.external_issuers:
            yield ExternalIssuer(each, store).verifier()
