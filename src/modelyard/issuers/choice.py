"""Which issuer a token is of. Its own word only chooses who verifies it; whoever does believes none of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from modelyard.issuers.embedded.tokens import Verified as EmbeddedToken
from modelyard.issuers.external.tokens import Verified as ExternalToken
from modelyard.issuers.external.tokens import claimed_issuer

_LOOK_SECONDS = 600


class External(Protocol):
    """An issuer that is not this server; see ``issuers.external.issuer``."""

    @property
    def url(self) -> str:
        """What its tokens have as ``iss``."""

    async def verify(self, token: str) -> ExternalToken:
        """What the token says; ``UNAUTHENTICATED`` unless it is good."""

    def look(self) -> object:
        """Begin to fetch its keys, and wait for nothing."""


class TokenVerifier:
    """Calls the external issuer that the token names, or ``embedded`` (in a thread) when it names none of them."""

    def __init__(self, embedded: Callable[[str], EmbeddedToken], external: Sequence[External]) -> None:
        self._embedded = embedded
        self._external = {issuer.url: issuer for issuer in external}

    async def __call__(self, token: str) -> EmbeddedToken | ExternalToken:
        """What the token says; ``UNAUTHENTICATED`` unless it is good."""
        named = self._external.get(claimed_issuer(token) or "") if self._external else None
        return await named.verify(token) if named else await asyncio.to_thread(self._embedded, token)

    async def keep_looking(self) -> None:
        """Fetch the keys of all external issuers, now and every ten minutes, until cancelled; nobody waits for it."""
        while True:
            for issuer in self._external.values():
                issuer.look()
            await asyncio.sleep(_LOOK_SECONDS)
