"""Checking a username and a password, the same way wherever they are given."""

import asyncio
import contextlib
from dataclasses import replace

from modelyard.core.audit.actions import Action
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.identity import throttle
from modelyard.core.identity.entities import Credential, User
from modelyard.core.identity.throttle import Attempt
from modelyard.core.identity.users import find_by_login, login_form, rehash
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded.passwords import Passwords


class CredentialCheck:
    """Looks passwords up, as fast as ``core.identity.throttle`` allows, and records what is refused."""

    def __init__(self, store: Store, passwords: Passwords, audit: BoundedRecorder) -> None:
        self._store = store
        self._passwords = passwords
        self._audit = audit

    async def check(self, username: str, password: str, address: str | None, client_id: str | None = None) -> User:
        """The user, who is enabled and has this password.

        ``username`` may be an e-mail address; ``address`` is the client's IP address. Raises ``UNAUTHENTICATED``, the
        same for every reason, and ``RATE_LIMITED`` with ``retry_after`` before the password is looked at when too
        many attempts failed, or when too many passwords are being checked.
        """
        attempt = throttle.attempt_by(username, address)
        who = Actor("", login_form(username), client_id=client_id, address=address)
        try:
            delay, user, password_hash = await self._store.read(_begin, attempt, username)
        except DomainError as error:
            if error.kind is ErrorKind.RATE_LIMITED:
                await self._audit.refusal(who, Action.LOGIN, "session", "", reason="too many failures")
            raise
        if delay:
            await asyncio.sleep(delay)
        right = await self._passwords.verify(password_hash, password)
        if user is None or password_hash is None or not right or not user.enabled:
            reason = "unknown user" if user is None else "disabled user" if right else "wrong password"
            who = replace(who, user_id=user.id if user else "")
            await self._audit.refusal(who, Action.LOGIN, "session", "", reason=reason)
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
