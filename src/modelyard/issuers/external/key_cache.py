"""The keys of one issuer in the memory of one process: fetched when needed, kept through outages, never in a hurry.

All waiting is done by coroutines, the network by one thread of the issuer's own: however slow an issuer is and however
many tokens of it come in, no thread that others need is held, and the issuer sees a request every few seconds at most.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from joserfc.jwk import Key

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.external.download import IssuerError
from modelyard.issuers.external.keys import KeySet
from modelyard.issuers.external.tokens import refused

_LOG = logging.getLogger(__name__)
_GOOD_SECONDS = 86_400.0
_PAUSE_SECONDS = 5.0
_WAITING_MAX = 200


class KeyCache:
    """``download`` fetches the keys of ``issuer`` and may block or raise.

    Whoever holds it calls ``look`` from time to time, so that withdrawn keys go; when that does not succeed, the last
    keys are good for a day. ``pause`` is the least time in seconds between two fetches.
    """

    def __init__(self, issuer: str, download: Callable[[], KeySet], pause: float = _PAUSE_SECONDS) -> None:
        self._issuer = issuer
        self._download = download
        self._pause = pause
        self._thread = ThreadPoolExecutor(1, "issuer-keys")
        self._keys: KeySet | None = None
        self._begun = self._fetched = float("-inf")
        self._failing = False
        self._fetch: asyncio.Task[None] | None = None
        self._waiting = 0

    async def find(self, kid: str | None, algorithm: str) -> list[Key]:
        """The keys that may have made a signature, at least one.

        ``UNAUTHENTICATED`` when the issuer has none like this, ``UNAVAILABLE`` when it cannot be asked, and
        ``RATE_LIMITED`` when too many are waiting for its answer already.
        """
        keys = await self._known()
        found = keys.find(kid, algorithm) or (await self._newer()).find(kid, algorithm)
        if not found:
            raise refused("its issuer has no key like the one it names")
        return found

    def look(self) -> asyncio.Task[None]:
        """Begin to fetch the keys unless that is under way; the task never raises."""
        if self._fetch is None or self._fetch.done():
            self._fetch = asyncio.create_task(self._look())
        return self._fetch

    async def _known(self) -> KeySet:
        """Keys that may be used, without waiting where there are some."""
        age = time.monotonic() - self._fetched
        return self._keys if self._keys is not None and age <= _GOOD_SECONDS else await self._newer()

    async def _newer(self) -> KeySet:
        """Keys whose fetching began after this call did: a rotation that was before it is in them."""
        asked = time.monotonic()
        if self._failing and asked - self._begun < self._pause:
            raise self._unavailable()
        if self._waiting >= _WAITING_MAX:
            raise DomainError(ErrorKind.RATE_LIMITED, f"too many tokens wait for the keys of {self._issuer}; try again")
        self._waiting += 1
        try:
            while self._begun < asked:
                await asyncio.wait({self.look()})  # which, unlike awaiting it, survives a caller who goes away
        finally:
            self._waiting -= 1
        if self._keys is None or self._failing:
            raise self._unavailable()
        return self._keys

    async def _look(self) -> None:
        await asyncio.sleep(self._begun + self._pause - time.monotonic())
        self._begun = begun = time.monotonic()
        try:
            self._keys = await asyncio.get_running_loop().run_in_executor(self._thread, self._download)
        except IssuerError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever a hostile issuer provoked must not end the looking
            self._failed(f"{type(error).__name__}: {error}")
        else:
            self._succeeded(begun)

    def _failed(self, why: str) -> None:
        if not self._failing:
            _LOG.warning("the keys of the issuer %s cannot be fetched: %.500s", self._issuer, why)
        self._failing = True

    def _succeeded(self, begun: float) -> None:
        if self._failing:
            _LOG.info("the issuer %s answers again", self._issuer)
        self._fetched, self._failing = begun, False

    def _unavailable(self) -> DomainError:
        message = f"the keys of the issuer {self._issuer} cannot be had at present; try again shortly"
        return DomainError(ErrorKind.UNAVAILABLE, message)
