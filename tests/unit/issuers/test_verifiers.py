"""Which verifier decides about a bearer token, and what the one for personal access tokens says."""

import asyncio
from datetime import timedelta

import pytest

from clock import Clock
from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.access_tokens import NewToken, create_token, list_tokens, revoke_token
from modelyard.core.identity.token_text import new_text, text_hash
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.issuers.personal import personal_tokens, verify_personal
from modelyard.issuers.verifiers import Verified, Verifier, Verifiers, in_thread
from modelyard.storage.store import SqlStore
from modelyard.web.authentication import TokenAuthenticator


@pytest.fixture
def ada(store: SqlStore) -> Actor:
    user = store.run_write(add_user, NewUser("ada", None, None))
    return store.run_read(load_actor, user.id, None)


def make(store: SqlStore, ada: Actor, *scopes: str, name: str = "laptop") -> str:
    text = new_text()
    new = NewToken(name, scopes or ("all",), None, text_hash(text))
    store.run_write(create_token, ada, ada.user_id, new)
    return text


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def test_the_first_that_knows_the_kind_decides() -> None:
    def says(user: str) -> Verified:
        return Verified(user, "client", None, 1)

    verify = Verifiers(
        Verifier(lambda token: token.startswith("a"), in_thread(lambda _: says("first"))),
        Verifier(lambda token: token.endswith("z"), in_thread(lambda _: says("second"))),
    )

    async def main() -> list[str]:
        return [(await verify(token)).user_id for token in ("a", "az", "bz")]

    assert asyncio.run(main()) == ["first", "first", "second"]
    with pytest.raises(DomainError, match="no kind") as caught:
        asyncio.run(verify("b"))
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_personal_token_names_its_user_and_itself(store: SqlStore, ada: Actor, clock: Clock) -> None:
    text = make(store, ada)
    (token,) = store.run_read(list_tokens, ada, ada.user_id)
    said = verify_personal(store, text)
    assert (said.user_id, said.token_id, said.session_id) == (ada.user_id, token.id, None)
    ending = NewToken("ending", ("all",), clock.now + timedelta(hours=1), "0" * 64)
    store.run_write(create_token, ada, ada.user_id, ending)
    assert said.expires_at > (clock.now + timedelta(days=36500)).timestamp()


@pytest.mark.parametrize(
    "token", ["mly_", new_text(), new_text()[:-1], "mly_\udce9"], ids=["no", "unknown", "short", "no text"]
)
def test_an_unknown_or_mistyped_token_is_refused(store: SqlStore, token: str) -> None:
    with pytest.raises(DomainError) as caught:
        verify_personal(store, token)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert token not in caught.value.message or token == "mly_"


def test_scopes_count_though_another_token_of_the_user_is_remembered(store: SqlStore, ada: Actor) -> None:
    space = store.run_write(create_workspace, ada, "space")
    callers = TokenAuthenticator(store, Verifiers(personal_tokens(store)))
    everything, reading = make(store, ada), make(store, ada, "read", name="reading")

    def may_infer(tx: Tx, actor: Actor) -> None:
        require(tx, actor, Permission.PIPELINE_INFER, space.id, "deployment", "d")

    async def main() -> list[bool]:
        allowed = []
        for token in (everything, reading, everything):
            actor = callers.cached(bearer(token)) or await callers.resolve(bearer(token))
            permission = Permission.PIPELINE_INFER
            if not callers.allowed(actor, permission, space.id):
                try:
                    await callers.require(actor, permission, space.id, may_infer)
                except DomainError as error:
                    assert error.kind is ErrorKind.FORBIDDEN
                    allowed.append(False)
                    continue
            allowed.append(True)
        return allowed

    assert asyncio.run(main()) == [True, False, True]


def test_a_revoked_token_is_refused_as_soon_as_rights_are_loaded_anew(store: SqlStore, ada: Actor) -> None:
    callers, text = TokenAuthenticator(store, Verifiers(personal_tokens(store))), make(store, ada)
    asyncio.run(callers.resolve(bearer(text)))
    assert callers.cached(bearer(text)) is not None
    (token,) = store.run_read(list_tokens, ada, ada.user_id)
    store.on_touch(lambda _: callers.forget())
    store.run_write(revoke_token, ada, token.id)
    assert callers.cached(bearer(text)) is None
    with pytest.raises(DomainError, match="revoked"):
        asyncio.run(callers.resolve(bearer(text)))


def test_uses_are_kept_now_and_then_and_not_on_the_way(store: SqlStore, ada: Actor, clock: Clock) -> None:
    callers, text = TokenAuthenticator(store, Verifiers(personal_tokens(store))), make(store, ada)

    def last_used() -> object:
        (token,) = store.run_read(list_tokens, ada, ada.user_id)
        return token.last_used_at

    asyncio.run(callers.resolve(bearer(text)))
    assert last_used() is None
    callers.keep_uses()
    first = last_used()
    assert first == clock.now
    clock.advance(minutes=2)
    callers.keep_uses()
    assert last_used() == first
    callers.cached(bearer(text))
    callers.keep_uses()
    assert last_used() == clock.now
