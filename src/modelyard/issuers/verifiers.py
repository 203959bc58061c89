"""Who can say whose a bearer token is: an ordered list, of which the first that knows the kind of token decides."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from modelyard.core.kernel.errors import DomainError, ErrorKind

_LOOK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good bearer token says. ``expires_at`` is in seconds since 1970.

    ``token_id`` names a token that can be revoked by itself: whether it still holds, and its scopes, is asked of the
    store whenever rights are loaded (``core.identity.users.load_actor``). ``session_id`` and ``jti`` name a session of
    this server and a signed token of it, which may have been ended (``core.identity.revocation``). ``groups`` are what
    an external issuer calls the groups of the user. ``id_token`` says that it is an ID token of this server: it counts
    while its client may use them so. ``browser_session_id`` names the session of a cookie.
    """

    user_id: str
    client_id: str
    session_id: str | None
    expires_at: int
    token_id: str | None = None
    jti: str | None = None
    groups: frozenset[str] = frozenset()
    id_token: bool = False
    browser_session_id: str | None = None


def _nothing() -> None:
    """Most verifiers need nothing from elsewhere."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """``knows`` tells by the look of a token whether ``verify`` decides about it.

    ``verify`` raises ``UNAUTHENTICATED`` for a token that is not good. ``look`` begins to fetch what the verifier needs
    from elsewhere, and waits for nothing. All are called on the event loop and must not hold it up.
    """

    knows: Callable[[str], bool]
    verify: Callable[[str], Awaitable[Verified]]
    look: Callable[[], object] = _nothing


def in_thread(verify: Callable[[str], Verified]) -> Callable[[str], Awaitable[Verified]]:
    """``verify``, which computes or asks the store, as a ``Verifier`` needs it."""
    return lambda token: asyncio.to_thread(verify, token)


class Verifiers:
    """Called with a token, answers as the first of its verifiers that knows the kind."""

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = verifiers

    async def __call__(self, token: str) -> Verified:
        """What the token says; ``UNAUTHENTICATED`` when nobody knows it or it is not good."""
        for verifier in self._verifiers:
            if verifier.knows(token):
                return await verifier.verify(token)
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the bearer token was refused: it is of no kind this server knows")

    async def keep_looking(self) -> None:
        """Let all verifiers look now and every ten minutes, until cancelled."""
        while True:
            for verifier in self._verifiers:
                verifier.look()
            await asyncio.sleep(_LOOK_SECONDS)
