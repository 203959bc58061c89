"""Seals what the database keeps but must not show: AES-256-GCM with keys that lie in files beside it.

    <folder>/first.key, <folder>/20260301T120000000000Z.key     32 random bytes each; the newest seals

The id of a key is its file's name. Old keys open what they sealed for as long as they are there.
"""

import base64
import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelyard.core.catalogue.secrets import Sealed
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.key_files import create

_FIRST = "first"
_SUFFIX = ".key"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_TIME = "%Y%m%dT%H%M%S%fZ"


class KeyFolder:
    """See ``core.catalogue.secrets.Sealer``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls, folder: Path) -> "KeyFolder":
        """The keys in this folder; with a first one when there is none."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = cls(folder)
        if not made.key_ids():
            create(folder / f"{_FIRST}{_SUFFIX}", secrets.token_bytes(_KEY_BYTES))
        return made

    def key_ids(self) -> list[str]:
        """From the oldest to the newest."""
        names = (path.stem for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted(names, key=lambda name: (name != _FIRST, name))

    def rotate(self) -> str:
        """Make a new key, with which everything is sealed from now on; returns its id."""
        key_id = datetime.now(UTC).strftime(_TIME)
        create(self._folder / f"{key_id}{_SUFFIX}", secrets.token_bytes(_KEY_BYTES))
        return key_id

    def seal(self, values: bytes, bound: bytes) -> Sealed:
        known = self.key_ids()
        if not known:
            raise self._unusable(_FIRST)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._key(known[-1])).encrypt(nonce, values, bound)
        return Sealed(known[-1], base64.b64encode(nonce + sealed).decode())

    def unseal(self, sealed: Sealed, bound: bytes) -> bytes:
        content = base64.b64decode(sealed.text)
        try:
            return AESGCM(self._key(sealed.key_id)).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound)
        except InvalidTag as error:
            message = "a secret is damaged: it does not open with its key; delete it and create it again"
            raise DomainError(ErrorKind.INTERNAL, message) from error

    def _key(self, key_id: str) -> bytes:
        try:
            key = (self._folder / f"{key_id}{_SUFFIX}").read_bytes()
        except OSError as error:
            raise self._unusable(key_id) from error
        if len(key) != _KEY_BYTES:
            raise self._unusable(key_id)
        return key

    def _unusable(self, key_id: str) -> DomainError:
        return DomainError(
            ErrorKind.INTERNAL,
            f"the key {key_id} that seals secrets is missing or damaged in {self._folder}; restore it from a backup, "
            "or delete the secrets and create them again",
        )
