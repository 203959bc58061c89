"""Where the audit log stood last, kept outside the database: ``audit.head`` in the data folder.

Its number and hash are sealed with HMAC-SHA256 under ``keys/audit.key``: who can write to the database alone cannot cut
off the log's end, or write it anew, without this file telling.
"""

import contextlib
import hmac
import json
import os
import secrets
from pathlib import Path

from modelyard.core.audit.verification import BEGINNING, Anchor, head
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store

_KEY_BYTES = 32


class HeadFile:
    """The file in this data folder."""

    def __init__(self, data: Path) -> None:
        self.path = data / "audit.head"
        self._key_path = data / "keys" / "audit.key"

    def begin(self, store: Store) -> None:
        """Make the file and its key where the log has no entry yet; later they are never made without being asked."""
        if not self.path.exists() and store.run_read(head) == BEGINNING:
            self.write(BEGINNING)

    def read(self) -> Anchor:
        """Where the log stood; ``FAILED_PRECONDITION`` when the file or its key is missing, damaged or forged."""
        try:
            content = json.loads(self.path.read_bytes())
            anchor = Anchor(int(content["entry"]), str(content["hash"]))
            sealed = hmac.compare_digest(str(content["seal"]), self._seal(anchor, self._key_path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable("is missing or damaged, or its key is") from error
        if not sealed:
            raise self._unusable("was not written by this server")
        return anchor

    def write(self, anchor: Anchor) -> None:
        """Replace the file, whole or not at all; makes the key where there is none."""
        if not self._key_path.exists():
            _replace(self._key_path, secrets.token_bytes(_KEY_BYTES))
        seal = self._seal(anchor, self._key_path.read_bytes())
        _replace(self.path, json.dumps({"entry": anchor.entry_id, "hash": anchor.hash, "seal": seal}).encode())

    def _seal(self, anchor: Anchor, key: bytes) -> str:
        if len(key) != _KEY_BYTES:
            raise self._unusable("cannot be read: its key is damaged")
        return hmac.digest(key, f"{anchor.entry_id}:{anchor.hash}".encode(), "sha256").hex()

    def _unusable(self, what: str) -> DomainError:
        return DomainError(
            ErrorKind.FAILED_PRECONDITION,
            f"the file {self.path} {what}, so that nothing tells whether the end of the audit log was cut off; look "
            "into it, then run: modelyard audit verify --accept",
        )


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
