"""Password hashing: slow on purpose, so bounded and away from the event loop."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from modelyard.core.kernel.errors import DomainError, ErrorKind

T = TypeVar("T")

_MEMORY_KIB, _ITERATIONS, _LANES = 19 * 1024, 2, 1
_THREADS = 2
_WAITING = 32


class Passwords:
    """Argon2id with OWASP's parameters (Password Storage Cheat Sheet: 19 MiB, 2 iterations, 1 lane)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_ITERATIONS, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._threads = ThreadPoolExecutor(_THREADS, "passwords")
        self._under_way = 0
        self._dummy = _nobodys()

    def hash_now(self, password: str) -> str:
        """The hash, computed on the caller's thread."""
        return self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """The hash; ``RATE_LIMITED`` when too many are waiting already."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. Takes as long for a user who does not exist (None)."""
        right = await self._run(lambda: self._verify(password_hash or self._dummy, password))
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            # NFC, as passwords are kept (core.identity.users.check_password): keyboards write one text in several ways.
            return self._hasher.verify(password_hash, unicodedata.normalize("NFC", password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= _WAITING:
            raise DomainError(ErrorKind.RATE_LIMITED, "too many sign-ins at once; try again in a second")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _nobodys() -> str:
    """What looks like a hash and takes as long to check, but is random: computing one would delay each start."""
    salt, digest = (base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ITERATIONS},p={_LANES}${salt}${digest}"
