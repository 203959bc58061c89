"""Signing in on a device without a browser of its own (RFC 8628)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import BrowserSession, DeviceGrant, DeviceGuess, Session, User
from modelyard.core.identity.sessions import Lifetimes, SignIn, known_by, open_session
from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition
from modelyard.core.kernel.store import Between, Tx

LIFE_SECONDS = 600
INTERVAL_SECONDS = 5
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # section 6.1: no vowels, hence no words; nothing that looks like a digit
CODE_LENGTH = 8

_TOLERANCE = timedelta(seconds=1)  # for a clock or a network that shortens what the device waited
_SLOWEST_SECONDS = 60
_GUESSES, _GUESSES_WITHIN = 10, timedelta(minutes=1)


class DeviceState(StrEnum):
    """Where a request of a device stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    REDEEMED = "REDEEMED"


TRANSITIONS: dict[DeviceState, frozenset[DeviceState]] = {
    DeviceState.PENDING: frozenset({DeviceState.APPROVED, DeviceState.DENIED}),
    DeviceState.APPROVED: frozenset({DeviceState.REDEEMED}),
    DeviceState.DENIED: frozenset(),
    DeviceState.REDEEMED: frozenset(),
}


class Poll(StrEnum):
    """Why a device does not get its tokens: the error codes of section 3.5."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired_token"
    DENIED = "access_denied"
    UNKNOWN = "invalid_grant"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a device asks for; ``device_id`` is the SHA-256 of its device code, in hex."""

    device_id: str
    user_code: str
    client_id: str
    realm: str
    scope: str


def normal_code(typed: str) -> str:
    """A user code as it is kept: what people add or change when they type it does not count."""
    return "".join(symbol for symbol in typed.upper() if symbol in ALPHABET)


def begin_device_grant(tx: Tx, request: DeviceRequest) -> DeviceGrant:
    """Keep a device's request until a person decides; ``CONFLICT`` when the user code is taken."""
    return tx.insert(
        DeviceGrant(
            request.device_id,
            request.user_code,
            request.client_id,
            request.realm,
            request.scope,
            DeviceState.PENDING,
            INTERVAL_SECONDS,
            None,
            tx.now + timedelta(seconds=LIFE_SECONDS),
            user_id=None,
            authenticated_at=None,
        )
    )


def find_device_grant(tx: Tx, typed: str, address: str) -> DeviceGrant | None:
    """The undecided request with this user code, or None.

    ``RATE_LIMITED`` when too many wrong codes came from the address within a minute (section 5.1).
    """
    since = Between(at_least=tx.now - _GUESSES_WITHIN)
    if len(tx.values(DeviceGuess, ("id",), address=address, guessed_at=since)) >= _GUESSES:
        raise DomainError(ErrorKind.RATE_LIMITED, "too many wrong codes; wait a minute and type the code again")
    found = tx.first(DeviceGrant, user_code=normal_code(typed))
    if found is None or found.state != DeviceState.PENDING or found.expires_at <= tx.now:
        tx.insert(DeviceGuess(0, address, tx.now))
        return None
    return found


def decide(
    tx: Tx, device_id: str, browser: BrowserSession, state: DeviceState, address: str | None = None
) -> DeviceGrant:
    """The user of the browser approves or denies; ``FAILED_PRECONDITION`` when that was done before."""
    decided = tx.update(
        DeviceGrant,
        device_id,
        lambda d: replace(_moved(d, state), user_id=browser.user_id, authenticated_at=browser.created_at),
    )
    if state is DeviceState.APPROVED:
        who = known_by(tx, browser.user_id, None, address)
        record(tx, who, Action.CONSENT_GIVE, "client", decided.client_id, scope=decided.scope, device=True)
    return decided


def poll_device_grant(  # which request, of whom, for how long
    tx: Tx, device_id: str, client_id: str, lifetimes: Lifetimes, *, confidential: bool, address: str | None = None
) -> Session | Poll:
    """The session for the device once the user approved, and only once; else why not."""
    grant = tx.get(DeviceGrant, device_id)
    if grant is None or grant.client_id != client_id or grant.state == DeviceState.REDEEMED:
        return Poll.UNKNOWN
    if grant.state == DeviceState.DENIED:
        return Poll.DENIED
    if grant.expires_at <= tx.now:
        return Poll.EXPIRED
    if grant.user_id is None or grant.authenticated_at is None:
        return _not_yet(tx, grant)
    tx.update(DeviceGrant, grant.id, lambda d: _moved(d, DeviceState.REDEEMED))
    user = tx.get(User, grant.user_id)
    if user is None or not user.enabled:
        return Poll.DENIED
    sign_in = _sign_in(grant, user, grant.authenticated_at, confidential=confidential)
    return open_session(tx, replace(sign_in, address=address), lifetimes)


def _sign_in(grant: DeviceGrant, user: User, authenticated_at: datetime, *, confidential: bool) -> SignIn:
    rotates = not confidential or "offline_access" not in grant.scope.split()
    return SignIn(user.id, grant.client_id, grant.realm, grant.scope, rotates, authenticated_at)


def _not_yet(tx: Tx, grant: DeviceGrant) -> Poll:
    """Pending; a device that asks again too soon has to wait five seconds longer from then on (section 3.5)."""
    wait = timedelta(seconds=grant.interval) - _TOLERANCE
    too_soon = grant.polled_at is not None and tx.now - grant.polled_at < wait
    interval = min(grant.interval + INTERVAL_SECONDS * too_soon, _SLOWEST_SECONDS)
    tx.update(DeviceGrant, grant.id, lambda d: replace(d, polled_at=tx.now, interval=interval))
    return Poll.SLOW_DOWN if too_soon else Poll.PENDING


def _moved(grant: DeviceGrant, state: DeviceState) -> DeviceGrant:
    if state not in TRANSITIONS[DeviceState(grant.state)]:
        raise failed_precondition(f"this request is {grant.state.lower()} already; start again on the device")
    return replace(grant, state=state)
