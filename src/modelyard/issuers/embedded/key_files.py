"""The files behind the keys: written whole or not at all, readable by the server's user alone."""

import base64
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import RSAKey

from modelyard.core.kernel.errors import DomainError, ErrorKind

REFRESH = "refresh.key"
REFRESH_BYTES = 32
FIRST = "signing.pem"

_ROTATED = re.compile(r"signing-(\d{8}T\d{12}Z)\.pem")
_TIME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key, its id (``kid``), and since when it exists; None for the one of the first start."""

    kid: str
    rsa: RSAKey
    path: Path
    since: datetime | None

    @property
    def age_order(self) -> float:
        """Sorts keys from the oldest to the newest."""
        return self.since.timestamp() if self.since else 0.0


def signing_files(folder: Path) -> frozenset[str]:
    """The names of the signing keys in the folder."""
    return frozenset(
        entry.name for entry in os.scandir(folder) if entry.name == FIRST or _ROTATED.fullmatch(entry.name)
    )


def rotated_name(now: datetime) -> str:
    """What a key made now is called."""
    return f"signing-{now.astimezone(UTC).strftime(_TIME)}.pem"


def create(path: Path, content: bytes) -> None:
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


def create_signing(path: Path) -> None:
    """Make a new RSA key of 2048 bits."""
    create(path, RSAKey.generate_key(2048).as_pem(private=True))


def read_signing(path: Path) -> SigningKey:
    """The key in the file; ``INTERNAL`` when it is damaged, ``FileNotFoundError`` when there is none."""
    content = path.read_bytes()
    try:
        key = RSAKey.import_key(content)
        digest = hashlib.sha256(key.as_der(private=False)).digest()[:16]
        kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        found = _ROTATED.fullmatch(path.name)
        since = datetime.strptime(found[1], _TIME).replace(tzinfo=UTC) if found else None
        return SigningKey(kid, RSAKey.import_key(key.raw_value, {"kid": kid}), path, since)
    except ValueError as error:
        raise damaged(path) from error


def read_refresh(path: Path) -> bytes:
    """The HMAC key; ``INTERNAL`` when it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path) from error
    if len(content) != REFRESH_BYTES:
        raise damaged(path)
    return content


def damaged(path: Path) -> DomainError:
    """What is said of a key that cannot be used."""
    return DomainError(
        ErrorKind.INTERNAL,
        f"the key file {path} is missing or damaged; restore it from a backup. To start over with new keys, which "
        f"signs everybody out, remove the folder {path.parent}",
    )
