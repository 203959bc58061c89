"""HTTP Basic (RFC 7617), for the dialects whose clients know nothing else: a password, or a personal access token.

A password is hashed once and remembered by an HMAC under a key of this process alone: whoever reads this memory can
try passwords no faster than against the stored hash and a secret. A new password, a disabled user and changed rights
count at once: what is remembered is asked again whenever rights change anywhere.
"""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import Credential, User
from modelyard.core.identity.token_text import is_personal
from modelyard.core.identity.users import find_by_login, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx

_REMEMBERED = 10_000
_SCHEME = "basic "

CheckPassword = Callable[[str, str, str | None], Awaitable[User]]
"""(username, password, client address) -> the user; raises ``UNAUTHENTICATED`` or ``RATE_LIMITED``."""

CheckToken = Callable[[str], Awaitable[Actor]]
"""An Authorization header with a bearer token -> the caller."""


@dataclass(frozen=True, slots=True)
class _SignedIn:
    """Whose password was right, and when that password was set."""

    user_id: str
    password_set_at: datetime


class BasicAuthenticator:
    """Turns an ``Authorization: Basic …`` header into the caller."""

    def __init__(self, store: Store, check_password: CheckPassword, check_token: CheckToken) -> None:
        self._store = store
        self._check_password = check_password
        self._check_token = check_token
        self._key = secrets.token_bytes(32)
        self._signed_in: OrderedDict[bytes, _SignedIn] = OrderedDict()
        self._actors: dict[bytes, Actor] = {}
        self._under_way: dict[bytes, asyncio.Task[Actor]] = {}

    async def authenticate(self, authorization: str, address: str | None) -> Actor:
        """The caller, with an empty record of checks; ``UNAUTHENTICATED`` or ``RATE_LIMITED`` otherwise."""
        digest = hmac.digest(self._key, authorization.encode("latin-1"), "sha256")
        actor = self._actors.get(digest)
        if actor is None:
            actor = await self._resolved_once(digest, authorization, address)
        return actor.for_request()

    def forget(self) -> None:
        """Rights changed: load everybody anew, without asking for passwords again."""
        self._actors = {}

    async def _resolved_once(self, digest: bytes, authorization: str, address: str | None) -> Actor:
        """Many requests may come with one new header: its password is hashed once for all of them."""
        task = self._under_way.get(digest)
        if task is None:
            task = asyncio.create_task(self._resolve(digest, authorization, address))
            self._under_way[digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(digest, None))
        return await asyncio.shield(task)

    async def _resolve(self, digest: bytes, authorization: str, address: str | None) -> Actor:
        username, password = _parsed(authorization)
        if is_personal(password):
            return await self._check_token(f"Bearer {password}")
        actors, known = self._actors, self._signed_in.get(digest)
        actor = await self._store.read(_still, known) if known else None
        if actor is None:
            known = await self._store.read(_named, username)  # before: the check may be slower than a new password
            user = await self._check_password(username, password, address)
            actor = await self._store.read(_still, known)
            if actor is not None:
                await self._store.write(_record_login, user, address)
        if known is None or actor is None:
            raise DomainError(ErrorKind.UNAUTHENTICATED, "the user's password was changed just now")
        self._remember(digest, known)
        if len(actors) < _REMEMBERED:
            actors[digest] = actor
        return actor

    def _remember(self, digest: bytes, known: _SignedIn) -> None:
        self._signed_in[digest] = known
        if len(self._signed_in) > _REMEMBERED:
            self._signed_in.popitem(last=False)


def is_basic(authorization: str | None) -> bool:
    """Whether the header is for HTTP Basic."""
    return authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME


def _parsed(authorization: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(authorization[len(_SCHEME) :].strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the Authorization header is not valid HTTP Basic") from error
    username, separator, password = text.partition(":")
    if not separator or not username or not password:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "give a username and a password")
    return username, password


def _record_login(tx: Tx, user: User, address: str | None) -> None:
    """Once for each process and password: from then on it is remembered."""
    record(tx, Actor(user.id, user.username, address=address), Action.LOGIN, "user", user.id, scheme="Basic")


def _named(tx: Tx, username: str) -> _SignedIn | None:
    user = find_by_login(tx, username)
    credential = tx.get(Credential, user.id) if user else None
    return _SignedIn(credential.user_id, credential.changed_at) if credential else None


def _still(tx: Tx, known: _SignedIn | None) -> Actor | None:
    """The caller, while the password that was right is still the user's; None when it was changed or removed."""
    credential = tx.get(Credential, known.user_id) if known else None
    if known is None or credential is None or credential.changed_at != known.password_set_at:
        return None
    return load_actor(tx, known.user_id, None)
