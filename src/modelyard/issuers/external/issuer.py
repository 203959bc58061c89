"""One external issuer at work: from a token to the account of its user."""

import asyncio
import time
from functools import partial

from modelyard.core.identity.entities import User
from modelyard.core.identity.external import ExternalPerson, admit
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store
from modelyard.issuer_settings import IssuerSettings
from modelyard.issuers.external.claims import admission_of, person_of
from modelyard.issuers.external.download import download_keys
from modelyard.issuers.external.key_cache import KeyCache
from modelyard.issuers.external.tokens import LEEWAY_SECONDS, check_claims, check_signature, claimed_issuer, read_token
from modelyard.issuers.verifiers import Verified, Verifier

_BELIEVED_SECONDS = 300  # then a token is verified again: its key may have been withdrawn


class ExternalIssuer:
    """Verifies the access tokens of one issuer and makes their users known here."""

    def __init__(self, settings: IssuerSettings, store: Store, keys: KeyCache | None = None) -> None:
        self._keys = keys or KeyCache(settings.url, partial(download_keys, settings))
        self._settings = settings
        self._admission = admission_of(settings)
        self._store = store

    async def verify(self, token: str, *, id_tokens: bool = False) -> Verified:
        """``UNAUTHENTICATED`` unless it is a good access token of a user who may come in.

        With ``id_tokens`` also the ID tokens of the issuer's ``id_token_clients`` are taken. ``UNAVAILABLE`` while the
        issuer's keys cannot be had. ``expires_at`` is when to verify the token again.
        """
        now = time.time()
        read = read_token(token)
        ends = min(
            check_claims(read, self._settings, now, id_tokens=id_tokens) + LEEWAY_SECONDS, now + _BELIEVED_SECONDS
        )
        keys = await self._keys.find(read.kid, read.algorithm)
        await asyncio.to_thread(check_signature, read, keys)
        person = person_of(read.claims, self._settings)
        user = await self._admitted(person)
        client = str(read.claims.get("azp") or read.claims.get("client_id") or "")
        return Verified(user.id, f"{self._settings.url}#{client}", None, int(ends), groups=person.groups)

    def verifier(self, *, id_tokens: bool = False) -> Verifier:
        """Decides about the tokens that name this issuer: their own word, which chooses no more than this."""
        verify = partial(self.verify, id_tokens=id_tokens)
        return Verifier(lambda token: claimed_issuer(token) == self._settings.url, verify, self._keys.look)

    async def _admitted(self, person: ExternalPerson) -> User:
        try:
            return await self._store.write(admit, person, self._admission)
        except DomainError as error:
            if error.kind is not ErrorKind.CONFLICT:
                raise
        return await self._store.write(admit, person, self._admission)  # another process was quicker to make the user
