"""Password hashing is slow, bounded, and tells nothing about who exists."""

import asyncio
import unicodedata

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.passwords import Passwords


def test_a_password_is_right_or_wrong() -> None:
    async def main() -> list[bool]:
        passwords = Passwords()
        hashed = await passwords.hash("correct horse")
        return [await passwords.verify(hashed, word) for word in ("correct horse", "wrong horse")]

    assert asyncio.run(main()) == [True, False]


def test_the_hash_is_argon2id_with_the_recommended_parameters() -> None:
    assert Passwords().hash_now("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_what_an_unknown_user_is_checked_against_is_made_like_any_hash_and_differs_each_time() -> None:
    first, second = Passwords(), Passwords()

    assert not first.outdated(first._dummy)
    assert [len(part) for part in first._dummy.split("$")] == [len(part) for part in first.hash_now("x").split("$")]
    assert first._dummy != second._dummy


def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    async def seconds(password_hash: str | None) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert not await passwords.verify(password_hash, "wrong")
        return loop.time() - began

    async def main() -> tuple[float, float]:
        known = [await seconds(hashed) for _ in range(9)]
        unknown = [await seconds(None) for _ in range(9)]
        return sorted(known)[4], sorted(unknown)[4]

    passwords = Passwords()
    hashed = passwords.hash_now("right")
    known, unknown = asyncio.run(main())
    assert unknown > known / 3


def test_a_flood_of_sign_ins_is_refused_not_queued_for_ever() -> None:
    async def main() -> list[object]:
        passwords = Passwords()
        attempts = [passwords.verify(None, "x") for _ in range(60)]
        return list(await asyncio.gather(*attempts, return_exceptions=True))

    answers = asyncio.run(main())
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert {error.kind for error in refused} == {ErrorKind.RATE_LIMITED}
    assert 20 <= len(refused) < 60


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$broken"])
def test_a_damaged_hash_lets_nobody_in(damaged: str) -> None:
    async def main() -> bool:
        return await Passwords().verify(damaged or "?", "x")

    assert asyncio.run(main()) is False


def test_a_password_is_right_in_whichever_way_its_letters_are_composed() -> None:
    kept = Passwords().hash_now(unicodedata.normalize("NFC", "Zürich é 12345"))
    typed = unicodedata.normalize("NFD", "Zürich é 12345")
    assert asyncio.run(Passwords().verify(kept, typed))
