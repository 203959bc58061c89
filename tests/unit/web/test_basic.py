"""HTTP Basic: a password is hashed once, and never trusted for longer than it is the user's."""

import asyncio
import base64
from collections.abc import Callable

import pytest

from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import NewUser, Profile, add_user, change_password, change_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic, Tx
from modelyard.storage.store import SqlStore
from modelyard.web.basic import BasicAuthenticator, is_basic

RIGHT = "correct horse"


class Checks:
    """Stands before the store as the issuer does, and counts how often a password was hashed."""

    def __init__(self, store: SqlStore, user: User) -> None:
        self.hashed = 0
        self._user = user
        self._store = store

    async def password(self, username: str, password: str, address: str | None) -> User:
        del address
        self.hashed += 1
        await asyncio.sleep(0.02)
        if (username, password) != (self._user.username, RIGHT):
            raise DomainError(ErrorKind.UNAUTHENTICATED, "Invalid user credentials")
        return self._user

    async def token(self, authorization: str) -> Actor:
        raise DomainError(ErrorKind.UNAUTHENTICATED, f"no such token: {authorization[:11]}")


@pytest.fixture
def ada(store: SqlStore) -> User:
    return store.run_write(add_user, NewUser("ada", None, "a hash"))


@pytest.fixture
def checks(store: SqlStore, ada: User) -> Checks:
    return Checks(store, ada)


@pytest.fixture
def basic(store: SqlStore, checks: Checks) -> BasicAuthenticator:
    made = BasicAuthenticator(store, checks.password, checks.token)
    store.on_touch(lambda topics: made.forget() if Topic.ACCESS in topics else None)
    return made


def header(username: str = "ada", password: str = RIGHT) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def refused(ask: Callable[[], object]) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        ask()
    return caught.value.kind


def test_a_password_is_hashed_once(basic: BasicAuthenticator, checks: Checks) -> None:
    async def twice() -> list[str]:
        return [(await basic.authenticate(header(), None)).username for _ in range(2)]

    assert asyncio.run(twice()) == ["ada", "ada"]
    assert checks.hashed == 1


def test_many_requests_with_a_new_header_hash_it_once(basic: BasicAuthenticator, checks: Checks) -> None:
    async def at_once() -> set[str]:
        return {
            actor.username for actor in await asyncio.gather(*(basic.authenticate(header(), None) for _ in range(20)))
        }

    assert asyncio.run(at_once()) == {"ada"}
    assert checks.hashed == 1


def test_each_request_has_a_record_of_checks_of_its_own(basic: BasicAuthenticator) -> None:
    async def both() -> tuple[Actor, Actor]:
        return await basic.authenticate(header(), None), await basic.authenticate(header(), None)

    first, second = asyncio.run(both())
    first.checked.add("x")
    assert not second.checked


def test_a_wrong_password_is_asked_about_each_time(basic: BasicAuthenticator, checks: Checks) -> None:
    for _ in range(2):
        assert refused(lambda: asyncio.run(basic.authenticate(header(password="wrong"), None))) is (
            ErrorKind.UNAUTHENTICATED
        )
    assert checks.hashed == 2


def test_changed_rights_are_loaded_without_hashing_again(
    basic: BasicAuthenticator, checks: Checks, store: SqlStore, ada: User
) -> None:
    asyncio.run(basic.authenticate(header(), None))
    admin = store.run_write(_administrator)
    store.run_write(change_user, admin, ada.id, Profile(admin=True))
    assert "ADMIN" in asyncio.run(basic.authenticate(header(), None)).platform_roles
    assert checks.hashed == 1


def test_a_remembered_password_ends_with_the_password(
    basic: BasicAuthenticator, checks: Checks, store: SqlStore, ada: User, clock: Clock
) -> None:
    asyncio.run(basic.authenticate(header(), None))
    clock.advance(seconds=1)
    store.run_write(change_password, store.run_write(_administrator), ada.id, "another hash")
    asyncio.run(basic.authenticate(header(), None))
    assert checks.hashed == 2


def test_a_disabled_user_is_refused_at_once(basic: BasicAuthenticator, store: SqlStore, ada: User) -> None:
    asyncio.run(basic.authenticate(header(), None))
    admin = store.run_write(_administrator)
    store.run_write(change_user, admin, ada.id, Profile(enabled=False))
    assert refused(lambda: asyncio.run(basic.authenticate(header(), None))) is ErrorKind.UNAUTHENTICATED


def test_a_personal_token_in_place_of_the_password_is_checked_as_a_token(basic: BasicAuthenticator) -> None:
    text = "mly_" + "0" * 49
    with pytest.raises(DomainError, match=r"no such token: Bearer mly_|not valid|Invalid"):
        asyncio.run(basic.authenticate(header(password=text), None))


@pytest.mark.parametrize(
    "wrong",
    ["Basic", "Basic ", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic Og==", "Basic /w=="],
)
def test_what_is_no_basic_header_is_refused(basic: BasicAuthenticator, checks: Checks, wrong: str) -> None:
    assert refused(lambda: asyncio.run(basic.authenticate(wrong, None))) is ErrorKind.UNAUTHENTICATED
    assert checks.hashed == 0


def test_the_scheme_minds_no_case() -> None:
    assert is_basic("bAsIc x")
    assert not is_basic("Bearer x")
    assert not is_basic(None)


def _administrator(tx: Tx) -> Actor:
    made = add_user(tx, NewUser("root", None, "hash", roles=(Role.ADMIN,)))
    return load_actor(tx, made.id, None)
