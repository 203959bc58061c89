"""Who decides about bearer tokens."""

# ruff: noqa: PLC0415
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.store import Store
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.tokens import verify_access_now, verify_access_or_id_now
from modelyard.issuers.personal import personal_tokens
from modelyard.issuers.session_tokens import session_tokens
from modelyard.issuers.verifiers import Verifier, Verifiers, in_thread
from modelyard.settings import Settings

if TYPE_CHECKING:
    from modelyard.issuers.external.issuer import ExternalIssuer


@dataclass(frozen=True, slots=True)
class BearerVerifiers:
    """``access`` for all APIs; ``identity`` for those that take ID tokens and sessions, too."""

    access: Verifiers
    identity: Verifiers


def bearer_verifiers(settings: Settings, keys: KeyRing, store: Store, lifetimes: Lifetimes) -> BearerVerifiers:
    """Personal access tokens, the external issuers of the settings, the embedded issuer, in this order."""
    external = list(_external(settings, store))
    access = Verifier(lambda _: True, in_thread(partial(verify_access_now, keys, settings.realms)))
    either = Verifier(lambda _: True, in_thread(partial(verify_access_or_id_now, keys, settings.realms)))
    personal, sessions = personal_tokens(store), session_tokens(store, lifetimes)
    return BearerVerifiers(
        Verifiers(personal, *(each.verifier() for each in external), access),
        Verifiers(personal, sessions, *(each.verifier(id_tokens=True) for each in external), either),
    )


def _external(settings: Settings, store: Store) -> Iterator["ExternalIssuer"]:
    """Where there are none, nothing of an HTTP client is loaded."""
    if settings.external_issuers:
        from modelyard.issuers.external.issuer import ExternalIssuer

        for each in settings.external_issuers:
            yield ExternalIssuer(each, store)
