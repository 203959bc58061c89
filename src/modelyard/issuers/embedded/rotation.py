"""Changing the signing keys while the server runs: it notices by itself."""

from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.kernel.errors import failed_precondition, not_found
from modelyard.issuers.embedded.key_files import SigningKey, create_signing, rotated_name
from modelyard.issuers.embedded.keys import KeyRing


def rotate(folder: Path) -> SigningKey:
    """Make a new signing key, which signs from two seconds on; what older ones signed stays good."""
    KeyRing.open(folder)  # refuses a folder whose keys are damaged
    path = folder / rotated_name(datetime.now(UTC))
    create_signing(path)
    return next(key for key in KeyRing.open(folder).all if key.path == path)


def retire(folder: Path, kid: str) -> SigningKey:
    """Remove a key: the tokens it signed are refused from now on. ``FAILED_PRECONDITION`` for one that may sign."""
    ring = KeyRing.open(folder)
    found = next((key for key in ring.all if key.kid == kid), None)
    if found is None:
        raise not_found("signing key", kid)
    if found == ring.all[-1]:
        raise failed_precondition(f"{kid} is the newest signing key; make another one first: modelyard keys rotate")
    if found == ring.signer:
        raise failed_precondition(f"{kid} still signs; try again when the new key does, in two seconds")
    found.path.unlink()
    return found
