"""Who is asking, remembered: a token is verified once, and its user loaded once until rights change.

Nothing remembered holds a token: entries are found by its digest. ``forget`` drops users and decisions, not verified
signatures, which stay true until the token ends or its key is retired.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.identity.revocation import Verified, load_caller
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx

K = TypeVar("K")
V = TypeVar("V")

_REMEMBERED = 10_000
_SCHEME = b"bearer "


@dataclass(frozen=True, slots=True)
class _Entry:
    actor: Actor
    expires_at: int


class TokenAuthenticator:
    """See ``web.services.Authenticator`` and ``dialects.wallaroo.inference.app.CallerChecks``."""

    def __init__(self, store: Store, verify: Callable[[str], Verified]) -> None:
        self._store = store
        self._verify = verify
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()
        self._actors: OrderedDict[bytes, _Entry] = OrderedDict()
        self._decisions: OrderedDict[tuple[str, str, int], bool] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Actor:
        """The caller, with an empty record of checks."""
        header = authorization.encode("latin-1") if authorization is not None else None
        actor = self.cached(header) or await self.resolve(header)
        return actor.for_request()

    def cached(self, authorization: bytes | None) -> Actor | None:
        """The caller behind a header seen before, or None."""
        if authorization is None:
            return None
        entry = self._actors.get(sha256(authorization).digest())
        return entry.actor if entry is not None and entry.expires_at > time.time() else None

    async def resolve(self, authorization: bytes | None) -> Actor:
        """The caller behind any header; ``UNAUTHENTICATED`` when it names none."""
        token = _bearer(authorization)
        digest = sha256(authorization or b"").digest()
        known = self._verified  # as with actors below: what is verified now must not outlive its key
        verified = known.get(digest)
        if verified is None or verified.expires_at <= time.time():
            verified = await asyncio.to_thread(self._verify, token)
            _remember(known, digest, verified)
        actors = self._actors  # what is loaded now must not outlive a change of rights that comes meanwhile
        actor = await self._store.read(load_caller, verified)
        _remember(actors, digest, _Entry(actor, verified.expires_at))
        return actor

    def allowed(self, actor: Actor, permission: Permission, workspace_id: int) -> bool | None:
        """True when the decision is known to be yes, else None."""
        return self._decisions.get((actor.user_id, permission, workspace_id))

    async def require(self, actor: Actor, permission: Permission, workspace_id: int, what: str, which: object) -> None:
        """Ask the store, and remember a yes."""
        decisions = self._decisions

        def ask(tx: Tx) -> None:
            require(tx, actor, permission, workspace_id, what, which)

        await self._store.read(ask)
        _remember(decisions, (actor.user_id, permission, workspace_id), True)

    def forget(self) -> None:
        """Rights changed: load everybody anew."""
        self._actors = OrderedDict()
        self._decisions = OrderedDict()

    def forget_tokens(self) -> None:
        """Keys changed: verify everything anew."""
        self._verified = OrderedDict()
        self.forget()


def _remember(entries: OrderedDict[K, V], key: K, value: V) -> None:
    entries[key] = value
    if len(entries) > _REMEMBERED:
        entries.popitem(last=False)


def _bearer(authorization: bytes | None) -> str:
    if authorization is None:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "no credentials: send the header Authorization: Bearer <token>")
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the Authorization header must be: Bearer <token>")
    return authorization[len(_SCHEME) :].strip().decode("latin-1")
