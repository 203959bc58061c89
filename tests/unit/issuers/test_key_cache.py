"""The keys of an issuer in memory: when they are fetched, who waits, and what an outage changes."""

import asyncio
import json
import threading
import time

import pytest
from joserfc.jwk import RSAKey

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.external import key_cache
from modelyard.issuers.external.download import IssuerError
from modelyard.issuers.external.key_cache import KeyCache
from modelyard.issuers.external.keys import KeySet

PAUSE = 0.2


class Source:
    """Publishes keys by name; ``slow`` seconds to fetch, and nothing while ``down``."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.fetches: list[float] = []
        self.threads: set[str] = set()
        self.slow = 0.0
        self.down = False
        self._public = RSAKey.generate_key(2048).as_dict(private=False)

    def __call__(self) -> KeySet:
        self.fetches.append(time.monotonic())
        self.threads.add(threading.current_thread().name)
        keys = [{**self._public, "kid": name} for name in self.names]
        time.sleep(self.slow)
        if self.down:
            raise IssuerError("no route to host")
        return KeySet.read(json.dumps({"keys": keys}).encode())


def cache(source: Source) -> KeyCache:
    return KeyCache("https://login.example.com", source, PAUSE)


async def kind(keys: KeyCache, kid: str) -> ErrorKind | None:
    try:
        await keys.find(kid, "RS256")
    except DomainError as error:
        return error.kind
    return None


def test_known_keys_are_not_fetched_again() -> None:
    async def main() -> None:
        for _ in range(50):
            assert await keys.find("a", "RS256")

    source = Source("a")
    keys = cache(source)
    asyncio.run(main())
    assert len(source.fetches) == 1
    assert all(name.startswith("issuer-keys") for name in source.threads)


@pytest.mark.alone  # a fetch is noted when its thread runs
def test_an_unknown_key_is_looked_for_once_for_all_who_ask() -> None:
    async def main() -> list[ErrorKind | None]:
        await keys.find("a", "RS256")
        source.names.insert(0, "b")
        return await asyncio.gather(*(kind(keys, "b") for _ in range(100)))

    source = Source("a")
    keys = cache(source)
    assert set(asyncio.run(main())) == {None}
    assert len(source.fetches) == 2
    assert source.fetches[1] - source.fetches[0] >= PAUSE * 0.95


def test_invented_keys_cost_the_issuer_one_fetch_a_pause() -> None:
    async def main() -> set[ErrorKind | None]:
        found: set[ErrorKind | None] = set()
        while time.monotonic() < began + 5 * PAUSE:
            found |= set(await asyncio.gather(*(kind(keys, f"invented-{n}") for n in range(20))))
        return found

    source = Source("a")
    keys = cache(source)
    began = time.monotonic()
    assert asyncio.run(main()) == {ErrorKind.UNAUTHENTICATED}
    assert len(source.fetches) <= 8


def test_a_rotation_during_a_fetch_is_found_by_the_next() -> None:
    async def main() -> None:
        await keys.find("a", "RS256")
        source.slow = 0.3
        under_way = asyncio.create_task(kind(keys, "invented"))
        await asyncio.sleep(PAUSE + 0.1)  # it has read the keys and dawdles
        source.names.append("b")
        assert await kind(keys, "b") is None
        assert await under_way is ErrorKind.UNAUTHENTICATED

    source = Source("a")
    keys = cache(source)
    asyncio.run(main())
    assert len(source.fetches) == 3


def test_a_slow_issuer_delays_nobody_whose_key_is_known() -> None:
    async def main() -> float:
        await keys.find("a", "RS256")
        source.slow = 1.0
        waiting = asyncio.create_task(kind(keys, "invented"))
        await asyncio.sleep(PAUSE * 2)
        began = time.monotonic()
        assert await keys.find("a", "RS256")
        took = time.monotonic() - began
        await waiting
        return took

    source = Source("a")
    keys = cache(source)
    assert asyncio.run(main()) < 0.1


def test_who_goes_away_does_not_stop_the_fetch_for_others() -> None:
    async def main() -> ErrorKind | None:
        gone = asyncio.create_task(kind(keys, "a"))
        stays = asyncio.create_task(kind(keys, "a"))
        await asyncio.sleep(0.1)
        gone.cancel()
        return await stays

    source = Source("a")
    source.slow = 0.3
    keys = cache(source)
    assert asyncio.run(main()) is None
    assert len(source.fetches) == 1


def test_too_many_who_wait_are_told_to_come_again() -> None:
    async def main() -> list[ErrorKind | None]:
        return await asyncio.gather(*(kind(keys, "a") for _ in range(300)))

    source = Source("a")
    source.slow = 0.2
    keys = cache(source)
    answers = asyncio.run(main())
    assert answers.count(None) == 200
    assert answers.count(ErrorKind.RATE_LIMITED) == 100


def test_without_ever_a_key_the_issuer_is_unavailable_at_once() -> None:
    async def main() -> list[ErrorKind | None]:
        first = await kind(keys, "a")
        began = time.monotonic()
        again = [await kind(keys, "a") for _ in range(50)]
        assert time.monotonic() - began < PAUSE
        await asyncio.sleep(PAUSE)
        source.down = False
        return [first, *again, await kind(keys, "a")]

    source = Source("a")
    source.down = True
    keys = cache(source)
    *failed, last = asyncio.run(main())
    assert set(failed) == {ErrorKind.UNAVAILABLE}
    assert last is None
    assert len(source.fetches) == 2


def test_an_outage_leaves_known_keys_and_makes_unknown_ones_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[ErrorKind | None]:
        await keys.find("a", "RS256")
        source.down = True
        during = [await kind(keys, "b"), await kind(keys, "a"), await kind(keys, "b")]
        source.down = False
        source.names.append("b")
        await asyncio.sleep(PAUSE)
        return [*during, await kind(keys, "b")]

    source = Source("a")
    keys = cache(source)
    unavailable = ErrorKind.UNAVAILABLE
    with caplog.at_level("INFO"):
        assert asyncio.run(main()) == [unavailable, None, unavailable, None]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "no route to host" in caplog.text


def test_withdrawn_keys_are_gone_with_the_next_look() -> None:
    async def main() -> list[ErrorKind | None]:
        answers = [await kind(keys, "a")]
        source.names = ["b"]
        looking = keys.look()
        answers.append(await kind(keys, "a"))  # while that is under way nobody waits for it
        await looking
        return [*answers, await kind(keys, "b"), await kind(keys, "a")]

    source = Source("a")
    keys = cache(source)
    assert asyncio.run(main()) == [None, None, None, ErrorKind.UNAUTHENTICATED]


def test_an_outage_is_bridged_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[ErrorKind | None]:
        answers = [await kind(keys, "a")]
        source.down = True
        await keys.look()
        answers.append(await kind(keys, "a"))
        await asyncio.sleep(PAUSE * 3)
        return [*answers, await kind(keys, "a")]

    monkeypatch.setattr(key_cache, "_GOOD_SECONDS", PAUSE * 3)
    source = Source("a")
    keys = cache(source)
    assert asyncio.run(main()) == [None, None, ErrorKind.UNAVAILABLE]


def test_whatever_happens_while_fetching_the_next_fetch_is_tried() -> None:
    def odd() -> KeySet:
        calls.append(1)
        raise RecursionError("deep")

    async def main() -> list[ErrorKind | None]:
        answers = [await kind(keys, "a")]
        await asyncio.sleep(PAUSE)
        return [*answers, await kind(keys, "a")]

    calls: list[int] = []
    keys = KeyCache("https://login.example.com", odd, PAUSE)
    assert asyncio.run(main()) == [ErrorKind.UNAVAILABLE] * 2
    assert len(calls) == 2
