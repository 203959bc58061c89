"""Checking a username and a password, the same way wherever they are given."""

import asyncio
import contextlib

from modelyard.core.identity import throttle
from modelyard.core.identity.entities import Credential, User
from modelyard.core.identity.throttle import Attempt
from modelyard.core.identity.users import find_by_login, rehash
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded.passwords import Passwords


class CredentialCheck:
    """Looks passwords up, as fast as ``core.identity.throttle`` allows."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def check(self, username: str, password: str, address: str | None) -> User:
        """The user, who is enabled and has this password.

        ``username`` may be an e-mail address; ``address`` is the client's IP address. Raises ``UNAUTHENTICATED``, the
        same for every reason, and ``RATE_LIMITED`` with ``retry_after`` before the password is looked at when too
        many attempts failed, or when too many passwords are being checked.
        """
        attempt = throttle.attempt_by(username, address)
        delay, user, password_hash = await self._store.read(_begin, attempt, username)
        if delay:
            await asyncio.sleep(delay)
        right = await self._passwords.verify(password_hash, password)
        if user is None or password_hash is None or not right or not user.enabled:
            await self._store.write(throttle.note_failure, attempt)
            raise DomainError(ErrorKind.UNAUTHENTICATED, "Invalid user credentials")
        await self._succeeded(attempt)
        if self._passwords.outdated(password_hash):
            await self._store.write(rehash, user.id, password_hash, await self._passwords.hash(password))
        return user

    async def _succeeded(self, attempt: Attempt) -> None:
        if await self._store.read(throttle.is_news, attempt):
            with contextlib.suppress(DomainError):  # a store that cannot be written now keeps nobody out
                await self._store.write(throttle.note_success, attempt)


def _begin(tx: Tx, attempt: Attempt, username: str) -> tuple[float, User | None, str | None]:
    delay = throttle.admit(tx, attempt)
    user = find_by_login(tx, username)
    credential = tx.get(Credential, user.id) if user else None
    return delay, user, credential.password_hash if credential else None
