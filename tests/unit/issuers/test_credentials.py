"""One check of passwords for all ways in, and the switch that turns those of programs off."""

import asyncio
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from modelyard.core.identity.clients import FirstAccounts, GrantType, ensure_accounts
from modelyard.core.identity.entities import Credential, OAuthClient, SignInRecord, User
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.identity.users import NewUser, Profile, add_user, change_user, load_actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.issuer import EmbeddedIssuer, OAuthError, TokenRequest
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.storage.store import SqlStore

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def ada(store: SqlStore) -> User:
    hashed = Passwords().hash_now("correct horse")
    return store.run_write(add_user, NewUser("ada", "ada@x.io", hashed))


def issuer(store: SqlStore, folder: Path, **switches: bool) -> EmbeddedIssuer:
    return EmbeddedIssuer(store, KeyRing.open(folder / "keys"), Passwords(), ("master",), Lifetimes(), **switches)


def refusal(issuer: EmbeddedIssuer, name: str, password: str, address: str = HOME) -> DomainError:
    with pytest.raises(DomainError) as caught:
        asyncio.run(issuer.check_credentials(name, password, address))
    return caught.value


def test_name_and_address_and_password_give_the_user(store: SqlStore, tmp_path: Path, ada: User) -> None:
    for name in ("ada", "ADA@X.IO"):
        assert asyncio.run(issuer(store, tmp_path).check_credentials(name, "correct horse", HOME)) == ada


def test_every_reason_to_refuse_reads_the_same(store: SqlStore, tmp_path: Path, ada: User) -> None:
    store.run_write(add_user, NewUser("robot", None, None, service=True))
    gone = store.run_write(add_user, NewUser("gone", None, Passwords().hash_now("correct horse")))
    root = store.run_write(add_user, NewUser("root", None, None, ("ADMIN",)))  # type: ignore[arg-type]
    store.run_write(change_user, store.run_read(load_actor, root.id, None), gone.id, Profile(enabled=False))
    checking = issuer(store, tmp_path)
    for name, password in (("ada", "wrong"), ("gone", "correct horse"), ("robot", ""), ("nobody", "x"), ("", "")):
        error = refusal(checking, name, password)
        assert (error.kind, error.message) == (ErrorKind.UNAUTHENTICATED, "Invalid user credentials")


def test_while_waiting_the_password_is_not_even_looked_at(store: SqlStore, tmp_path: Path, ada: User) -> None:
    checking = issuer(store, tmp_path)
    asyncio.run(checking.check_credentials("ada", "correct horse", HOME))
    for _ in range(5):
        assert refusal(checking, "ada", "wrong", ELSEWHERE).kind is ErrorKind.UNAUTHENTICATED
    checking.passwords.verify = None  # type: ignore[assignment,method-assign]
    error = refusal(checking, "ada", "correct horse", ELSEWHERE)
    assert (error.kind, error.details) == (ErrorKind.RATE_LIMITED, {"retry_after": 1})
    assert asyncio.run(issuer(store, tmp_path).check_credentials("ada", "correct horse", HOME)) == ada


def test_many_guesses_at_once_get_no_more_answers_than_one_by_one(store: SqlStore, tmp_path: Path, ada: User) -> None:
    checking = issuer(store, tmp_path)

    async def main() -> list[ErrorKind]:
        words = [*(f"wrong {number}" for number in range(20)), "correct horse"]
        tries = [checking.check_credentials("ada", word, ELSEWHERE) for word in words]
        return [error.kind for error in await asyncio.gather(*tries, return_exceptions=True)]  # type: ignore[union-attr]

    kinds = asyncio.run(main())
    assert kinds.count(ErrorKind.UNAUTHENTICATED) == 5
    assert kinds.count(ErrorKind.RATE_LIMITED) == 16


def test_a_sign_in_from_a_known_address_writes_nothing(store: SqlStore, tmp_path: Path, ada: User) -> None:
    checking = issuer(store, tmp_path)
    asyncio.run(checking.check_credentials("ada", "correct horse", HOME))
    before = store.run_read(lambda tx: tx.find(SignInRecord))
    writes: list[object] = []
    store.write = lambda *_: writes.append(1)  # type: ignore[assignment,method-assign,return-value]
    asyncio.run(checking.check_credentials("ada", "correct horse", HOME))
    assert writes == []
    assert len(before) == 1


def test_a_hash_of_old_parameters_is_renewed(store: SqlStore, tmp_path: Path) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("correct horse")
    eve = store.run_write(add_user, NewUser("eve", None, old))
    asyncio.run(issuer(store, tmp_path).check_credentials("eve", "correct horse", HOME))
    renewed = store.run_read(lambda tx: tx.get(Credential, eve.id))
    assert renewed is not None
    assert "m=19456,t=2" in renewed.password_hash


def test_switched_off_passwords_of_programs_are_refused_and_those_of_people_are_not(
    store: SqlStore, tmp_path: Path, ada: User
) -> None:
    store.run_write(ensure_accounts, FirstAccounts("admin", "admin@x.io", "hash", "hash"))
    client = store.run_read(lambda tx: tx.get(OAuthClient, "sdk-client"))
    assert client is not None
    strict = issuer(store, tmp_path, password_grant=False)
    assert set(strict.grants) == set(GrantType) - {GrantType.PASSWORD}
    assert "access token" in refusal(strict, "ada", "correct horse").message
    request = TokenRequest(client, "master", "http://x/auth/realms/master", None)
    with pytest.raises(OAuthError) as caught:
        asyncio.run(strict.password(request, "ada", "correct horse", HOME))
    assert caught.value.error == "unauthorized_client"
    assert asyncio.run(strict.credentials.check("ada", "correct horse", HOME)) == ada
