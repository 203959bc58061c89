"""Who is asking, remembered: a token is verified once, and its user loaded once until rights change.

Nothing remembered holds a token: entries are found by its digest. ``forget`` drops users and decisions, not verified
signatures, which stay true until the token ends or its key is retired.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.access_tokens import note_uses
from modelyard.core.identity.revocation import VerifiedToken, load_caller
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
    token_id: str | None


class TokenAuthenticator:
    """See ``web.services.Authenticator`` and ``web.inference.admission.CallerChecks``."""

    def __init__(self, store: Store, verify: Callable[[str], Awaitable[VerifiedToken]]) -> None:
        self._store = store
        self._verify = verify
        self._verified: OrderedDict[bytes, VerifiedToken] = OrderedDict()
        self._actors: OrderedDict[bytes, _Entry] = OrderedDict()
        self._decisions: OrderedDict[tuple[str, str, int], bool] = OrderedDict()
        self._used: set[str] = set()

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
        if entry is None or entry.expires_at <= time.time():
            return None
        if entry.token_id is not None:
            self._used.add(entry.token_id)
        return entry.actor

    async def resolve(self, authorization: bytes | None) -> Actor:
        """The caller behind any header; ``UNAUTHENTICATED`` when it names none."""
        token = _bearer(authorization)
        digest = sha256(authorization or b"").digest()
        known = self._verified  # as with actors below: what is verified now must not outlive its key
        verified = known.get(digest)
        if verified is None or verified.expires_at <= time.time():
            verified = await self._verify(token)
            _remember(known, digest, verified)
        actors = self._actors  # what is loaded now must not outlive a change of rights that comes meanwhile
        actor = await self._store.read(load_caller, verified)
        _remember(actors, digest, _Entry(actor, verified.expires_at, verified.token_id))
        if verified.token_id is not None:
            self._used.add(verified.token_id)
        return actor

    def allowed(self, actor: Actor, permission: Permission, pipeline_id: int) -> bool | None:
        """True when the decision is known to be yes, else None."""
        if not actor.in_scope(permission):  # what is remembered is what the user may, whatever the token
            return None
        return self._decisions.get((actor.user_id, permission, pipeline_id))

    async def require(
        self, actor: Actor, permission: Permission, pipeline_id: int, ask: Callable[[Tx, Actor], None]
    ) -> None:
        """Ask the store, and remember a yes."""
        decisions = self._decisions
        await self._store.read(ask, actor)
        _remember(decisions, (actor.user_id, permission, pipeline_id), True)

    def keep_uses(self) -> None:
        """Write down which personal access tokens were used since the last time; called about once a minute."""
        used, self._used = self._used, set()
        if used:
            self._store.run_write(note_uses, used)

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
