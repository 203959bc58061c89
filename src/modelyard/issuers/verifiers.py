"""Who can say whose a bearer token is: an ordered list, of which the first that knows the kind of token decides."""

from collections.abc import Callable
from dataclasses import dataclass

from modelyard.core.kernel.errors import DomainError, ErrorKind


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good bearer token says. ``expires_at`` is in seconds since 1970.

    ``token_id`` names a token that can be revoked by itself: whether it still holds, and its scopes, is asked of the
    store whenever rights are loaded (``core.identity.users.load_actor``).
    """

    user_id: str
    client_id: str
    session_id: str | None
    expires_at: int
    token_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """``knows`` tells by the look of a token whether ``verify`` decides about it.

    ``verify`` raises ``UNAUTHENTICATED`` for a token that is not good. Both may be called on any thread.
    """

    knows: Callable[[str], bool]
    verify: Callable[[str], Verified]


class Verifiers:
    """Called with a token, answers as the first of its verifiers that knows the kind."""

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = verifiers

    def __call__(self, token: str) -> Verified:
        """What the token says; ``UNAUTHENTICATED`` when nobody knows it or it is not good."""
        for verifier in self._verifiers:
            if verifier.knows(token):
                return verifier.verify(token)
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the bearer token was refused: it is of no kind this server knows")
