"""Two ways into one process: where ID tokens and sessions count, and where they do not, whatever came before."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clock import Clock
from modelyard.bootstrap.issuers import bearer_verifiers
from modelyard.core.access.permissions import Role
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.identity.api_sessions import begin_api_session
from modelyard.core.identity.clients import ensure_public_clients
from modelyard.core.identity.entities import BrowserSession, User
from modelyard.core.identity.session_control import end_sessions_of_user
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.claims import Subject
from modelyard.issuers.embedded.codes import digest
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.tokens import sign_id
from modelyard.issuers.session_tokens import NAME, value_hash
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.inference.admission import Admission
from modelyard.web.session_cookie import SessionCookie

_SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "scheme": "http", "path": "/x", "headers": []}
_LIFETIMES = Lifetimes(browser=3600, browser_idle=600)


class Doors:
    """Both admissions over one store, and a user with an ID token and a session."""

    def __init__(self, store: SqlStore, folder: Path, clock: Clock) -> None:
        self.store = store
        keys = KeyRing.open(folder)
        store.run_write(ensure_public_clients)
        self.user: User = store.run_write(add_user, NewUser("ada", None, None))
        verifiers = bearer_verifiers(Settings(), keys, store, _LIFETIMES)
        audit = BoundedRecorder(store)
        self._access = TokenAuthenticator(store, verifiers.access)
        self._identity = TokenAuthenticator(store, verifiers.identity)
        self.strict = Admission(self._access, audit)
        self.lenient = Admission(self._identity, audit, SessionCookie(None).credential)
        subject = Subject(self.user, frozenset(), "sd-api", None, "openid")
        id_token = sign_id(keys, subject, "http://x/auth/realms/master", clock(), 3600)
        store.run_write(begin_api_session, self.user, value_hash("value"), _LIFETIMES)
        self.id_token = {b"authorization": b"Bearer " + id_token.encode()}
        self.cookie = {b"cookie": f"{NAME}=value; Path=/".encode()}
        self.cookie_as_token = {b"authorization": f"Bearer {NAME}=value; Path=/".encode()}

    def passes(self, door: Admission, headers: dict[bytes, bytes]) -> bool:
        """Whether the door takes these headers for the user; both what is remembered and what is asked."""
        try:
            credential = door.credential(headers, _SCOPE)
            actor = asyncio.run(door.caller(credential, _SCOPE))
        except DomainError as error:
            assert error.kind is ErrorKind.UNAUTHENTICATED
            return False
        assert actor.user_id == self.user.id
        assert door.known(credential) is not None
        return True

    def forget(self) -> None:
        """What happens when rights changed."""
        self._access.forget()
        self._identity.forget()


@pytest.fixture
def doors(store: SqlStore, tmp_path: Path, clock: Clock) -> Doors:
    clock.now = datetime.now(UTC)  # tokens are held against the clock on the wall
    return Doors(store, tmp_path / "keys", clock)


@pytest.mark.parametrize("held", ["id_token", "cookie", "cookie_as_token"])
def test_what_opens_one_door_is_not_remembered_at_the_other(doors: Doors, held: str) -> None:
    headers = getattr(doors, held)
    for _ in range(2):
        assert not doors.passes(doors.strict, headers)
        assert doors.passes(doors.lenient, headers)
    credential = doors.lenient.credential(headers, _SCOPE)
    assert doors.lenient.known(credential) is not None
    assert doors.strict.known(credential) is None


def test_a_session_ends_with_the_sessions_of_its_user(doors: Doors) -> None:
    assert doors.passes(doors.lenient, doors.cookie)
    admin = doors.store.run_write(add_user, NewUser("root", None, None, roles=(Role.ADMIN,)))
    actor = doors.store.run_read(load_actor, admin.id, None)
    before = doors.store.generations()
    doors.store.run_write(end_sessions_of_user, actor, doors.user.id)
    assert doors.store.generations() != before  # other processes hear of it
    doors.forget()
    assert not doors.passes(doors.lenient, doors.cookie)
    assert not doors.passes(doors.lenient, doors.cookie_as_token)


@pytest.mark.parametrize(("seconds", "good"), [(590, True), (610, False)])
def test_a_session_that_is_not_used_ends(doors: Doors, clock: Clock, seconds: int, good: bool) -> None:
    clock.advance(seconds=seconds)
    assert doors.passes(doors.lenient, doors.cookie) is good


def test_a_used_session_goes_on_until_its_end(doors: Doors, clock: Clock) -> None:
    verify = doors.lenient
    for _ in range(6):
        clock.advance(seconds=500)
        doors._identity.forget_tokens()
        assert doors.passes(verify, doors.cookie)
    clock.advance(seconds=700)
    doors._identity.forget_tokens()
    assert not doors.passes(verify, doors.cookie)


def test_of_a_session_only_a_digest_is_kept(doors: Doors) -> None:
    assert doors.passes(doors.lenient, doors.cookie)
    (kept,) = doors.store.run_read(lambda tx: tx.find(BrowserSession))
    assert "value" not in kept.token_hash
    assert kept.token_hash == value_hash("value") != digest("value")  # nor is it that of a browser with this cookie
