"""The signing keys: files in the data folder, readable by the server's user alone."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from joserfc.jwk import RSAKey

from modelyard.core.kernel.errors import DomainError, ErrorKind

_RSA, _HMAC = "signing.pem", "refresh.key"
_HMAC_BYTES = 32


class KeyRing:
    """One RSA key for tokens that others verify (RS256), one HMAC key for refresh tokens that only we read."""

    def __init__(self, signing: RSAKey, refresh: bytes) -> None:
        self.signing = signing
        self._refresh = refresh
        self.kid = str(signing.kid)

    @classmethod
    def open(cls, folder: Path) -> "KeyRing":
        """The keys in the folder; both are made when the folder has neither.

        A missing or damaged key is never replaced: every token would be void without a word. ``INTERNAL`` says which
        file it is.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rsa, refresh = folder / _RSA, folder / _HMAC
        if not rsa.exists() and not refresh.exists():
            _create(rsa, RSAKey.generate_key(2048).as_pem(private=True))
            _create(refresh, secrets.token_bytes(_HMAC_BYTES))
        return cls(_read_rsa(rsa), _read_refresh(refresh))

    def jwks(self) -> dict[str, object]:
        """The public keys (RFC 7517)."""
        public = self.signing.as_dict(private=False)
        return {"keys": [{**public, "use": "sig", "alg": "RS256"}]}

    def refresh_proof(self, message: bytes) -> bytes:
        """HMAC-SHA256 of the message under the refresh key."""
        return hmac.digest(self._refresh, message, "sha256")

    def public_key(self) -> str:
        """The public RSA key as base64 DER, as Keycloak shows it."""
        der = self.signing.as_der(private=False)
        return base64.b64encode(der).decode()


def _create(path: Path, content: bytes) -> None:
    """Write the file whole or not at all; keep what another process was quicker to write."""
    temporary = path.with_suffix(f".{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _read_rsa(path: Path) -> RSAKey:
    try:
        key = RSAKey.import_key(path.read_bytes())
        kid = hashlib.sha256(key.as_der(private=False)).digest()[:16]
        return RSAKey.import_key(path.read_bytes(), {"kid": base64.urlsafe_b64encode(kid).rstrip(b"=").decode()})
    except (ValueError, OSError) as error:
        raise _damaged(path) from error


def _read_refresh(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path) from error
    if len(content) != _HMAC_BYTES:
        raise _damaged(path)
    return content


def _damaged(path: Path) -> DomainError:
    return DomainError(
        ErrorKind.INTERNAL,
        f"the key file {path} is missing or damaged; restore it from a backup. To start over with new keys, which "
        f"signs everybody out, remove the folder {path.parent}",
    )
