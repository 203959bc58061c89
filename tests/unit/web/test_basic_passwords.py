"""HTTP Basic against a real store and real passwords."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from clock import Clock
from modelyard.core.identity.entities import User
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.identity.users import NewUser, add_user, replace_password
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.verifiers import Verifiers
from modelyard.storage.store import SqlStore
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator

Check = Callable[[str, str, str | None], Awaitable[User]]
_OLD, _NEW = "correct horse", "battery staple"


@pytest.fixture
def issuer(store: SqlStore, tmp_path: Path) -> EmbeddedIssuer:
    return EmbeddedIssuer(store, KeyRing.open(tmp_path / "keys"), Passwords(), ("master",), Lifetimes())


@pytest.fixture
def ada(store: SqlStore) -> User:
    return store.run_write(add_user, NewUser("ada", "ada@x.io", Passwords().hash_now(_OLD)))


def basic(store: SqlStore, check: Check) -> BasicAuthenticator:
    return BasicAuthenticator(store, check, TokenAuthenticator(store, Verifiers()).authenticate)


def header(password: str) -> str:
    return f"Basic {base64.b64encode(f'ada:{password}'.encode()).decode()}"


def test_a_password_that_is_replaced_while_it_is_checked_opens_nothing(
    store: SqlStore, clock: Clock, issuer: EmbeddedIssuer, ada: User
) -> None:
    async def check_slowly(username: str, password: str, address: str | None) -> User:
        user = await issuer.check_credentials(username, password, address)
        if password == _OLD:
            clock.advance(seconds=1)
            hashed = await issuer.passwords.hash(_NEW)
            await store.write(replace_password, Actor("", "server"), user.id, hashed)
        return user

    async def sign_in() -> None:
        checking = basic(store, check_slowly)
        for _ in range(2):
            with pytest.raises(DomainError) as caught:
                await checking.authenticate(header(_OLD), None)
            assert caught.value.kind is ErrorKind.UNAUTHENTICATED
        assert (await checking.authenticate(header(_NEW), None)).user_id == ada.id

    asyncio.run(sign_in())
