"""Personal access tokens as bearer tokens."""

from functools import partial

from modelyard.core.identity.access_tokens import find_token
from modelyard.core.identity.token_text import is_personal, is_well_formed, text_hash
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store
from modelyard.issuers.verifiers import Verified, Verifier, in_thread

CLIENT_ID = "personal-access-token"
_NEVER = 253_402_300_799  # the last second of the year 9999


def personal_tokens(store: Store) -> Verifier:
    """The verifier of the tokens that begin with ``mly_``."""
    return Verifier(is_personal, in_thread(partial(verify_personal, store)))


def verify_personal(store: Store, token: str) -> Verified:
    """Whose token it is, read on the caller's thread; ``UNAUTHENTICATED`` unless it is live."""
    found = store.run_read(find_token, text_hash(token)) if is_well_formed(token) else None
    if found is None:
        message = "the personal access token was refused: it is mistyped, revoked, expired or from another server"
        raise DomainError(ErrorKind.UNAUTHENTICATED, message)
    expires_at = int(found.expires_at.timestamp()) if found.expires_at is not None else _NEVER
    return Verified(found.user_id, CLIENT_ID, None, expires_at, found.id)
