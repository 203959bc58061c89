"""Removes what has ended; for the controller."""

from datetime import timedelta

from modelyard.core.identity.entities import (
    AuthorizationCode,
    BrowserSession,
    DeviceGrant,
    DeviceGuess,
    RevokedToken,
)
from modelyard.core.identity.sessions import sweep_sessions
from modelyard.core.kernel.store import Between, Tx

_KEPT = timedelta(days=1)
_GUESSES_KEPT = timedelta(minutes=1)


def sweep_identity(tx: Tx) -> None:
    """Remove codes, device requests, guesses, revocations, sessions and browsers that no longer matter.

    A code is kept for a day, so that its replay is still recognised.
    """
    ended = Between(at_most=tx.now - _KEPT)
    for kind in (AuthorizationCode, DeviceGrant, RevokedToken):
        tx.delete(kind, expires_at=ended)
    tx.delete(DeviceGuess, guessed_at=Between(at_most=tx.now - _GUESSES_KEPT))
    sweep_sessions(tx)
    tx.delete(BrowserSession, expires_at=ended)
