"""What a web process offers to its handlers. ``bootstrap`` fills it; tests may fill it with less."""

from dataclasses import dataclass
from typing import Any, Protocol

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Store


class Authenticator(Protocol):
    """Turns an Authorization header into the caller."""

    async def authenticate(self, authorization: str | None) -> Actor:
        """The caller, fresh for one request; ``UNAUTHENTICATED`` when missing, malformed, expired or revoked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes that requests may not exceed."""

    body_bytes: int
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class Services:
    """The ports that handlers call. ``issuer``, ``artifacts``, ``logs`` and ``deployer`` are typed by their rooms."""

    store: Store
    authenticator: Authenticator
    limits: Limits
    public_url: str | None
    issuer: Any
    artifacts: Any
    logs: Any
    deployer: Any
