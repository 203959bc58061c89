"""The signing keys: files in the data folder, of which the newest signs and all verify."""

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc.jwk import RSAKey

from modelyard.issuers.embedded.key_files import (
    FIRST,
    REFRESH,
    REFRESH_BYTES,
    SigningKey,
    create,
    create_signing,
    damaged,
    read_refresh,
    read_signing,
    signing_files,
)

# A new key verifies before it signs: by then every process has read it, and shows it to those who verify elsewhere.
SIGNS_AFTER = timedelta(seconds=2)


class KeyRing:
    """RSA keys for tokens that others verify (RS256), one HMAC key for refresh tokens that only we read."""

    def __init__(self, folder: Path, refresh: bytes) -> None:
        self._folder = folder
        self._refresh = refresh
        self._names: frozenset[str] | None = None
        self._keys: tuple[SigningKey, ...] = ()
        self.reload()

    @classmethod
    def open(cls, folder: Path) -> "KeyRing":
        """The keys in the folder; they are made when it has none at all.

        A missing or damaged key is never replaced: every token would be void without a word. ``INTERNAL`` says which
        file it is.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refresh = folder / REFRESH
        if not signing_files(folder) and not refresh.exists():
            create_signing(folder / FIRST)
            create(refresh, secrets.token_bytes(REFRESH_BYTES))
        return cls(folder, read_refresh(refresh))

    def reload(self) -> bool:
        """Read the folder again if keys came or went; returns whether they did. On failure the known ones stay."""
        names = signing_files(self._folder)
        if names == self._names:
            return False
        if not names:
            raise damaged(self._folder / FIRST)
        try:
            keys = [read_signing(self._folder / name) for name in names]
        except FileNotFoundError:  # retired this very moment
            return self.reload()
        self._keys = tuple(sorted(keys, key=lambda key: key.age_order))
        self._names = names
        return True

    @property
    def all(self) -> tuple[SigningKey, ...]:
        """The keys that verify, the oldest first."""
        return self._keys

    @property
    def signer(self) -> SigningKey:
        """The key that signs: the newest that every process knows by now."""
        known_before = datetime.now(UTC) - SIGNS_AFTER
        known = [key for key in self._keys if key.since is None or key.since <= known_before]
        return known[-1] if known else self._keys[0]

    @property
    def signing(self) -> RSAKey:
        """The RSA key that signs."""
        return self.signer.rsa

    @property
    def kid(self) -> str:
        """The id of the key that signs."""
        return self.signer.kid

    def find(self, kid: object) -> RSAKey | None:
        """The key with this id. For one that is not known the folder is looked at: another process may be ahead."""
        key = self._known(kid)
        if key is None and self.reload():
            key = self._known(kid)
        return key

    def jwks(self) -> dict[str, object]:
        """The public keys (RFC 7517), that which signs first."""
        signer = self.signer
        ordered = [signer, *(key for key in reversed(self._keys) if key != signer)]
        return {"keys": [{**key.rsa.as_dict(private=False), "use": "sig", "alg": "RS256"} for key in ordered]}

    def refresh_proof(self, message: bytes) -> bytes:
        """HMAC-SHA256 of the message under the refresh key."""
        return hmac.digest(self._refresh, message, "sha256")

    def form_proof(self, *parts: str) -> str:
        """A text that only this server can make of the parts: for forms that must come from its own pages."""
        message = b"form" + b"".join(b"\0" + part.encode() for part in parts)
        return base64.urlsafe_b64encode(hmac.digest(self._refresh, message, "sha256")).rstrip(b"=").decode()

    def public_key(self) -> str:
        """The public RSA key that signs as base64 DER, as Keycloak shows it."""
        der = self.signing.as_der(private=False)
        return base64.b64encode(der).decode()

    def _known(self, kid: object) -> RSAKey | None:
        return next((key.rsa for key in self._keys if key.kid == kid), None)
