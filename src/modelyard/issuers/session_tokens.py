"""Sessions of a cookie as bearer tokens: ``<name of the cookie>=<value>``, with or without the cookie's attributes.

Clients that know a session only as the text of a ``Set-Cookie`` header send that text wherever a token belongs.
"""

import time
from functools import partial

from modelyard.core.identity.browser_sessions import find_browser_session, is_stale, note_use
from modelyard.core.identity.entities import BrowserSession, User
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Store, Tx
from modelyard.issuers.embedded.codes import digest
from modelyard.issuers.verifiers import Verified, Verifier, in_thread

NAME = "modelyard-api-session"
SECURE_NAME = f"__Host-{NAME}"
"""The cookie's name under https: no other host can set one of this name (RFC 6265bis, section 4.1.3.2)."""

CLIENT_ID = "api-session"
_LOOK_AGAIN = 0.1  # of the idle limit: then the session is looked up again, which notes that it is used


def session_tokens(store: Store, lifetimes: Lifetimes) -> Verifier:
    """The verifier of such tokens."""
    return Verifier(_is_session, in_thread(partial(verify_session, store, lifetimes)))


def verify_session(store: Store, lifetimes: Lifetimes, token: str) -> Verified:
    """Whose session it is, looked up on the caller's thread; ``UNAUTHENTICATED`` unless it is live."""
    value = token.partition("=")[2].partition(";")[0].strip()
    found, stale = store.run_read(_find, value_hash(value), lifetimes)
    if found is None:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the session has ended or is not known here; sign in again")
    session, user = found
    if stale:
        store.run_write(note_use, session.id)
    ends = min(session.expires_at.timestamp(), time.time() + _LOOK_AGAIN * lifetimes.browser_idle)
    return Verified(user.id, CLIENT_ID, None, int(ends), browser_session_id=session.id)


def value_hash(value: str) -> str:
    """What is kept of a cookie's value. Other than that of the sign-in pages' cookie: neither passes for the other."""
    return digest(f"{NAME}:{value}")


def _is_session(token: str) -> bool:
    return token.startswith((f"{NAME}=", f"{SECURE_NAME}="))


def _find(tx: Tx, token_hash: str, lifetimes: Lifetimes) -> tuple[tuple[BrowserSession, User] | None, bool]:
    found = find_browser_session(tx, token_hash, lifetimes)
    return found, found is not None and is_stale(tx, found[0], lifetimes)
